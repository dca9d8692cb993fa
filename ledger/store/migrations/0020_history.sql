-- +goose Up
-- What a member looks up about themselves is found without reading what others
-- have done.

-- The undos, voids and refused events of a reader, which are in no month.
CREATE INDEX event_without_month ON event (bucket, reader, id) WHERE month IS NULL;

-- The transfers out of and into the accounts of a member, whose ids lie together.
-- The other side of a settlement's postings is the clearing account of the month,
-- which has one for every reader and author and is nobody's to look up.
CREATE INDEX transfer_by_debit ON transfer (debit_account, id) WHERE code <> 'earn';
CREATE INDEX transfer_by_credit ON transfer (credit_account, id) WHERE code <> 'give';
