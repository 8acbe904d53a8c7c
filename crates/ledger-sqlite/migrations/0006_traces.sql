-- What led to a delivery may be part of a trace; its attempts belong to it, however late they are made.
ALTER TABLE deliveries ADD COLUMN trace TEXT;
