-- One member of one ledger for whom a user of this machine acts.
CREATE TABLE account (
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  uid        INTEGER NOT NULL,           -- user id of the machine
  ledger     TEXT    NOT NULL,           -- origin of the ledger's URL
  member     TEXT    NOT NULL,           -- the ledger's id of the member
  name       TEXT    NOT NULL,           -- the member's name when last linked
  token      TEXT    NOT NULL,           -- JSON of the OAuth2 token; '' once given back or refused
  linked_ms  INTEGER NOT NULL,
  UNIQUE (uid, ledger, member)
) STRICT;

-- One browser profile.
CREATE TABLE device (
  id         BLOB    PRIMARY KEY CHECK (length(id) = 32),
  key        BLOB    NOT NULL CHECK (length(key) = 32),
  uid        INTEGER NOT NULL,
  origin     TEXT    NOT NULL,           -- of the extension that was paired
  account    INTEGER REFERENCES account, -- NULL: not linked yet
  made_ms    INTEGER NOT NULL,
  used_ms    INTEGER                     -- NULL: the key was never proved; dropped after a minute
) STRICT, WITHOUT ROWID;

CREATE INDEX device_by_user ON device (uid);
