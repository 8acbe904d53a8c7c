-- What one process at a time does, until when: two may be open at once, while one replaces the other.
CREATE TABLE leases (name TEXT PRIMARY KEY, holder BLOB NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;

-- The feed of one kind, and of one environment: without these, one that is rare is looked for in all.
CREATE INDEX events_by_kind ON events (project, kind, position);
CREATE INDEX events_by_environment ON events (project, environment, position);

-- Handing a purchase over looks for every id under which it is known.
CREATE INDEX chains_by_chain ON chains (app, environment, chain);
