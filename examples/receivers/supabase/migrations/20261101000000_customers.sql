-- What each customer may use, as Tidings last told it.
create table customers (
  id text primary key,
  app_user_id text not null,
  seq bigint not null,
  access jsonb not null
);
create index customers_by_name on customers (app_user_id);
alter table customers enable row level security;

-- Whoever is signed in sees what they may use. The app calls its users by their id here.
create policy "own access" on customers for select using (app_user_id = auth.uid()::text);

create function keep_customer(id text, app_user_id text, seq bigint, access jsonb) returns void
language sql as $$
  insert into customers values (id, app_user_id, seq, access)
  on conflict (id) do update
    set app_user_id = excluded.app_user_id, seq = excluded.seq, access = excluded.access
    where excluded.seq > customers.seq
$$;
-- Only the function that receives the webhook calls it.
revoke execute on function keep_customer from public, anon, authenticated;
