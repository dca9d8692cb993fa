-- +goose Up
-- Web hooks: partners who are told of clicks on things that nobody has claimed
-- yet.

-- A partner's web hook. Clicks read these rows and only the operator's commands
-- and a partner who will have no more write them; how the deliveries go is in
-- hook_state, so that neither waits for the other.
CREATE TABLE hook (
    id        INTEGER NOT NULL PRIMARY KEY, -- random from 1 to 2^52
    name      TEXT    NOT NULL,             -- by which the operator calls it
    name_key  TEXT    NOT NULL,             -- in lower case
    url       TEXT    NOT NULL,             -- where deliveries are posted
    site      TEXT    NOT NULL,             -- thing key: it is told of that URL, and where it ends in / of everything below
    site_url  TEXT    NOT NULL,             -- that key's URL as first given
    namespace TEXT    NOT NULL,             -- it is told of things of partner:NAMESPACE:…
    secret    TEXT    NOT NULL,             -- signs deliveries
    since     INTEGER NOT NULL,
    stopped   INTEGER                       -- when the partner answered that it is gone; null: runs
) STRICT;
CREATE UNIQUE INDEX hook_by_name ON hook (name_key);

-- How the deliveries of a hook go.
CREATE TABLE hook_state (
    hook     INTEGER NOT NULL PRIMARY KEY,
    holder   TEXT    NOT NULL, -- the process that delivers; empty: none
    lease    INTEGER NOT NULL, -- until when no other process may
    next_try INTEGER NOT NULL, -- the partner is left alone until then
    failures INTEGER NOT NULL, -- in a row, of the partner's server as a whole
    dropped  INTEGER NOT NULL, -- deliveries that were too many or too old
    said     TEXT    NOT NULL  -- what went wrong last; empty: nothing
) STRICT;

-- What a hook is still to be told: written in the transaction of the click,
-- deleted when the partner has it.
CREATE TABLE hook_delivery (
    hook     INTEGER NOT NULL,
    click    BLOB    NOT NULL,
    thing    INTEGER NOT NULL, -- before aliases
    reader   INTEGER NOT NULL, -- whose profile was public at the click; 0: nobody is named
    at       INTEGER NOT NULL, -- arrival of the click
    attempts INTEGER NOT NULL,
    next_try INTEGER,          -- null: given up, and waits for the operator
    PRIMARY KEY (hook, click)
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_delivery_by_next ON hook_delivery (hook, next_try, at) WHERE next_try IS NOT NULL;
CREATE INDEX hook_delivery_by_at ON hook_delivery (hook, at);
