-- The events as readers made them: nothing of an event is ever changed, only
-- the ledger's answer to it is added.
CREATE TABLE event (
  seq         INTEGER PRIMARY KEY AUTOINCREMENT, -- order of arrival here
  account     INTEGER NOT NULL,                  -- the companion's id of the account
  id          TEXT    NOT NULL,                  -- UUID made in the extension
  kind        TEXT    NOT NULL CHECK (kind IN ('click', 'undo')),
  at          TEXT    NOT NULL,                  -- the reader's time as sent, RFC 3339
  month       TEXT    NOT NULL,                  -- month of at: where it should count
  click       TEXT    NOT NULL,                  -- of an undo: the click taken back; may be unknown here
  thing       TEXT    NOT NULL,                  -- of a click: JSON as the extension sent it
  form        TEXT    NOT NULL,                  -- the form that was clicked
  digest      BLOB    NOT NULL,                  -- SHA-256 of the body, to tell a repetition from a reused id
  received_ms INTEGER NOT NULL,
  answered_ms INTEGER,                           -- NULL: the ledger has not answered yet
  outcome     TEXT    NOT NULL DEFAULT '',       -- accepted, late, duplicate, refused
  code        TEXT    NOT NULL DEFAULT '',
  sentence    TEXT    NOT NULL DEFAULT '',
  counts_in   TEXT    NOT NULL DEFAULT '',       -- month in which the ledger counts it
  thing_id    TEXT    NOT NULL DEFAULT '',
  url         TEXT    NOT NULL DEFAULT '',       -- canonical URL of the thing
  title       TEXT    NOT NULL DEFAULT '',
  promise     INTEGER NOT NULL DEFAULT 0,
  retry       INTEGER NOT NULL DEFAULT 0,        -- refused, but may be sent again
  UNIQUE (account, id)
) STRICT;

CREATE INDEX event_unanswered ON event (account, seq) WHERE answered_ms IS NULL;
CREATE INDEX event_retry      ON event (account, seq) WHERE retry = 1;
CREATE INDEX event_undo       ON event (account, click) WHERE kind = 'undo';
CREATE INDEX event_click      ON event (account, seq) WHERE kind = 'click';

-- What the ledger last said about the account.
CREATE TABLE summary (
  account     INTEGER PRIMARY KEY,
  months      TEXT    NOT NULL, -- JSON list of the open months
  means_micro INTEGER NOT NULL,
  synced_ms   INTEGER NOT NULL
) STRICT;
