-- What became of the last attempts at each endpoint, whichever node made them, so that every node says the same of it: what health is made of.
-- `body` is JSON. As small as there are endpoints, and written every few seconds at most by each node.
create table outcomes (integration uuid not null, endpoint text not null, heard_at bigint not null, body text not null, primary key (integration, endpoint));
