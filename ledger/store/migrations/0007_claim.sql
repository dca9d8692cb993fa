-- +goose Up
-- How authors prove that a site is theirs, what the ledger found there, and
-- sites that want no money.

-- The six characters by which a page names a member: <meta name="flattr:id">.
CREATE TABLE flattr_id (
    code   TEXT    NOT NULL PRIMARY KEY, -- [0-9a-z]{6}, with a letter
    member INTEGER NOT NULL,
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX flattr_id_by_member ON flattr_id (member);

-- A member says that a URL is theirs. Only a row of the table claim makes an
-- owner; this is how it got there, or why it did not.
CREATE TABLE claim_request (
    key     TEXT    NOT NULL, -- thing key of the URL
    member  INTEGER NOT NULL,
    url     TEXT    NOT NULL, -- where the ledger looks
    state   TEXT    NOT NULL CHECK (state IN ('waiting', 'verified', 'lost', 'lapsed', 'conflict', 'refused', 'opted_out')),
    proof   TEXT    NOT NULL, -- meta, file, dns or operator: what was found last; empty: nothing yet
    fault   TEXT    NOT NULL, -- why the last check found nothing; empty: it did
    rival   INTEGER NOT NULL, -- 0, or who else is named there or has verified it
    since   INTEGER NOT NULL,
    checked INTEGER NOT NULL, -- last check; 0: none yet
    lost    INTEGER NOT NULL, -- since when the proof of a verified claim is missing; 0: it is there
    due     INTEGER NOT NULL, -- when to check next
    PRIMARY KEY (key, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_request_by_member ON claim_request (member, since);
CREATE INDEX claim_request_by_due ON claim_request (due);

-- Each change of who owns what a URL covers: from it follows how long a payout
-- waits. Rows are never changed.
CREATE TABLE claim_change (
    key     TEXT    NOT NULL,
    seq     INTEGER NOT NULL, -- 1, 2, 3 … of the key
    former  INTEGER NOT NULL, -- the owner until then; 0: nobody
    owner   INTEGER NOT NULL, -- the owner from then on; 0: nobody
    how     TEXT    NOT NULL, -- meta, file, dns, operator, page, lapsed, given_up, opted_out
    at      INTEGER NOT NULL,
    payable INTEGER NOT NULL, -- not before then is paid out what this brings
    PRIMARY KEY (key, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_change_by_owner ON claim_change (owner, at);

-- What its owner wants no money for: nobody owns it, and clicks stay promises.
CREATE TABLE opt_out (
    key   TEXT    NOT NULL PRIMARY KEY, -- thing key of the URL
    until TEXT    NOT NULL,             -- the first key behind those it covers
    url   TEXT    NOT NULL,             -- where the ledger looks whether it still holds
    at    INTEGER NOT NULL,
    due   INTEGER NOT NULL              -- when to look next
) STRICT, WITHOUT ROWID;
CREATE INDEX opt_out_by_due ON opt_out (due);

-- 1: the operator named the owner, or the page itself does; no claim that ends
-- takes it away.
ALTER TABLE thing ADD COLUMN granted INTEGER NOT NULL DEFAULT 0;
UPDATE thing SET granted = 1 WHERE owner IS NOT NULL;

-- When to look whether the page names the owner that was asserted, and how often
-- the ledger has (product rule 11).
ALTER TABLE thing ADD COLUMN look INTEGER NOT NULL DEFAULT 0;
ALTER TABLE thing ADD COLUMN looks INTEGER NOT NULL DEFAULT 0;
CREATE INDEX thing_by_look ON thing (look) WHERE owner IS NULL AND asserted <> '';

-- +goose StatementBegin
CREATE TRIGGER claim_change_stays BEFORE UPDATE ON claim_change BEGIN SELECT RAISE(ABORT, 'claim_change: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER claim_change_remains BEFORE DELETE ON claim_change BEGIN SELECT RAISE(ABORT, 'claim_change: rows are never taken out'); END;
-- +goose StatementEnd
