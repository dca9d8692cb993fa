-- +goose Up

-- Authorization codes on their way from the consent page to a program. Rows
-- are deleted a day after they ended; until then a code that comes twice is
-- recognised, and what was issued for it is revoked.
CREATE TABLE oauth_code (
    signature TEXT    NOT NULL PRIMARY KEY, -- HMAC of the code; the code itself is not kept
    grant_id  TEXT    NOT NULL,             -- what code and token of one consent have in common
    client    TEXT    NOT NULL,             -- client id of the program
    member    INTEGER NOT NULL,             -- who consented
    scope     TEXT    NOT NULL,             -- separated by blanks
    redirect  TEXT    NOT NULL,             -- must be named again with the code
    challenge TEXT    NOT NULL,             -- PKCE, S256
    issued    INTEGER NOT NULL,             -- microseconds
    expires   INTEGER NOT NULL,             -- microseconds
    tried     INTEGER NOT NULL DEFAULT 0,   -- 1: a verifier was offered, right or wrong; there is one try
    spent     INTEGER NOT NULL DEFAULT 0    -- 1: a token was issued for it
) STRICT;

CREATE INDEX oauth_code_expires ON oauth_code (expires);

-- Access tokens. They do not expire; revoked ones stay, so that a token can be
-- told from one that never was.
CREATE TABLE oauth_token (
    signature TEXT    NOT NULL PRIMARY KEY, -- HMAC of the token; the token itself is not kept
    grant_id  TEXT    NOT NULL,
    client    TEXT    NOT NULL,
    member    INTEGER NOT NULL,
    scope     TEXT    NOT NULL,
    issued    INTEGER NOT NULL,             -- microseconds
    revoked   INTEGER                       -- microseconds; null: in force
) STRICT;

CREATE INDEX oauth_token_grant ON oauth_token (grant_id);
CREATE INDEX oauth_token_member ON oauth_token (member);
