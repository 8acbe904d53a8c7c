-- What an entry of the audit log is about: how long it is kept, and whether its subject is a name of a customer, which goes with it.
ALTER TABLE audit_log ADD COLUMN about TEXT NOT NULL DEFAULT 'installation';
UPDATE audit_log SET about = CASE WHEN who LIKE 'key %' THEN 'customer_by_program' ELSE 'customer' END
WHERE what IN ('give access to', 'take access back from', 'change customer', 'make customer', 'give another name to', 'send purchase of',
  'state purchase of', 'move purchases of');
CREATE INDEX audit_log_by_programs ON audit_log (at) WHERE about = 'customer_by_program';           -- retention
CREATE INDEX audit_log_others ON audit_log (at) WHERE about <> 'customer_by_program';               -- retention
CREATE INDEX audit_log_customers ON audit_log (project, subject) WHERE about <> 'installation';     -- forgetting
