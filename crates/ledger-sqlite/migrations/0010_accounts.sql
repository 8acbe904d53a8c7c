-- An address has an account for each reach: whoever manages one project learns nothing of accounts elsewhere. That there is one only for a reach
-- is decided against the revision of the configuration.
CREATE TABLE members (id BLOB PRIMARY KEY, email TEXT NOT NULL, body TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO members SELECT id, email, body FROM users;
DROP TABLE users;
ALTER TABLE members RENAME TO users;

-- What members prove beside the password: the secret is sealed, the step is the newest whose code was used. Codes are digests, gone when used.
CREATE TABLE second_factors (owner BLOB PRIMARY KEY, secret BLOB NOT NULL, step INTEGER NOT NULL, made_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE recovery_codes (owner BLOB NOT NULL, digest TEXT NOT NULL, PRIMARY KEY (owner, digest)) WITHOUT ROWID;
