-- Several stores; chains known under several ids; customers that merge; messages that wait for a store; exchange rates.

ALTER TABLE purchases ADD COLUMN store TEXT NOT NULL DEFAULT 'app_store';
ALTER TABLE purchases ADD COLUMN formers TEXT;      -- customers it belonged to before, as JSON
ALTER TABLE purchases RENAME COLUMN renewal TO terms; -- renewals by leg, refunds and notes, as JSON
UPDATE purchases SET terms = json_object('renewals', json_object('', json(terms))) WHERE terms IS NOT NULL;

-- A row for every id under which the store knows a chain; `chain` is the one it is stored under.
ALTER TABLE chains ADD COLUMN chain TEXT NOT NULL DEFAULT '';
UPDATE chains SET chain = id;

-- A customer that was merged into another keeps its row for the events that name it.
ALTER TABLE customers ADD COLUMN merged_into BLOB;
CREATE INDEX aliases_by_customer ON aliases (customer); -- merging, forgetting

ALTER TABLE inbox ADD COLUMN tries INTEGER NOT NULL DEFAULT 0;
CREATE INDEX inbox_parked_by_project ON inbox (project, received_at) WHERE parked IS NOT NULL; -- the list of parked messages
-- The order in which messages were processed, which is not the order in which they came.
ALTER TABLE inbox ADD COLUMN processed INTEGER;
UPDATE inbox SET processed = rowid WHERE parked IS NULL;
CREATE INDEX inbox_processed ON inbox (processed) WHERE processed IS NOT NULL; -- rederive, and the next number

-- How far something periodic has come.
CREATE TABLE marks (app BLOB NOT NULL, name TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (app, name)) WITHOUT ROWID;

-- Millionths of a currency for one euro.
CREATE TABLE exchange_rates (day TEXT NOT NULL, currency TEXT NOT NULL, micros INTEGER NOT NULL, PRIMARY KEY (day, currency)) WITHOUT ROWID;

-- Settings of apps name their store; the commission is a choice of its own.
UPDATE apps SET body = json_remove(json_set(body,
  '$.commission', CASE WHEN json_extract(body, '$.settings.commission_basis_points') IS NULL THEN NULL
                       ELSE json_object('basis_points', json_extract(body, '$.settings.commission_basis_points')) END,
  '$.settings.store', 'app_store'), '$.settings.commission_basis_points', '$.store');
