-- +goose Up
-- Owners whom only a page names, looked at again as claims are, and partners who
-- speak for sites of their own.

-- The owner of a thing who hangs on its page alone (thing.granted = 2; 1 is the
-- operator's word, 0 a claim). A claim that covers the thing takes its place.
CREATE TABLE page_proof (
    thing   INTEGER NOT NULL PRIMARY KEY,
    owner   INTEGER NOT NULL,
    named   TEXT    NOT NULL, -- what the page calls them: flattr:id, name, or partner:NAMESPACE:ID
    checked INTEGER NOT NULL,
    lost    INTEGER NOT NULL, -- since when the page does not name them any more; 0: it does
    due     INTEGER NOT NULL  -- when to look next
) STRICT, WITHOUT ROWID;
CREATE INDEX page_proof_by_due ON page_proof (due);
CREATE INDEX page_proof_by_owner ON page_proof (owner);
CREATE INDEX page_proof_by_named ON page_proof (named);

UPDATE thing SET granted = 2 WHERE granted = 1 AND owner = (
    SELECT c.owner FROM claim_change c WHERE c.key = thing.key AND c.how = 'page' ORDER BY c.seq DESC LIMIT 1);
INSERT INTO page_proof (thing, owner, named, checked, lost, due) SELECT id, owner, asserted, 0, 0, 0 FROM thing WHERE granted = 2;

-- Things by whom a button named, for when a partner says who that is.
CREATE INDEX thing_by_asserted ON thing (asserted) WHERE owner IS NULL AND asserted <> '';

-- The hosts on whose pages a partner's owners count.
CREATE TABLE partner_host (
    namespace TEXT    NOT NULL,
    host      TEXT    NOT NULL, -- as in thing keys; those below it are meant too
    at        INTEGER NOT NULL,
    PRIMARY KEY (namespace, host)
) STRICT, WITHOUT ROWID;

-- A partner said of a second member that they are an owner who is another member
-- already. The operator decides.
CREATE TABLE partner_dispute (
    identity TEXT    NOT NULL,
    member   INTEGER NOT NULL,
    at       INTEGER NOT NULL,
    PRIMARY KEY (identity, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX partner_dispute_by_member ON partner_dispute (member);
