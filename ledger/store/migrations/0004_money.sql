-- +goose Up
-- The rest of the money rules: claims, co-authors, aliases, promises that
-- become clicks, subscriptions, returned and refunded top-ups, deletion.

-- A verified claim of a URL by its author (product rule 11).
CREATE TABLE claim (
    key   TEXT    NOT NULL PRIMARY KEY, -- thing key of the URL
    url   TEXT    NOT NULL,             -- as first given
    owner INTEGER NOT NULL,
    site  INTEGER NOT NULL,             -- 1: covers everything below the key too
    at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX claim_by_owner ON claim (owner);

-- Who shares what a thing, or everything below a URL, earns (product rule 13).
CREATE TABLE parts (
    key  TEXT    NOT NULL PRIMARY KEY, -- thing key of the URL
    url  TEXT    NOT NULL,
    site INTEGER NOT NULL,             -- 1: holds for everything below the key too
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The authors of a row of parts, in the order they were named.
CREATE TABLE parts_author (
    key      TEXT    NOT NULL,
    position INTEGER NOT NULL, -- 1 is the first author named, who gets the odd units
    author   INTEGER NOT NULL,
    bp       INTEGER NOT NULL CHECK (bp > 0),
    PRIMARY KEY (key, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX parts_author_by_author ON parts_author (author);

ALTER TABLE thing ADD COLUMN alias_of INTEGER;    -- the thing this one stands for, itself no alias: aliases of aliases are followed here
ALTER TABLE thing ADD COLUMN alias_named INTEGER; -- the thing it was made an alias of, for good; alias_of goes on from there
ALTER TABLE thing ADD COLUMN parts_key TEXT;      -- the longest key of parts that covers it, whether or not they name its owner
CREATE INDEX thing_by_alias ON thing (alias_of) WHERE alias_of IS NOT NULL;

-- Snapshot: the thing after aliases; null: the thing itself. owner is that of
-- the thing after aliases.
ALTER TABLE snapshot_thing ADD COLUMN target INTEGER;

-- Snapshot: the authors of a thing (after aliases) that has two or more.
CREATE TABLE snapshot_part (
    month    INTEGER NOT NULL,
    thing    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    author   INTEGER NOT NULL,
    bp       INTEGER NOT NULL CHECK (bp > 0),
    PRIMARY KEY (month, thing, position)
) STRICT, WITHOUT ROWID;

-- Snapshot: clicks that counted until the freeze and gave way there to an
-- earlier one of their reader on the same thing after aliases (product rule 10).
CREATE TABLE snapshot_merged (
    month  INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    reader INTEGER NOT NULL,
    thing  INTEGER NOT NULL, -- before aliases
    click  BLOB    NOT NULL,
    late   INTEGER NOT NULL,
    PRIMARY KEY (month, bucket, reader, thing)
) STRICT, WITHOUT ROWID;

-- Computed: what a thing brings each of its authors in a month; thing_sum split
-- by the parts. Things are those after aliases.
CREATE TABLE earning (
    month  INTEGER NOT NULL,
    author INTEGER NOT NULL,
    thing  INTEGER NOT NULL,
    clicks INTEGER NOT NULL, -- paid clicks on the thing
    gross  INTEGER NOT NULL, -- the author's part
    PRIMARY KEY (month, author, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX earning_by_author ON earning (author, thing);

-- Clicks of frozen months for things without owner, written by the freeze
-- (product rule 12). Expiry follows from the month and the policy of the day.
CREATE TABLE promise (
    thing  INTEGER NOT NULL, -- before aliases
    bucket INTEGER NOT NULL,
    reader INTEGER NOT NULL,
    month  INTEGER NOT NULL,
    click  BLOB    NOT NULL,
    at     INTEGER NOT NULL, -- the reader's time of the click
    state  TEXT    NOT NULL CHECK (state IN ('waiting', 'kept', 'lapsed')),
    became BLOB,             -- of a kept one: the click it became, or was taken together in
    PRIMARY KEY (thing, bucket, reader, month)
) STRICT, WITHOUT ROWID;
CREATE INDEX promise_by_reader ON promise (bucket, reader, state, month);
CREATE INDEX promise_by_became ON promise (became) WHERE became IS NOT NULL;

-- A click that is repeated every month (product rule 14).
CREATE TABLE subscription (
    id         BLOB    NOT NULL PRIMARY KEY,
    bucket     INTEGER NOT NULL,
    reader     INTEGER NOT NULL,
    thing      INTEGER NOT NULL, -- 0: refused as the reader's own thing, and stopped at once; kept so that the same answer is given again
    months     INTEGER NOT NULL, -- 3, 6 or 12; 0: until stopped
    at         INTEGER NOT NULL,
    paused     INTEGER NOT NULL, -- 1: makes no clicks until resumed
    stopped    INTEGER,          -- when; null: runs
    next_month INTEGER NOT NULL, -- the first month of which is not decided yet whether it has a click
    body       BLOB    NOT NULL  -- SHA-256 of what the reader sent
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_by_reader ON subscription (bucket, reader);
CREATE INDEX subscription_by_next ON subscription (next_month) WHERE stopped IS NULL;

-- What became of the months of a subscription that have, or should have had, a click.
CREATE TABLE subscription_month (
    month        INTEGER NOT NULL,
    bucket       INTEGER NOT NULL,
    reader       INTEGER NOT NULL,
    subscription BLOB    NOT NULL,
    state        TEXT    NOT NULL CHECK (state IN ('made', 'waiting', 'skipped', 'ended')),
    PRIMARY KEY (month, bucket, reader, subscription)
) STRICT, WITHOUT ROWID;
CREATE INDEX subscription_month_waiting ON subscription_month (bucket, reader, month) WHERE state = 'waiting';

-- A top-up that the bank took back, so that each is taken back once.
CREATE TABLE topup_return (
    ref    TEXT    NOT NULL PRIMARY KEY, -- of the top-up
    member INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Means that were paid back to their reader, so that one reference is booked once.
CREATE TABLE refund (
    ref    TEXT    NOT NULL PRIMARY KEY,
    member INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

ALTER TABLE member ADD COLUMN deleted INTEGER; -- when the member was deleted; null: is there

-- Names that are never given again: SHA-256 of the name in lower case.
CREATE TABLE retired_name (
    hash BLOB NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- The policy that a settlement went by, beside fee_bp and promise_months.
ALTER TABLE month ADD COLUMN max_budget INTEGER;  -- micro-EUR, at the freeze
ALTER TABLE month ADD COLUMN grace_hours INTEGER; -- after the month's end

-- A row of thing_sum is written per chunk of buckets and read per month only.
DROP INDEX thing_sum_by_thing;

-- The last time of the wall clock at which a program wrote here (name 'clock').
-- A clock before it has been set back.
CREATE TABLE stamp (
    name TEXT    NOT NULL PRIMARY KEY,
    at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Of a click that was accepted into a month: the first 8 bytes of SHA-256 over
-- "2026-11|click id" as a number, less 2^63, so that SQL, which may have no
-- SHA-256, can order the units that are left over (product rule 4).
ALTER TABLE event ADD COLUMN place INTEGER;

-- What months frozen before have: their promises, and what their authors earned.
INSERT INTO promise (thing, bucket, reader, month, click, at, state)
SELECT c.thing, c.bucket, c.reader, c.month, c.click, e.at, 'waiting'
FROM counted c JOIN event e ON e.id = c.click
JOIN snapshot_thing o ON o.month = c.month AND o.thing = c.thing WHERE o.owner IS NULL;

INSERT INTO earning (month, author, thing, clicks, gross)
SELECT o.month, o.owner, o.thing, SUM(s.clicks), SUM(s.gross)
FROM snapshot_thing o JOIN thing_sum s ON s.month = o.month AND s.thing = o.thing
JOIN month m ON m.month = o.month
WHERE o.owner IS NOT NULL AND m.state IN ('computed', 'posted', 'closed') GROUP BY o.month, o.owner, o.thing;

-- +goose StatementBegin
CREATE TRIGGER snapshot_part_stays BEFORE UPDATE ON snapshot_part BEGIN SELECT RAISE(ABORT, 'snapshot_part: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_part_remains BEFORE DELETE ON snapshot_part BEGIN SELECT RAISE(ABORT, 'snapshot_part: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_merged_stays BEFORE UPDATE ON snapshot_merged BEGIN SELECT RAISE(ABORT, 'snapshot_merged: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_merged_remains BEFORE DELETE ON snapshot_merged BEGIN SELECT RAISE(ABORT, 'snapshot_merged: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER earning_stays BEFORE UPDATE ON earning BEGIN SELECT RAISE(ABORT, 'earning: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER earning_remains BEFORE DELETE ON earning BEGIN SELECT RAISE(ABORT, 'earning: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topup_return_stays BEFORE UPDATE ON topup_return BEGIN SELECT RAISE(ABORT, 'topup_return: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topup_return_remains BEFORE DELETE ON topup_return BEGIN SELECT RAISE(ABORT, 'topup_return: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER refund_stays BEFORE UPDATE ON refund BEGIN SELECT RAISE(ABORT, 'refund: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER refund_remains BEFORE DELETE ON refund BEGIN SELECT RAISE(ABORT, 'refund: rows are never taken out'); END;
-- +goose StatementEnd
