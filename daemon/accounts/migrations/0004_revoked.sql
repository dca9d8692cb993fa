-- Browsers that were revoked: a backup that still has one must not bring it back.
CREATE TABLE revoked (
  id BLOB PRIMARY KEY CHECK (length(id) = 32)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER device_revoked AFTER DELETE ON device WHEN old.used_ms IS NOT NULL
BEGIN
  INSERT OR IGNORE INTO revoked VALUES (old.id);
END;
