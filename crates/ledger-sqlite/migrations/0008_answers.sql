-- Those headers of an answer that are kept, as JSON.
ALTER TABLE attempts ADD COLUMN headers TEXT;
-- What was not sent because its integration was removed said that its kind was switched off.
UPDATE deliveries SET reason = 'integration_removed' WHERE reason = 'event_disabled' AND detail = 'the integration was removed';
