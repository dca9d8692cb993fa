-- 1: the last browser has signed out while clicks were still waiting; the
-- token goes when they are sent, unless a browser takes the account again.
ALTER TABLE account ADD COLUMN leaving INTEGER NOT NULL DEFAULT 0;
