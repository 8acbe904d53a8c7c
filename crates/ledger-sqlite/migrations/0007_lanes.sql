-- A delivery names the endpoint of its integration that it goes to, and where it stands in the line of its customer: 0 waits for its turn,
-- 1 goes (leased until it is due, or due), 2 rests until it is tried again. What it waits for is found when it is asked.
ALTER TABLE deliveries ADD COLUMN endpoint TEXT NOT NULL DEFAULT 'production';
ALTER TABLE deliveries ADD COLUMN turn INTEGER NOT NULL DEFAULT 1;
-- When it was first tried since it was accepted, or resent by hand: patience is counted from there.
ALTER TABLE deliveries ADD COLUMN tried_at INTEGER;
UPDATE deliveries SET turn = 0 WHERE status = 0 AND waits_for IS NOT NULL;
-- What was tried and waits for nothing rests.
UPDATE deliveries SET turn = 2, tried_at = accepted_at WHERE status = 0 AND round > 0 AND waits_for IS NULL;
UPDATE deliveries SET endpoint = 'sandbox'
WHERE integration IN (SELECT id FROM integrations WHERE json_extract(body, '$.destination') = 'webhook')
  AND event IN (SELECT position FROM events WHERE environment = 'sandbox');
DROP INDEX deliveries_due;
DROP INDEX deliveries_open;
DROP INDEX deliveries_waiting;
ALTER TABLE deliveries DROP COLUMN waits_for;
CREATE INDEX deliveries_due ON deliveries (integration, endpoint, due_at) WHERE status = 0;                                      -- claim
CREATE INDEX deliveries_open ON deliveries (customer, integration, endpoint, event, position) WHERE status = 0;                  -- who is next
CREATE INDEX deliveries_under_way ON deliveries (customer, integration, endpoint) WHERE status = 0 AND turn = 1;                 -- one at a time
