-- What became of the last attempts at each endpoint, so that a restart does not forget it: what health is made of. `body` is JSON.
CREATE TABLE outcomes (integration BLOB NOT NULL, endpoint TEXT NOT NULL, heard_at INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (integration, endpoint)) WITHOUT ROWID;
