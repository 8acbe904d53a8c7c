-- Times are microseconds since the epoch, bodies JSON compressed with zstd unless noted. Every table that grows with customers
-- carries the customer in its keys, so that one PostgreSQL can become several. Ids begin with a time, so tables that grow with
-- time are divided by ranges of ids; their parts are made by the program (`partitions`).

create table meta (name text primary key, value bigint not null);
insert into meta values ('configuration_revision', 0);

-- Configuration: read whole, kept in memory.
create table projects     (id uuid primary key, key text not null unique, body text not null);
create table apps         (id uuid primary key, project uuid not null references projects, key text not null, body text not null, unique (project, key));
create table products     (project uuid not null references projects, key text not null, body text not null, primary key (project, key));
create table entitlements (project uuid not null references projects, key text not null, body text not null, primary key (project, key));
create table integrations (id uuid primary key, project uuid not null references projects, key text not null, body text not null, unique (project, key));
create table api_keys     (id uuid primary key, project uuid references projects, digest text not null unique, body text not null);

-- People.
create table users       (id uuid primary key, email text not null unique, body text not null);
create table invitations (digest text primary key, body text not null);
create table sessions    (digest text primary key, owner uuid not null, created_at bigint not null, expires_at bigint not null, agent text not null);
create index sessions_by_owner on sessions (owner); -- the list of somebody's sessions
create table audit_log   (position bigint generated always as identity primary key, at bigint not null, who text not null, what text not null,
                          subject text not null, project uuid, before text not null, after text not null);

create table marks          (app uuid not null, name text not null, at bigint not null, primary key (app, name));
create table exchange_rates (day text not null, currency text not null, micros bigint not null, primary key (day, currency));
create table replays        (id uuid primary key, project uuid not null, running boolean not null, body text not null);
create index replays_by_project on replays (project, id);     -- the list
create index replays_running on replays (id) where running;   -- what goes on

-- What one node at a time does, until when.
create table leases (name text primary key, holder uuid not null, until timestamptz not null);

-- Every raw message. The id is derived from source, key and signing time, so a message told twice is one row.
create sequence inbox_processed;
create table inbox (
  id uuid primary key, project uuid not null, app uuid not null, source text not null, key text not null, title text not null,
  received_at bigint not null, body bytea not null, parked text, retry_at bigint, tries integer not null default 0,
  processed bigint  -- the order in which messages were processed, which is not the order in which they came
) partition by range (id);
create index inbox_parked on inbox (retry_at) where parked is not null;                       -- due_parked
create index inbox_parked_by_project on inbox (project, received_at) where parked is not null; -- the list of parked messages
create index inbox_by_processed on inbox (project, processed) where processed is not null;     -- rederive
alter table inbox alter column body set storage external;

create table customers (
  id uuid primary key, project uuid not null, version bigint not null, seq bigint not null, body text not null,
  merged_into uuid  -- a customer that was merged keeps its row for the events that name it
);
create index customers_by_project on customers (project, id);                              -- the list of customers
create index customers_merged on customers (merged_into) where merged_into is not null;    -- merging, forgetting

create table aliases (project uuid not null, app_user_id text not null, customer uuid not null, primary key (project, app_user_id));
create index aliases_by_customer on aliases (customer); -- merging, forgetting

-- A row for every id under which the store knows a chain; `chain` is the one it is stored under.
create table chains (
  app uuid not null, environment text not null, id text not null, chain text not null, customer uuid not null, primary key (app, environment, id)
);
create index chains_by_chain on chains (app, environment, chain); -- handing over

create table purchases (
  customer uuid not null, app uuid not null, environment text not null, chain text not null, store text not null, project uuid not null,
  unlocking boolean not null, snapshot text not null, terms text not null, formers text not null default '[]', check_at bigint,
  primary key (customer, app, environment, chain)
);
create index purchases_due on purchases (check_at) where check_at is not null; -- due_checks
create index purchases_by_project on purchases (project);                     -- running

create table transactions (
  customer uuid not null, app uuid not null, environment text not null, chain text not null, id text not null, body text not null,
  primary key (customer, app, environment, chain, id)
);

-- Insert-only.
create table events (
  customer uuid not null, id uuid not null, project uuid not null, key text not null, kind text not null, recorded_at bigint not null,
  body bytea not null, not_sent text not null, primary key (customer, id)
) partition by range (id);
create index events_by_id on events (id); -- one event
alter table events alter column body set storage external;
-- An event is told once, in whichever part of `events` it stands.
create table event_keys (customer uuid not null, key text not null, primary key (customer, key));

-- The order in which readers see events. A number drawn inside a transaction is not the order of commits: a reader that
-- follows such numbers would miss what commits late. So events are committed to `feed_queue`, and whoever reads the feed first
-- moves what is committed over to `feed`, under the lock of `feed_head`.
create table feed_head (one boolean primary key default true check (one), last bigint not null);
insert into feed_head values (true, 0);
create table feed_queue (
  arrived bigint generated always as identity primary key, event uuid not null, customer uuid not null, project uuid not null,
  kind text not null, app uuid, environment text not null, recorded_at bigint not null
);
create table feed (
  position bigint primary key, event uuid not null, customer uuid not null, project uuid not null, kind text not null, app uuid,
  environment text not null, recorded_at bigint not null
);
create index feed_by_project on feed (project, position);    -- the feed
create index feed_by_customer on feed (customer, position);  -- the feed of a customer
create index feed_by_kind on feed (project, kind, position);               -- of one kind
create index feed_by_environment on feed (project, environment, position); -- of one environment
create index feed_by_event on feed (event);                  -- one event, and those that failed

-- How many events of a kind were told in an hour, and the money in them. Each node counts in a row of its own, so that none waits
-- for another.
create table tallies (
  project uuid not null, hour bigint not null, environment text not null, kind text not null, node smallint not null,
  count bigint not null, usd_micros bigint not null, primary key (project, hour, environment, kind, node)
);

create sequence deliveries_position;
create table deliveries (
  customer uuid not null, id uuid not null, project uuid not null, event uuid not null, seq bigint not null, integration uuid not null,
  message text not null, status smallint not null, attempts integer not null, round integer not null, accepted_at bigint not null,
  due_at bigint not null, waits_for uuid, reason text, detail text not null, position bigint not null default nextval('deliveries_position'),
  primary key (customer, id)
) partition by range (id);
create index deliveries_by_id on deliveries (id);                                                     -- one delivery
create index deliveries_by_event on deliveries (event);                                               -- the feed's integration states
create index deliveries_by_integration on deliveries (integration, position);                         -- last sent events
create index deliveries_failed on deliveries (integration, position) where status = 2;                -- the last failures of an integration
create index deliveries_failed_events on deliveries (project, event) where status = 2;                -- the feed of what failed
create index deliveries_due on deliveries (integration, due_at) where status = 0;                     -- claim
create index deliveries_open on deliveries (customer, integration, seq) where status = 0;             -- a customer's unsettled predecessor
create index deliveries_waiting on deliveries (waits_for) where waits_for is not null;                -- release on settling

create table attempts (
  customer uuid not null, delivery uuid not null, number integer not null, at bigint not null, took_ms bigint not null, status integer,
  reason text, detail text not null, response bytea not null, request bytea, primary key (customer, delivery, number, at)
) partition by range (at);
