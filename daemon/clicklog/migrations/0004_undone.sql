-- The ledger says that nothing counts any more for the click's thing: it was taken
-- back elsewhere, perhaps on the ledger's own pages.
ALTER TABLE event ADD COLUMN undone INTEGER NOT NULL DEFAULT 0;
