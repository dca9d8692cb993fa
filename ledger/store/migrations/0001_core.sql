-- +goose Up
-- The ledger: members, things, the click log, what counts, the books, and the
-- months with their snapshots.
--
-- Times are microseconds since 1970 in UTC. Amounts are micro-EUR. Months are
-- the number 202611. Ids of members and things are random from 1 to 2^52; ids of
-- events, transfers and invites are the 16 bytes of a UUID. bucket is the first
-- 12 bits of SHA-256 over the reader's id; keys that grow with the clicks begin
-- with it (after the month), so that work and storage can be divided.
-- Parameters and statements are written so that PostgreSQL understands them too.

-- A member: an account that can read, flattr and earn.
CREATE TABLE member (
    bucket        INTEGER NOT NULL,
    id            INTEGER NOT NULL,
    name          TEXT    NOT NULL, -- as first written
    name_key      TEXT    NOT NULL, -- in lower case: names are compared so
    password_hash TEXT    NOT NULL, -- empty: cannot sign in by password
    language      TEXT    NOT NULL, -- en or de
    since         INTEGER NOT NULL,
    PRIMARY KEY (bucket, id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX member_by_name_key ON member (name_key);
CREATE UNIQUE INDEX member_by_id ON member (id);
CREATE INDEX member_by_name ON member (name);

-- Each budget a member has set, in order; the last before a month's end is split.
CREATE TABLE budget (
    bucket INTEGER NOT NULL,
    member INTEGER NOT NULL,
    seq    INTEGER NOT NULL, -- 1, 2, 3 … of the member
    amount INTEGER NOT NULL CHECK (amount > 0),
    at     INTEGER NOT NULL, -- in force from then on
    PRIMARY KEY (bucket, member, seq)
) STRICT, WITHOUT ROWID;

-- A code that lets one new member in.
CREATE TABLE invite (
    id        BLOB    NOT NULL PRIMARY KEY,
    code      TEXT    NOT NULL, -- without groups, upper case
    means     INTEGER NOT NULL CHECK (means >= 0), -- welcome means, from the account gift
    minted_by INTEGER,          -- the member who may give it away; null: the operator's
    minted_at INTEGER NOT NULL,
    used_by   INTEGER,
    used_at   INTEGER
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX invite_by_code ON invite (code);
CREATE INDEX invite_by_member ON invite (minted_by);

-- What is flattred: one row per thing key.
CREATE TABLE thing (
    id          INTEGER NOT NULL,
    key         TEXT    NOT NULL, -- product rule 10
    url         TEXT    NOT NULL, -- as first given
    title       TEXT    NOT NULL,
    description TEXT    NOT NULL,
    category    TEXT    NOT NULL,
    language    TEXT    NOT NULL,
    tags        TEXT    NOT NULL, -- joined by commas
    hidden      INTEGER NOT NULL, -- 1: not to be listed
    owner       INTEGER,          -- verified; null: clicks are promises
    asserted    TEXT    NOT NULL, -- the owner first named by a button or link; earns nothing
    since       INTEGER NOT NULL,
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX thing_by_key ON thing (key);
CREATE INDEX thing_by_owner ON thing (owner) WHERE owner IS NOT NULL;

-- The log of clicks and undos, and of voids, which the ledger makes. Only ever
-- appended to.
CREATE TABLE event (
    id      BLOB    NOT NULL,
    kind    TEXT    NOT NULL CHECK (kind IN ('click', 'undo', 'void')),
    bucket  INTEGER NOT NULL,
    reader  INTEGER NOT NULL,
    at      INTEGER NOT NULL, -- the reader's time, never ahead of arrived
    arrived INTEGER NOT NULL,
    month   INTEGER,          -- of a click: where it counts
    thing   INTEGER,          -- of a click
    late    INTEGER NOT NULL, -- 1: counts in a later month than its own
    click   BLOB,             -- of an undo or void: the click it names, known or not
    body    BLOB    NOT NULL, -- SHA-256 of what the reader sent: the same id with another body is refused
    result  TEXT    NOT NULL CHECK (result IN ('accepted', 'late', 'duplicate', 'refused')), -- the first answer
    code    TEXT    NOT NULL, -- why refused
    counts  BLOB,             -- of a duplicate: the click that counted at the time
    PRIMARY KEY (id)
) STRICT, WITHOUT ROWID;
CREATE INDEX event_by_key ON event (month, bucket, reader, thing) WHERE month IS NOT NULL;
CREATE INDEX event_by_click ON event (click) WHERE click IS NOT NULL;

-- The click that counts, where one does; follows from the log (product rule 7).
CREATE TABLE counted (
    month  INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    reader INTEGER NOT NULL,
    thing  INTEGER NOT NULL,
    click  BLOB    NOT NULL,
    late   INTEGER NOT NULL,
    PRIMARY KEY (month, bucket, reader, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX counted_by_thing ON counted (month, thing);

-- A policy value the operator has set; the last one of a name holds.
CREATE TABLE policy (
    name  TEXT    NOT NULL CHECK (name IN ('fee_bp', 'promise_months', 'max_budget')),
    seq   INTEGER NOT NULL,
    value INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    PRIMARY KEY (name, seq)
) STRICT, WITHOUT ROWID;

-- The state of a month. Every click reads the row of its month, and the freeze
-- writes it, so that a click is in the frozen month or in the next, never both.
CREATE TABLE month (
    month          INTEGER NOT NULL,
    state          TEXT    NOT NULL CHECK (state IN ('open', 'frozen', 'computed', 'posted', 'closed')),
    frozen_at      INTEGER, -- when the freeze was run
    fee_bp         INTEGER, -- policy at the freeze
    promise_months INTEGER, -- policy at the freeze
    next_bucket    INTEGER NOT NULL, -- compute has done all buckets before this one
    PRIMARY KEY (month)
) STRICT, WITHOUT ROWID;

-- Snapshot: the budget of each reader with clicks in a frozen month; 0 where all
-- are promises.
CREATE TABLE snapshot_budget (
    month  INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    reader INTEGER NOT NULL,
    budget INTEGER NOT NULL CHECK (budget >= 0),
    PRIMARY KEY (month, bucket, reader)
) STRICT, WITHOUT ROWID;

-- Snapshot: the owner of each thing clicked in a frozen month.
CREATE TABLE snapshot_thing (
    month INTEGER NOT NULL,
    thing INTEGER NOT NULL,
    owner INTEGER, -- null: its clicks are promises
    PRIMARY KEY (month, thing)
) STRICT, WITHOUT ROWID;

CREATE INDEX snapshot_thing_by_owner ON snapshot_thing (owner, month) WHERE owner IS NOT NULL;

-- Computed: what the readers of a bucket give to a thing.
CREATE TABLE thing_sum (
    month  INTEGER NOT NULL,
    bucket INTEGER NOT NULL,
    thing  INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    gross  INTEGER NOT NULL,
    PRIMARY KEY (month, bucket, thing)
) STRICT, WITHOUT ROWID;
CREATE INDEX thing_sum_by_thing ON thing_sum (thing, month);

-- Computed: what an author earns in a month. net is gross less fee.
CREATE TABLE author_sum (
    month  INTEGER NOT NULL,
    author INTEGER NOT NULL,
    clicks INTEGER NOT NULL,
    gross  INTEGER NOT NULL,
    fee    INTEGER NOT NULL,
    net    INTEGER NOT NULL,
    PRIMARY KEY (month, author),
    CHECK (gross = fee + net)
) STRICT, WITHOUT ROWID;
CREATE INDEX author_sum_by_author ON author_sum (author, month);

-- An account of the books. id is made of bucket, owner, kind and month.
CREATE TABLE account (
    id       BLOB    NOT NULL,
    kind     TEXT    NOT NULL CHECK (kind IN ('bank', 'gift', 'means', 'held', 'receivable', 'clearing', 'revenue', 'fee', 'payout')),
    owner    INTEGER NOT NULL, -- member; 0: the operator
    month    INTEGER NOT NULL, -- of held and clearing; else 0
    currency TEXT    NOT NULL CHECK (currency = 'EUR'),
    debits   INTEGER NOT NULL CHECK (debits >= 0),
    credits  INTEGER NOT NULL CHECK (credits >= 0),
    PRIMARY KEY (id),
    CHECK (kind NOT IN ('means', 'held', 'clearing') OR credits >= debits)
) STRICT, WITHOUT ROWID;

-- A movement of money from one account to another; never changed, never taken
-- out. A mistake is put right by another transfer, which reverses it.
CREATE TABLE transfer (
    id             BLOB    NOT NULL,
    debit_account  BLOB    NOT NULL,
    credit_account BLOB    NOT NULL,
    amount         INTEGER NOT NULL CHECK (amount > 0),
    code           TEXT    NOT NULL,
    batch          TEXT    NOT NULL, -- what it belongs to: a month, a click, a reference
    reverses       BLOB,
    at             INTEGER NOT NULL,
    PRIMARY KEY (id),
    CHECK (debit_account <> credit_account)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX transfer_by_reverses ON transfer (reverses) WHERE reverses IS NOT NULL;

-- A top-up, so that one reference is booked once.
CREATE TABLE topup (
    ref    TEXT    NOT NULL PRIMARY KEY,
    member INTEGER NOT NULL,
    amount INTEGER NOT NULL CHECK (amount > 0),
    at     INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A random value made once, such as the key that signs tokens.
CREATE TABLE secret (
    name  TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What is only ever appended to says so itself.
-- +goose StatementBegin
CREATE TRIGGER event_stays BEFORE UPDATE ON event BEGIN SELECT RAISE(ABORT, 'event: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER event_remains BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'event: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfer_stays BEFORE UPDATE ON transfer BEGIN SELECT RAISE(ABORT, 'transfer: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER transfer_remains BEFORE DELETE ON transfer BEGIN SELECT RAISE(ABORT, 'transfer: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER account_remains BEFORE DELETE ON account BEGIN SELECT RAISE(ABORT, 'account: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER budget_stays BEFORE UPDATE ON budget BEGIN SELECT RAISE(ABORT, 'budget: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER budget_remains BEFORE DELETE ON budget BEGIN SELECT RAISE(ABORT, 'budget: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topup_stays BEFORE UPDATE ON topup BEGIN SELECT RAISE(ABORT, 'topup: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER topup_remains BEFORE DELETE ON topup BEGIN SELECT RAISE(ABORT, 'topup: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_budget_stays BEFORE UPDATE ON snapshot_budget BEGIN SELECT RAISE(ABORT, 'snapshot_budget: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_budget_remains BEFORE DELETE ON snapshot_budget BEGIN SELECT RAISE(ABORT, 'snapshot_budget: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_thing_stays BEFORE UPDATE ON snapshot_thing BEGIN SELECT RAISE(ABORT, 'snapshot_thing: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER snapshot_thing_remains BEFORE DELETE ON snapshot_thing BEGIN SELECT RAISE(ABORT, 'snapshot_thing: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER thing_sum_stays BEFORE UPDATE ON thing_sum BEGIN SELECT RAISE(ABORT, 'thing_sum: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER thing_sum_remains BEFORE DELETE ON thing_sum BEGIN SELECT RAISE(ABORT, 'thing_sum: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER author_sum_stays BEFORE UPDATE ON author_sum BEGIN SELECT RAISE(ABORT, 'author_sum: rows are never changed'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER author_sum_remains BEFORE DELETE ON author_sum BEGIN SELECT RAISE(ABORT, 'author_sum: rows are never taken out'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER month_closed BEFORE UPDATE ON month WHEN OLD.state = 'closed' BEGIN SELECT RAISE(ABORT, 'month: a closed month never changes'); END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER month_remains BEFORE DELETE ON month BEGIN SELECT RAISE(ABORT, 'month: rows are never taken out'); END;
-- +goose StatementEnd
