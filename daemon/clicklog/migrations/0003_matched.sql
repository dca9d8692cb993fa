-- When the ledger was last told again of what counts, in milliseconds; 0: never,
-- or there is doubt that it still knows it.
ALTER TABLE summary ADD COLUMN matched_ms INTEGER NOT NULL DEFAULT 0;
