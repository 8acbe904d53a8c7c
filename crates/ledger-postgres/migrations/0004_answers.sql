-- Those headers of an answer that are kept, as JSON.
alter table attempts add column headers text;
-- What was not sent because its integration was removed said that its kind was switched off.
update deliveries set reason = 'integration_removed' where reason = 'event_disabled' and detail = 'the integration was removed';
