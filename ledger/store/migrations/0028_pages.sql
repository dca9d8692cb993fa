-- +goose Up
-- The pages of those who have very many things, or very many clicks.

-- The things of an owner, newest first, without reading each of them.
CREATE INDEX thing_of_owner ON thing (owner, since DESC, id, alias_of, parts_key, withdrawn) WHERE owner IS NOT NULL AND alias_of IS NULL;

-- The things that have an owner and that parts cover.
CREATE INDEX thing_shared ON thing (parts_key, owner, id, alias_of, withdrawn, since) WHERE parts_key IS NOT NULL AND owner IS NOT NULL AND alias_of IS NULL;

-- The few things whose clicks may be promises, apart from the others: to look for
-- one here takes a fifth of reading its row. The key is no column, so that it is
-- this index that is asked and not the table.
CREATE UNIQUE INDEX thing_unowned ON thing ((-id)) WHERE owner IS NULL OR alias_of IS NOT NULL;
