-- +goose Up
-- Ways into an account, and letters to members.

-- A browser that is signed in. Its session names the row, which is no secret;
-- without the row the session is nobody's.
CREATE TABLE signin (
    id      TEXT    NOT NULL PRIMARY KEY, -- random
    member  INTEGER NOT NULL,
    agent   TEXT    NOT NULL, -- browser and system as they say themselves, cut to names we know
    passkey INTEGER NOT NULL, -- 1: entered by a passkey, else by the password
    since   INTEGER NOT NULL,
    seen    INTEGER NOT NULL, -- lags behind by up to ten minutes
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX signin_by_member ON signin (member, since);
CREATE INDEX signin_by_expires ON signin (expires);

-- A key pair of which a member's device keeps the secret half (WebAuthn).
CREATE TABLE passkey (
    id         BLOB    NOT NULL PRIMARY KEY, -- as the device named it
    member     INTEGER NOT NULL,
    name       TEXT    NOT NULL, -- by which the member knows it
    public_key BLOB    NOT NULL, -- COSE
    counter    INTEGER NOT NULL, -- of its signatures; 0: the device keeps none
    backup     INTEGER NOT NULL, -- 1: may be copied to other devices of the member
    since      INTEGER NOT NULL,
    used       INTEGER NOT NULL  -- 0: never yet
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_by_member ON passkey (member, since);

-- Questions to passkeys that were answered: no answer counts twice.
CREATE TABLE passkey_spent (
    challenge BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of it
    expires   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX passkey_spent_by_expires ON passkey_spent (expires);

-- Where letters to a member go. Only what was confirmed by a link counts.
CREATE TABLE mail_address (
    member    INTEGER NOT NULL PRIMARY KEY,
    address   TEXT    NOT NULL,
    key       TEXT    NOT NULL, -- in lower case
    confirmed INTEGER NOT NULL,
    summary   INTEGER NOT NULL, -- 1: the member wants the summary of each month
    refused   INTEGER NOT NULL  -- when the mail server last took no letter for it for good; 0: never
) STRICT, WITHOUT ROWID;
CREATE INDEX mail_address_by_key ON mail_address (key);

-- Links that were handed out and do something once. The link itself is not kept.
CREATE TABLE link (
    token   BLOB    NOT NULL PRIMARY KEY, -- SHA-256 of it
    kind    TEXT    NOT NULL CHECK (kind IN ('confirm', 'reset')),
    member  INTEGER NOT NULL,
    address TEXT    NOT NULL, -- of confirm: the address it confirms
    at      INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX link_by_member ON link (member, kind);
CREATE INDEX link_by_expires ON link (expires);

-- Letters that wait to be sent. What they say is read when they are.
CREATE TABLE letter (
    id       BLOB    NOT NULL PRIMARY KEY, -- UUID, also in the letter itself
    kind     TEXT    NOT NULL,
    member   INTEGER NOT NULL, -- 0: of asked, which is a wish for a letter and none yet
    address  TEXT    NOT NULL, -- where it goes; of asked: the name or address that was typed
    detail   TEXT    NOT NULL, -- what it is about: a month, the name of a passkey or application
    made     INTEGER NOT NULL,
    until    INTEGER NOT NULL, -- after that it is worth nothing and forgotten
    attempts INTEGER NOT NULL,
    next_try INTEGER NOT NULL,
    holder   TEXT    NOT NULL, -- the process that sends it; empty: none
    lease    INTEGER NOT NULL  -- until when no other process may
) STRICT, WITHOUT ROWID;
CREATE INDEX letter_by_next ON letter (next_try);
CREATE INDEX letter_by_member ON letter (member, kind);
CREATE INDEX letter_by_until ON letter (until);

-- How far the letters with the summary of a closed month are written.
CREATE TABLE letter_month (
    month INTEGER NOT NULL PRIMARY KEY,
    after INTEGER NOT NULL, -- members up to this id have theirs
    done  INTEGER NOT NULL  -- 1: all have
) STRICT, WITHOUT ROWID;
