-- A delivery names the endpoint of its integration that it goes to, and where it stands in the line of its customer: 0 waits for its turn,
-- 1 goes (leased until it is due, or due), 2 rests until it is tried again. What it waits for is found when it is asked; `waits_for` is what nodes
-- of the release before go by, and is to go once there are none.
alter table deliveries add column endpoint text not null default 'production';
alter table deliveries add column turn smallint not null default 1;
-- When it was first tried since it was accepted, or resent by hand: patience is counted from there.
alter table deliveries add column tried_at bigint;
update deliveries set turn = 0 where status = 0 and waits_for is not null;
-- What was tried and waits for nothing rests.
update deliveries set turn = 2, tried_at = accepted_at where status = 0 and round > 0 and waits_for is null;
-- The feed is not where tables are divided among machines: there, what is on its way stays in the lane of production.
do $$ begin
  if not exists (select 1 from meta where name = 'distributed') then
    update deliveries d set endpoint = 'sandbox' from feed f, integrations i
    where f.event = d.event and f.environment = 'sandbox' and i.id = d.integration and i.body::jsonb->>'destination' = 'webhook';
  end if;
end $$;
drop index deliveries_due;
drop index deliveries_open;
create index deliveries_due on deliveries (integration, endpoint, due_at) where status = 0;                             -- claim
create index deliveries_open on deliveries (customer, integration, endpoint, seq, position) where status = 0;           -- who is next
create index deliveries_under_way on deliveries (customer, integration, endpoint) where status = 0 and turn = 1;        -- one at a time
