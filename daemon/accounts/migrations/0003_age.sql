-- How long the companion has lived, by its own count: each time it looks at
-- the clock, what has passed since, one day at most. A clock that is set wrong
-- ages nothing by years.
CREATE TABLE age (
  one     INTEGER PRIMARY KEY CHECK (one = 1),
  ms      INTEGER NOT NULL,
  seen_ms INTEGER NOT NULL  -- the clock when it was looked at last
) STRICT;
INSERT INTO age VALUES (1, 0, 0);

-- The companion's age when the device last proved its key.
ALTER TABLE device ADD COLUMN used_age_ms INTEGER NOT NULL DEFAULT 0;
