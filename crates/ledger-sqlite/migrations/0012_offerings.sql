-- What is shown to be sold together: packages, each of a product in every store. `body` is JSON.
CREATE TABLE offerings (project BLOB NOT NULL REFERENCES projects, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (project, key)) WITHOUT ROWID;
