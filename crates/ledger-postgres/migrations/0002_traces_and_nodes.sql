-- What led to a delivery may be part of a trace; its attempts belong to it, however late they are made.
alter table deliveries add column trace text;

-- Nodes that are there, and when each last said so: they share what an endpoint may be asked at once.
create table nodes (id uuid primary key, seen timestamptz not null);
