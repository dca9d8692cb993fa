-- +goose Up
-- What members say of themselves, and how often the public interface is asked.

-- What a member says of themselves. A member without a row is private.
CREATE TABLE profile (
    member       INTEGER NOT NULL,
    firstname    TEXT    NOT NULL,
    lastname     TEXT    NOT NULL,
    about        TEXT    NOT NULL,
    city         TEXT    NOT NULL,
    country      TEXT    NOT NULL,
    url          TEXT    NOT NULL,
    email        TEXT    NOT NULL,
    public_since INTEGER,          -- clicks from then on are in public lists; null: private
    PRIMARY KEY (member)
) STRICT, WITHOUT ROWID;

-- How often a token or address has asked in an hour, added up over all processes.
CREATE TABLE rest_hits (
    hour   INTEGER NOT NULL, -- number of the hour since 1970
    caller BLOB    NOT NULL, -- 16 bytes of a keyed hash: neither token nor address
    hits   INTEGER NOT NULL,
    PRIMARY KEY (hour, caller)
) STRICT, WITHOUT ROWID;
