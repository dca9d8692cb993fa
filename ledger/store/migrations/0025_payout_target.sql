-- +goose Up
-- Where an author wants to be paid, each time it was said; the last one holds.
CREATE TABLE payout_target (
    member  INTEGER NOT NULL,
    seq     INTEGER NOT NULL, -- 1, 2, 3 … of the member
    kind    TEXT    NOT NULL CHECK (kind IN ('iban', 'means')),
    iban    TEXT    NOT NULL, -- without blanks; empty: to the member's own means
    holder  TEXT    NOT NULL, -- of the bank account
    at      INTEGER NOT NULL,
    payable INTEGER NOT NULL, -- nothing is paid there before
    PRIMARY KEY (member, seq)
) STRICT, WITHOUT ROWID;
