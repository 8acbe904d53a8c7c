-- The feed of one kind, and of one environment: without these, one that is rare is looked for in all.
CREATE INDEX events_by_kind ON events (project, kind, position);
CREATE INDEX events_by_environment ON events (project, environment, position);

-- Handing a purchase over looks for every id under which it is known.
CREATE INDEX chains_by_chain ON chains (app, environment, chain);
