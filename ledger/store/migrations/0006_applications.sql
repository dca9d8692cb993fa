-- +goose Up

-- Applications that may ask members for consent: programs and sites of others.
-- The companion is none of them. Revoked ones stay, so that their tokens can
-- still be told from tokens that never were.
CREATE TABLE oauth_app (
    id       TEXT    NOT NULL PRIMARY KEY, -- client id, 32 hexadecimal digits
    secret   TEXT    NOT NULL,             -- SHA-256 of the secret, which is 256 random bits and is not kept
    name     TEXT    NOT NULL,             -- as members read it
    callback TEXT    NOT NULL,             -- where answers go
    bucket   INTEGER NOT NULL,             -- of member; 0: registered by the operator
    member   INTEGER NOT NULL,             -- who registered it; 0: the operator
    implicit INTEGER NOT NULL,             -- 1: may be answered with a token directly, without a code
    created  INTEGER NOT NULL,             -- microseconds
    revoked  INTEGER                       -- microseconds; null: in force
) STRICT;

CREATE INDEX oauth_app_member ON oauth_app (member);
CREATE INDEX oauth_app_created ON oauth_app (created);

CREATE INDEX oauth_token_client ON oauth_token (client);

ALTER TABLE oauth_code ADD COLUMN ended INTEGER; -- microseconds; not null: what it stood for was revoked, no token is kept for it any more
CREATE INDEX oauth_code_grant ON oauth_code (grant_id);
CREATE INDEX oauth_code_client ON oauth_code (client);
