-- Times are microseconds since the epoch, ids 16 bytes, bodies JSON compressed with zstd unless noted.

CREATE TABLE meta (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO meta VALUES ('configuration_revision', 0);

-- Configuration: read whole, kept in memory.
CREATE TABLE projects     (id BLOB PRIMARY KEY, key TEXT NOT NULL UNIQUE, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE apps         (id BLOB PRIMARY KEY, project BLOB NOT NULL REFERENCES projects, key TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (project, key)) WITHOUT ROWID;
CREATE TABLE products     (project BLOB NOT NULL REFERENCES projects, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (project, key)) WITHOUT ROWID;
CREATE TABLE entitlements (project BLOB NOT NULL REFERENCES projects, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (project, key)) WITHOUT ROWID;
CREATE TABLE integrations (id BLOB PRIMARY KEY, project BLOB NOT NULL REFERENCES projects, key TEXT NOT NULL, body TEXT NOT NULL, UNIQUE (project, key)) WITHOUT ROWID;
CREATE TABLE api_keys     (id BLOB PRIMARY KEY, project BLOB REFERENCES projects, digest TEXT NOT NULL UNIQUE, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE audit_log    (position INTEGER PRIMARY KEY, at INTEGER NOT NULL, who TEXT NOT NULL, what TEXT NOT NULL, subject TEXT NOT NULL);

-- Every raw message. The id is derived from source, key and signing time, so a message told twice is one row.
CREATE TABLE inbox (
  id BLOB PRIMARY KEY, project BLOB NOT NULL, app BLOB NOT NULL, source TEXT NOT NULL, key TEXT NOT NULL, title TEXT NOT NULL,
  received_at INTEGER NOT NULL, body BLOB NOT NULL, parked TEXT, retry_at INTEGER
);
CREATE INDEX inbox_parked ON inbox (retry_at) WHERE parked IS NOT NULL; -- due_parked

CREATE TABLE customers (
  id BLOB PRIMARY KEY, project BLOB NOT NULL, version INTEGER NOT NULL, seq INTEGER NOT NULL, body TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX customers_by_project ON customers (project, id); -- the list of customers

CREATE TABLE aliases (
  project BLOB NOT NULL, app_user_id TEXT NOT NULL, customer BLOB NOT NULL, PRIMARY KEY (project, app_user_id)
) WITHOUT ROWID;

-- From a store's chain to its customer.
CREATE TABLE chains (
  app BLOB NOT NULL, environment TEXT NOT NULL, id TEXT NOT NULL, customer BLOB NOT NULL, PRIMARY KEY (app, environment, id)
) WITHOUT ROWID;

CREATE TABLE purchases (
  customer BLOB NOT NULL, app BLOB NOT NULL, environment TEXT NOT NULL, chain TEXT NOT NULL, project BLOB NOT NULL,
  unlocking INTEGER NOT NULL, snapshot TEXT NOT NULL, renewal TEXT, check_at INTEGER,
  PRIMARY KEY (customer, app, environment, chain)
) WITHOUT ROWID;
CREATE INDEX purchases_due ON purchases (check_at) WHERE check_at IS NOT NULL; -- due_checks

CREATE TABLE transactions (
  customer BLOB NOT NULL, app BLOB NOT NULL, environment TEXT NOT NULL, chain TEXT NOT NULL, id TEXT NOT NULL, body TEXT NOT NULL,
  PRIMARY KEY (customer, app, environment, chain, id)
) WITHOUT ROWID;

-- Insert-only. One writer assigns positions in commit order, so a reader that follows them skips nothing.
CREATE TABLE events (
  position INTEGER PRIMARY KEY AUTOINCREMENT, id BLOB NOT NULL UNIQUE, project BLOB NOT NULL, customer BLOB NOT NULL, key TEXT NOT NULL,
  kind TEXT NOT NULL, app BLOB, environment TEXT NOT NULL, recorded_at INTEGER NOT NULL, body BLOB NOT NULL, not_sent TEXT NOT NULL,
  UNIQUE (customer, key)
);
CREATE INDEX events_by_project ON events (project, position); -- the feed

CREATE TABLE deliveries (
  position INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, project BLOB NOT NULL, event INTEGER NOT NULL REFERENCES events, integration BLOB NOT NULL,
  customer BLOB NOT NULL, message TEXT NOT NULL, status INTEGER NOT NULL, attempts INTEGER NOT NULL, round INTEGER NOT NULL,
  accepted_at INTEGER NOT NULL, due_at INTEGER NOT NULL, waits_for BLOB, reason TEXT, detail TEXT NOT NULL
);
CREATE INDEX deliveries_by_event ON deliveries (event);                                             -- the feed's integration states
CREATE INDEX deliveries_by_integration ON deliveries (integration, position);                       -- last sent events
CREATE INDEX deliveries_due ON deliveries (integration, due_at) WHERE status = 0;                   -- claim
CREATE INDEX deliveries_open ON deliveries (customer, integration, position) WHERE status = 0;      -- a customer's unsettled predecessor
CREATE INDEX deliveries_waiting ON deliveries (waits_for) WHERE waits_for IS NOT NULL;              -- release on settling

CREATE TABLE attempts (
  position INTEGER PRIMARY KEY, delivery BLOB NOT NULL, number INTEGER NOT NULL, at INTEGER NOT NULL, took_ms INTEGER NOT NULL,
  status INTEGER, reason TEXT, detail TEXT NOT NULL, response BLOB NOT NULL, request BLOB
);
CREATE UNIQUE INDEX attempts_by_delivery ON attempts (delivery, number);
CREATE INDEX attempts_by_age ON attempts (at); -- retention
