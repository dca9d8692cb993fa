-- Of a duplicate: the id of the click that counts, made perhaps by another
-- companion of the same member.
ALTER TABLE event ADD COLUMN counts TEXT NOT NULL DEFAULT '';

-- A duplicate reads as such by its code, whatever code the ledger gave.
UPDATE event SET code = 'duplicate' WHERE outcome = 'duplicate';
