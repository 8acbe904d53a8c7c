-- What pages ask.

CREATE INDEX deliveries_failed ON deliveries (integration, position) WHERE status = 2;  -- the last failures of an integration
CREATE INDEX deliveries_failed_events ON deliveries (project, event) WHERE status = 2;  -- the feed of what failed

-- People.
CREATE TABLE users       (id BLOB PRIMARY KEY, email TEXT NOT NULL UNIQUE, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE invitations (digest TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE sessions    (digest TEXT PRIMARY KEY, user BLOB NOT NULL, created_at INTEGER NOT NULL, expires_at INTEGER NOT NULL) WITHOUT ROWID;

-- What a thing was before and after, without secrets; entries without a project concern all.
ALTER TABLE audit_log ADD COLUMN project BLOB;
ALTER TABLE audit_log ADD COLUMN before TEXT NOT NULL DEFAULT '';
ALTER TABLE audit_log ADD COLUMN after TEXT NOT NULL DEFAULT '';

-- How many events of a kind were told in an hour, and the money in them. What was told before this table came is counted, but
-- its money is not: it stands in compressed bodies.
CREATE TABLE tallies (
  project BLOB NOT NULL, hour INTEGER NOT NULL, environment TEXT NOT NULL, kind TEXT NOT NULL, count INTEGER NOT NULL, usd_micros INTEGER NOT NULL,
  PRIMARY KEY (project, hour, environment, kind)
) WITHOUT ROWID;
INSERT INTO tallies SELECT project, recorded_at / 3600000000, environment, kind, count(*), 0 FROM events GROUP BY 1, 2, 3, 4;
