-- +goose Up

-- Browsers that are signed in, or carry a notice to the next page.
CREATE TABLE session (
    token   TEXT    NOT NULL PRIMARY KEY, -- SHA-256 of the token in the cookie
    data    BLOB    NOT NULL,             -- written by the session manager
    expires INTEGER NOT NULL              -- microseconds
) STRICT;

CREATE INDEX session_expires ON session (expires);
