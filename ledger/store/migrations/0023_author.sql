-- +goose Up
-- What authors look after themselves: their things, who shares what these earn,
-- and a word of thanks to those who flattred.

ALTER TABLE parts ADD COLUMN setter INTEGER; -- the member who set them; null: the operator
CREATE INDEX parts_by_setter ON parts (setter) WHERE setter IS NOT NULL;

-- The things of an author whom parts name, and of one whom only a button names.
CREATE INDEX thing_by_parts ON thing (parts_key) WHERE parts_key IS NOT NULL;
CREATE INDEX thing_by_asserted_name ON thing (LOWER(asserted)) WHERE owner IS NULL AND asserted <> '';

-- How many readers flattred a thing on some days of a month, as its authors are
-- told: never fewer than five, and never changed, so that two looks do not tell
-- what one reader did between them.
CREATE TABLE thing_days (
    month    INTEGER NOT NULL,
    thing    INTEGER NOT NULL, -- after aliases
    from_day INTEGER NOT NULL, -- of the month, by the arrival of the clicks
    to_day   INTEGER NOT NULL,
    readers  INTEGER NOT NULL CHECK (readers >= 5),
    PRIMARY KEY (month, thing, from_day)
) STRICT, WITHOUT ROWID;

-- On which day of the month the days before it were last counted: once a day.
CREATE TABLE thing_days_counted (
    month INTEGER NOT NULL,
    thing INTEGER NOT NULL,
    day   INTEGER NOT NULL,
    PRIMARY KEY (month, thing)
) STRICT, WITHOUT ROWID;

-- What an author says to those who flattred them in a month.
CREATE TABLE note (
    author INTEGER NOT NULL,
    month  INTEGER NOT NULL,
    text   TEXT    NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (author, month)
) STRICT, WITHOUT ROWID;

-- Authors whose notes a reader does not want to see.
CREATE TABLE note_mute (
    bucket INTEGER NOT NULL,
    reader INTEGER NOT NULL,
    author INTEGER NOT NULL,
    at     INTEGER NOT NULL,
    PRIMARY KEY (bucket, reader, author)
) STRICT, WITHOUT ROWID;
CREATE INDEX note_mute_by_author ON note_mute (author);
