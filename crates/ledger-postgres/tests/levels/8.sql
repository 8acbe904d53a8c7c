


SELECT pg_catalog.set_config('search_path', '', false);




CREATE TABLE public._sqlx_migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);



CREATE TABLE public.aliases (
    project uuid NOT NULL,
    app_user_id text NOT NULL,
    customer uuid NOT NULL
);



CREATE TABLE public.api_keys (
    id uuid NOT NULL,
    project uuid,
    digest text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.apps (
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.attempts (
    customer uuid NOT NULL,
    delivery uuid NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    status integer,
    reason text,
    detail text NOT NULL,
    response bytea NOT NULL,
    request bytea,
    headers text
)
PARTITION BY RANGE (at);



CREATE TABLE public.attempts_2026_11_23 (
    customer uuid NOT NULL,
    delivery uuid NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    status integer,
    reason text,
    detail text NOT NULL,
    response bytea NOT NULL,
    request bytea,
    headers text
);



CREATE TABLE public.attempts_2026_11_30 (
    customer uuid NOT NULL,
    delivery uuid NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    status integer,
    reason text,
    detail text NOT NULL,
    response bytea NOT NULL,
    request bytea,
    headers text
);



CREATE TABLE public.attempts_2026_12_07 (
    customer uuid NOT NULL,
    delivery uuid NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    status integer,
    reason text,
    detail text NOT NULL,
    response bytea NOT NULL,
    request bytea,
    headers text
);



CREATE TABLE public.attempts_before (
    customer uuid NOT NULL,
    delivery uuid NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    status integer,
    reason text,
    detail text NOT NULL,
    response bytea NOT NULL,
    request bytea,
    headers text
);



CREATE TABLE public.attempts_rest (
    customer uuid NOT NULL,
    delivery uuid NOT NULL,
    number integer NOT NULL,
    at bigint NOT NULL,
    took_ms bigint NOT NULL,
    status integer,
    reason text,
    detail text NOT NULL,
    response bytea NOT NULL,
    request bytea,
    headers text
);



CREATE TABLE public.audit_log (
    "position" bigint NOT NULL,
    at bigint NOT NULL,
    who text NOT NULL,
    what text NOT NULL,
    subject text NOT NULL,
    project uuid,
    before text NOT NULL,
    after text NOT NULL,
    about text DEFAULT 'installation'::text NOT NULL
);



ALTER TABLE public.audit_log ALTER COLUMN "position" ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.audit_log_position_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.chains (
    app uuid NOT NULL,
    environment text NOT NULL,
    id text NOT NULL,
    chain text NOT NULL,
    customer uuid NOT NULL
);



CREATE TABLE public.customers (
    id uuid NOT NULL,
    project uuid NOT NULL,
    version bigint NOT NULL,
    seq bigint NOT NULL,
    body text NOT NULL,
    merged_into uuid
);



CREATE SEQUENCE public.deliveries_position
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



CREATE TABLE public.deliveries (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    event uuid NOT NULL,
    seq bigint NOT NULL,
    integration uuid NOT NULL,
    message text NOT NULL,
    status smallint NOT NULL,
    attempts integer NOT NULL,
    round integer NOT NULL,
    accepted_at bigint NOT NULL,
    due_at bigint NOT NULL,
    waits_for uuid,
    reason text,
    detail text NOT NULL,
    "position" bigint DEFAULT nextval('public.deliveries_position'::regclass) NOT NULL,
    trace text,
    endpoint text DEFAULT 'production'::text NOT NULL,
    turn smallint DEFAULT 1 NOT NULL,
    tried_at bigint
)
PARTITION BY RANGE (id);



CREATE TABLE public.deliveries_2026_11 (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    event uuid NOT NULL,
    seq bigint NOT NULL,
    integration uuid NOT NULL,
    message text NOT NULL,
    status smallint NOT NULL,
    attempts integer NOT NULL,
    round integer NOT NULL,
    accepted_at bigint NOT NULL,
    due_at bigint NOT NULL,
    waits_for uuid,
    reason text,
    detail text NOT NULL,
    "position" bigint DEFAULT nextval('public.deliveries_position'::regclass) NOT NULL,
    trace text,
    endpoint text DEFAULT 'production'::text NOT NULL,
    turn smallint DEFAULT 1 NOT NULL,
    tried_at bigint
);



CREATE TABLE public.deliveries_2026_12 (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    event uuid NOT NULL,
    seq bigint NOT NULL,
    integration uuid NOT NULL,
    message text NOT NULL,
    status smallint NOT NULL,
    attempts integer NOT NULL,
    round integer NOT NULL,
    accepted_at bigint NOT NULL,
    due_at bigint NOT NULL,
    waits_for uuid,
    reason text,
    detail text NOT NULL,
    "position" bigint DEFAULT nextval('public.deliveries_position'::regclass) NOT NULL,
    trace text,
    endpoint text DEFAULT 'production'::text NOT NULL,
    turn smallint DEFAULT 1 NOT NULL,
    tried_at bigint
);



CREATE TABLE public.deliveries_2027_01 (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    event uuid NOT NULL,
    seq bigint NOT NULL,
    integration uuid NOT NULL,
    message text NOT NULL,
    status smallint NOT NULL,
    attempts integer NOT NULL,
    round integer NOT NULL,
    accepted_at bigint NOT NULL,
    due_at bigint NOT NULL,
    waits_for uuid,
    reason text,
    detail text NOT NULL,
    "position" bigint DEFAULT nextval('public.deliveries_position'::regclass) NOT NULL,
    trace text,
    endpoint text DEFAULT 'production'::text NOT NULL,
    turn smallint DEFAULT 1 NOT NULL,
    tried_at bigint
);



CREATE TABLE public.deliveries_before (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    event uuid NOT NULL,
    seq bigint NOT NULL,
    integration uuid NOT NULL,
    message text NOT NULL,
    status smallint NOT NULL,
    attempts integer NOT NULL,
    round integer NOT NULL,
    accepted_at bigint NOT NULL,
    due_at bigint NOT NULL,
    waits_for uuid,
    reason text,
    detail text NOT NULL,
    "position" bigint DEFAULT nextval('public.deliveries_position'::regclass) NOT NULL,
    trace text,
    endpoint text DEFAULT 'production'::text NOT NULL,
    turn smallint DEFAULT 1 NOT NULL,
    tried_at bigint
);



CREATE TABLE public.deliveries_rest (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    event uuid NOT NULL,
    seq bigint NOT NULL,
    integration uuid NOT NULL,
    message text NOT NULL,
    status smallint NOT NULL,
    attempts integer NOT NULL,
    round integer NOT NULL,
    accepted_at bigint NOT NULL,
    due_at bigint NOT NULL,
    waits_for uuid,
    reason text,
    detail text NOT NULL,
    "position" bigint DEFAULT nextval('public.deliveries_position'::regclass) NOT NULL,
    trace text,
    endpoint text DEFAULT 'production'::text NOT NULL,
    turn smallint DEFAULT 1 NOT NULL,
    tried_at bigint
);



CREATE TABLE public.entitlements (
    project uuid NOT NULL,
    key text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.event_keys (
    customer uuid NOT NULL,
    key text NOT NULL
);



CREATE TABLE public.events (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    recorded_at bigint NOT NULL,
    body bytea NOT NULL,
    not_sent text NOT NULL
)
PARTITION BY RANGE (id);
ALTER TABLE ONLY public.events ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.events_2026_11 (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    recorded_at bigint NOT NULL,
    body bytea NOT NULL,
    not_sent text NOT NULL
);
ALTER TABLE ONLY public.events_2026_11 ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.events_2026_12 (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    recorded_at bigint NOT NULL,
    body bytea NOT NULL,
    not_sent text NOT NULL
);
ALTER TABLE ONLY public.events_2026_12 ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.events_2027_01 (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    recorded_at bigint NOT NULL,
    body bytea NOT NULL,
    not_sent text NOT NULL
);
ALTER TABLE ONLY public.events_2027_01 ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.events_before (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    recorded_at bigint NOT NULL,
    body bytea NOT NULL,
    not_sent text NOT NULL
);
ALTER TABLE ONLY public.events_before ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.events_rest (
    customer uuid NOT NULL,
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    recorded_at bigint NOT NULL,
    body bytea NOT NULL,
    not_sent text NOT NULL
);
ALTER TABLE ONLY public.events_rest ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.exchange_rates (
    day text NOT NULL,
    currency text NOT NULL,
    micros bigint NOT NULL
);



CREATE TABLE public.feed (
    "position" bigint NOT NULL,
    event uuid NOT NULL,
    customer uuid NOT NULL,
    project uuid NOT NULL,
    kind text NOT NULL,
    app uuid,
    environment text NOT NULL,
    recorded_at bigint NOT NULL
);



CREATE TABLE public.feed_head (
    one boolean DEFAULT true NOT NULL,
    last bigint NOT NULL,
    CONSTRAINT feed_head_one_check CHECK (one)
);



CREATE TABLE public.feed_queue (
    arrived bigint NOT NULL,
    event uuid NOT NULL,
    customer uuid NOT NULL,
    project uuid NOT NULL,
    kind text NOT NULL,
    app uuid,
    environment text NOT NULL,
    recorded_at bigint NOT NULL
);



ALTER TABLE public.feed_queue ALTER COLUMN arrived ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME public.feed_queue_arrived_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);



CREATE TABLE public.inbox (
    id uuid NOT NULL,
    project uuid NOT NULL,
    app uuid NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    received_at bigint NOT NULL,
    body bytea NOT NULL,
    parked text,
    retry_at bigint,
    tries integer DEFAULT 0 NOT NULL,
    processed bigint
)
PARTITION BY RANGE (id);
ALTER TABLE ONLY public.inbox ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.inbox_2026_11 (
    id uuid NOT NULL,
    project uuid NOT NULL,
    app uuid NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    received_at bigint NOT NULL,
    body bytea NOT NULL,
    parked text,
    retry_at bigint,
    tries integer DEFAULT 0 NOT NULL,
    processed bigint
);
ALTER TABLE ONLY public.inbox_2026_11 ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.inbox_2026_12 (
    id uuid NOT NULL,
    project uuid NOT NULL,
    app uuid NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    received_at bigint NOT NULL,
    body bytea NOT NULL,
    parked text,
    retry_at bigint,
    tries integer DEFAULT 0 NOT NULL,
    processed bigint
);
ALTER TABLE ONLY public.inbox_2026_12 ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.inbox_2027_01 (
    id uuid NOT NULL,
    project uuid NOT NULL,
    app uuid NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    received_at bigint NOT NULL,
    body bytea NOT NULL,
    parked text,
    retry_at bigint,
    tries integer DEFAULT 0 NOT NULL,
    processed bigint
);
ALTER TABLE ONLY public.inbox_2027_01 ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.inbox_before (
    id uuid NOT NULL,
    project uuid NOT NULL,
    app uuid NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    received_at bigint NOT NULL,
    body bytea NOT NULL,
    parked text,
    retry_at bigint,
    tries integer DEFAULT 0 NOT NULL,
    processed bigint
);
ALTER TABLE ONLY public.inbox_before ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE SEQUENCE public.inbox_processed
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;



CREATE TABLE public.inbox_rest (
    id uuid NOT NULL,
    project uuid NOT NULL,
    app uuid NOT NULL,
    source text NOT NULL,
    key text NOT NULL,
    title text NOT NULL,
    received_at bigint NOT NULL,
    body bytea NOT NULL,
    parked text,
    retry_at bigint,
    tries integer DEFAULT 0 NOT NULL,
    processed bigint
);
ALTER TABLE ONLY public.inbox_rest ALTER COLUMN body SET STORAGE EXTERNAL;



CREATE TABLE public.integrations (
    id uuid NOT NULL,
    project uuid NOT NULL,
    key text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.invitations (
    digest text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.leases (
    name text NOT NULL,
    holder uuid NOT NULL,
    until timestamp with time zone NOT NULL
);



CREATE TABLE public.marks (
    app uuid NOT NULL,
    name text NOT NULL,
    at bigint NOT NULL
);



CREATE TABLE public.meta (
    name text NOT NULL,
    value bigint NOT NULL
);



CREATE TABLE public.nodes (
    id uuid NOT NULL,
    seen timestamp with time zone NOT NULL
);



CREATE TABLE public.offerings (
    project uuid NOT NULL,
    key text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.outcomes (
    integration uuid NOT NULL,
    endpoint text NOT NULL,
    heard_at bigint NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.products (
    project uuid NOT NULL,
    key text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.projects (
    id uuid NOT NULL,
    key text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.purchases (
    customer uuid NOT NULL,
    app uuid NOT NULL,
    environment text NOT NULL,
    chain text NOT NULL,
    store text NOT NULL,
    project uuid NOT NULL,
    unlocking boolean NOT NULL,
    snapshot text NOT NULL,
    terms text NOT NULL,
    formers text DEFAULT '[]'::text NOT NULL,
    check_at bigint
);



CREATE TABLE public.recovery_codes (
    owner uuid NOT NULL,
    digest text NOT NULL
);



CREATE TABLE public.replays (
    id uuid NOT NULL,
    project uuid NOT NULL,
    running boolean NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.second_factors (
    owner uuid NOT NULL,
    secret bytea NOT NULL,
    step bigint NOT NULL,
    made_at bigint NOT NULL
);



CREATE TABLE public.sessions (
    digest text NOT NULL,
    owner uuid NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    agent text NOT NULL
);



CREATE TABLE public.tallies (
    project uuid NOT NULL,
    hour bigint NOT NULL,
    environment text NOT NULL,
    kind text NOT NULL,
    node smallint NOT NULL,
    count bigint NOT NULL,
    usd_micros bigint NOT NULL
);



CREATE TABLE public.transactions (
    customer uuid NOT NULL,
    app uuid NOT NULL,
    environment text NOT NULL,
    chain text NOT NULL,
    id text NOT NULL,
    body text NOT NULL
);



CREATE TABLE public.users (
    id uuid NOT NULL,
    email text NOT NULL,
    body text NOT NULL
);



ALTER TABLE ONLY public.attempts ATTACH PARTITION public.attempts_2026_11_23 FOR VALUES FROM ('1795392000000000') TO ('1795996800000000');



ALTER TABLE ONLY public.attempts ATTACH PARTITION public.attempts_2026_11_30 FOR VALUES FROM ('1795996800000000') TO ('1796601600000000');



ALTER TABLE ONLY public.attempts ATTACH PARTITION public.attempts_2026_12_07 FOR VALUES FROM ('1796601600000000') TO ('1797206400000000');



ALTER TABLE ONLY public.attempts ATTACH PARTITION public.attempts_before FOR VALUES FROM (MINVALUE) TO ('1795392000000000');



ALTER TABLE ONLY public.attempts ATTACH PARTITION public.attempts_rest DEFAULT;



ALTER TABLE ONLY public.deliveries ATTACH PARTITION public.deliveries_2026_11 FOR VALUES FROM ('01a19467-e800-0000-0000-000000000000') TO ('01a22ee6-b000-0000-0000-000000000000');



ALTER TABLE ONLY public.deliveries ATTACH PARTITION public.deliveries_2026_12 FOR VALUES FROM ('01a22ee6-b000-0000-0000-000000000000') TO ('01a2ce8b-d400-0000-0000-000000000000');



ALTER TABLE ONLY public.deliveries ATTACH PARTITION public.deliveries_2027_01 FOR VALUES FROM ('01a2ce8b-d400-0000-0000-000000000000') TO ('01a36e30-f800-0000-0000-000000000000');



ALTER TABLE ONLY public.deliveries ATTACH PARTITION public.deliveries_before FOR VALUES FROM (MINVALUE) TO ('01a19467-e800-0000-0000-000000000000');



ALTER TABLE ONLY public.deliveries ATTACH PARTITION public.deliveries_rest DEFAULT;



ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2026_11 FOR VALUES FROM ('01a19467-e800-0000-0000-000000000000') TO ('01a22ee6-b000-0000-0000-000000000000');



ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2026_12 FOR VALUES FROM ('01a22ee6-b000-0000-0000-000000000000') TO ('01a2ce8b-d400-0000-0000-000000000000');



ALTER TABLE ONLY public.events ATTACH PARTITION public.events_2027_01 FOR VALUES FROM ('01a2ce8b-d400-0000-0000-000000000000') TO ('01a36e30-f800-0000-0000-000000000000');



ALTER TABLE ONLY public.events ATTACH PARTITION public.events_before FOR VALUES FROM (MINVALUE) TO ('01a19467-e800-0000-0000-000000000000');



ALTER TABLE ONLY public.events ATTACH PARTITION public.events_rest DEFAULT;



ALTER TABLE ONLY public.inbox ATTACH PARTITION public.inbox_2026_11 FOR VALUES FROM ('01a19467-e800-0000-0000-000000000000') TO ('01a22ee6-b000-0000-0000-000000000000');



ALTER TABLE ONLY public.inbox ATTACH PARTITION public.inbox_2026_12 FOR VALUES FROM ('01a22ee6-b000-0000-0000-000000000000') TO ('01a2ce8b-d400-0000-0000-000000000000');



ALTER TABLE ONLY public.inbox ATTACH PARTITION public.inbox_2027_01 FOR VALUES FROM ('01a2ce8b-d400-0000-0000-000000000000') TO ('01a36e30-f800-0000-0000-000000000000');



ALTER TABLE ONLY public.inbox ATTACH PARTITION public.inbox_before FOR VALUES FROM (MINVALUE) TO ('01a19467-e800-0000-0000-000000000000');



ALTER TABLE ONLY public.inbox ATTACH PARTITION public.inbox_rest DEFAULT;



INSERT INTO public._sqlx_migrations VALUES (1, 'ledger', '2026-11-28 06:40:45.985904+00', true, '\xcbe84f0815daf3c000023d08900b8adf1928c16725c0c09bedbf89223590c1913af9af232008980ffbc46ab209cfecbd', 239637488);
INSERT INTO public._sqlx_migrations VALUES (2, 'traces and nodes', '2026-11-28 06:40:46.227433+00', true, '\xa99dd70b93cc5f330e0edcd87b2a69b5a8465e9c4a52132e423e1bc8d7b695010ca5f70d4f20192961cf094bcd3f931e', 11358003);
INSERT INTO public._sqlx_migrations VALUES (3, 'lanes', '2026-11-28 06:40:46.243027+00', true, '\xe263630ca59fadaec2c65c0b604a28d4418eea3b1e8235d0be3161cf0f273a3236dd2adbe66299fd3626653fcd935b2d', 28770204);
INSERT INTO public._sqlx_migrations VALUES (4, 'answers', '2026-11-28 06:40:46.271466+00', true, '\x28a85125f2f09f44bda9ee6eec6e375611dd4d931b6ab08f32e8f4c3704dd89e685b2a3f499b0a3bf7609b6265dd78e8', 15541349);
INSERT INTO public._sqlx_migrations VALUES (5, 'audit kept', '2026-11-28 06:40:46.288802+00', true, '\xb4e6dc075fe71339ea2ea94c3a0a25fc5d5e743d01a25c729946ab8af2d9d04f7a331f60cd9bd0ce17e1b1f35e4fefd6', 17288396);
INSERT INTO public._sqlx_migrations VALUES (6, 'accounts', '2026-11-28 06:40:46.306256+00', true, '\x8986bafee006c1b23750690eb79bfd24c9176bb80c31fe0be2fa695eb1734cf75c1be81df642c59938b1b85ef2eae9fd', 8595344);
INSERT INTO public._sqlx_migrations VALUES (7, 'outcomes', '2026-11-28 06:40:46.317901+00', true, '\x1aee5328068d9df57fa704a7cd36fe34053df751ae11e471646ac4535ef95deaec1316818407034ec991038bd391c50c', 13525017);
INSERT INTO public._sqlx_migrations VALUES (8, 'offerings', '2026-11-28 06:40:46.331692+00', true, '\x3f1b454e530a66dc30094ced04181278d21af5645dba808d9d91c77a3595c6f4aa50e9b5c8e99dac903e26ae292c55c2', 15816746);



INSERT INTO public.aliases VALUES ('00000001-0000-0000-0000-000000000001', 'user-1', '00000004-0000-0000-0000-000000000001');
INSERT INTO public.aliases VALUES ('00000001-0000-0000-0000-000000000001', 'user-2', '00000004-0000-0000-0000-000000000002');


















INSERT INTO public.attempts_before VALUES ('00000004-0000-0000-0000-000000000001', '90757c93-6a77-50d9-9293-7e0b9a745dee', 1, 1700000002000000, 12, 200, 'rejected_by_destination', '', '\x6f6b', NULL, '[["content-type","text/plain"]]');
INSERT INTO public.attempts_before VALUES ('00000004-0000-0000-0000-000000000002', '81878ce8-241f-504f-8f4f-f22f4d013063', 1, 1700000002000000, 12, 200, 'rejected_by_destination', '', '\x6f6b', NULL, '[["content-type","text/plain"]]');






INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (1, 1700000000000000, 'test', 'put project', 'acme', '00000001-0000-0000-0000-000000000001', '', '{"historical_window_hours":24,"id":"prj_00000020000000000000000001","key":"acme","name":"Acme","sandbox_transfer_behaviour":null,"transfer_behaviour":"transfer"}', 'installation');
INSERT INTO public.audit_log OVERRIDING SYSTEM VALUE VALUES (2, 1700000000000000, 'test', 'put user', 'a@a.example', NULL, '', '{"created_at":"2023-11-14T22:13:20Z","email":"a@a.example","id":"usr_00000000000000000000000008","name":"A","password":"***","project":null,"role":"viewer"}', 'installation');



INSERT INTO public.chains VALUES ('00000002-0000-0000-0000-000000000001', 'production', 'chain-1', 'chain-1', '00000004-0000-0000-0000-000000000001');
INSERT INTO public.chains VALUES ('00000002-0000-0000-0000-000000000001', 'production', 'chain-2', 'chain-2', '00000004-0000-0000-0000-000000000002');



INSERT INTO public.customers VALUES ('00000004-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001', 2, 2, '{"id":"cus_00000080000000000000000001","app_user_id":"user-1","first_seen":"2023-11-14T22:13:20Z","last_seen":"2023-11-14T22:13:20Z","attributes":{},"revenue_usd_micros":0}', NULL);
INSERT INTO public.customers VALUES ('00000004-0000-0000-0000-000000000002', '00000001-0000-0000-0000-000000000001', 2, 2, '{"id":"cus_00000080000000000000000002","app_user_id":"user-2","first_seen":"2023-11-14T22:13:20Z","last_seen":"2023-11-14T22:13:20Z","attributes":{},"revenue_usd_micros":0}', NULL);















INSERT INTO public.deliveries_rest VALUES ('00000004-0000-0000-0000-000000000001', '90757c93-6a77-50d9-9293-7e0b9a745dee', '00000001-0000-0000-0000-000000000001', '00000006-0000-0000-0000-0000000186a1', 1, '00000003-0000-0000-0000-000000000001', '{"name":"subscription_renewed"}', 2, 1, 1, 1700000001000000, 1700000002000000, NULL, 'rejected_by_destination', '', 1, '00-00000000000000000000000000000001-0000000000000001-01', 'production', 1, 1700000002000000);
INSERT INTO public.deliveries_rest VALUES ('00000004-0000-0000-0000-000000000001', 'f8de836f-7535-5bd5-81ae-7d1032724197', '00000001-0000-0000-0000-000000000001', '00000006-0000-0000-0000-0000000186a2', 2, '00000003-0000-0000-0000-000000000001', '{"name":"subscription_renewed"}', 0, 0, 0, 1700000001000000, 1700000005000000, NULL, NULL, '', 2, '00-00000000000000000000000000000001-0000000000000002-01', 'production', 1, NULL);
INSERT INTO public.deliveries_rest VALUES ('00000004-0000-0000-0000-000000000002', '81878ce8-241f-504f-8f4f-f22f4d013063', '00000001-0000-0000-0000-000000000001', '00000006-0000-0000-0000-000000030d41', 1, '00000003-0000-0000-0000-000000000001', '{"name":"subscription_renewed"}', 2, 1, 1, 1700000001000000, 1700000002000000, NULL, 'rejected_by_destination', '', 3, '00-00000000000000000000000000000002-0000000000000001-01', 'production', 1, 1700000002000000);
INSERT INTO public.deliveries_rest VALUES ('00000004-0000-0000-0000-000000000002', '92f01920-ef3e-5fa0-bdce-3d57d3c94559', '00000001-0000-0000-0000-000000000001', '00000006-0000-0000-0000-000000030d42', 2, '00000003-0000-0000-0000-000000000001', '{"name":"subscription_renewed"}', 0, 0, 0, 1700000001000000, 1700000005000000, NULL, NULL, '', 4, '00-00000000000000000000000000000002-0000000000000002-01', 'production', 1, NULL);






INSERT INTO public.event_keys VALUES ('00000004-0000-0000-0000-000000000001', 'event:1');
INSERT INTO public.event_keys VALUES ('00000004-0000-0000-0000-000000000001', 'event:2');
INSERT INTO public.event_keys VALUES ('00000004-0000-0000-0000-000000000002', 'event:1');
INSERT INTO public.event_keys VALUES ('00000004-0000-0000-0000-000000000002', 'event:2');












INSERT INTO public.events_before VALUES ('00000004-0000-0000-0000-000000000001', '00000006-0000-0000-0000-0000000186a1', '00000001-0000-0000-0000-000000000001', 'event:1', 'subscription_renewed', 1700000001000000, '\x28b52ffd64ea01751000241c7b226964223a226576745f3063303033316e31222c226b6579223a226576656e743a31222c226b696e64223a22737562736372697074696f6e5f72656e65776564222c226f636375727265645f6174223a22323032332d31312d31345432323a31333a32315a222c227265636f7264637573746f6d65725f736571223a312c22656e7669726f6e6d656e74223a2270726f64756374696f6e222c2270726f6a656374223a2270726a32303030303031222c22617070223a617070343030303030696f73222c2273746f726573746f7265227d223a6375733830306170705f757365725f757365722d31222c2266697273745f7365656e305a222c226c6161747472696275746573223a7b7d2c22726576656e75655f7573645f6d6963726f73223a307d2c227075726368617365223a6e756c6c2c227472616e73616374696f6e223a226d6f6e74686c79222c2270726576696f75735f7363686564756c6564223a66616c73652c22656e7469746c656d656e7473223a5b5d2c2263616e63656c6c6174696f6e5f726561736f6e6c6576656c616363657363617573656e626f7872756c65223a2273616d706c686973746f726963616c6c617465223a66616c73657d1d00032b94b86e2a4ae46baf165ad64f20fa8080102408dcdc642bc360933046c75d677d90dac40aee02c74176529b1bcaec8d55f6601be00cc8e36fb20467a4d4640022d51c70ee02742ab00b62', '[]');
INSERT INTO public.events_before VALUES ('00000004-0000-0000-0000-000000000001', '00000006-0000-0000-0000-0000000186a2', '00000001-0000-0000-0000-000000000001', 'event:2', 'subscription_renewed', 1700000001000000, '\x28b52ffd64ea017d1000341c7b226964223a226576745f3063303033316e32222c226b6579223a226576656e743a32222c226b696e64223a22737562736372697074696f6e5f72656e65776564222c226f636375727265645f6174223a22323032332d31312d31345432323a31333a32315a222c227265636f7264637573746f6d65725f736571223a322c22656e7669726f6e6d656e74223a2270726f64756374696f6e222c2270726f6a656374223a2270726a32303030303031222c22617070223a61707034303030303031696f73222c2273746f726573746f7265227d223a6375733830306170705f757365725f757365722d31222c2266697273745f7365656e305a222c226c6161747472696275746573223a7b7d2c22726576656e75655f7573645f6d6963726f73223a307d2c227075726368617365223a6e756c6c2c227472616e73616374696f6e223a226d6f6e74686c79222c2270726576696f75735f7363686564756c6564223a66616c73652c22656e7469746c656d656e7473223a5b5d2c2263616e63656c6c6174696f6e5f726561736f6e6c6576656c616363657363617573656e626f7872756c65223a2273616d706c686973746f726963616c6c617465223a66616c73657d1d00032b94b86e2a4ae46baf165ad64f20fa8080102408dcdc642bc360933046c75d677d90dac40aee02c74176529b1bcaec8d55f6a020e00cc8e36fb20467a4d4640022d51c70ee0274bb67093d', '[]');
INSERT INTO public.events_before VALUES ('00000004-0000-0000-0000-000000000002', '00000006-0000-0000-0000-000000030d41', '00000001-0000-0000-0000-000000000001', 'event:1', 'subscription_renewed', 1700000001000000, '\x28b52ffd64ea012d1100d41d7b226964223a226576745f3063303036336131222c226b6579223a226576656e743a31222c226b696e64223a22737562736372697074696f6e5f72656e65776564222c226f636375727265645f6174223a22323032332d31312d31345432323a31333a32315a222c227265636f7264637573746f6d65725f736571223a312c22656e7669726f6e6d656e74223a2270726f64756374696f6e222c2270726f6a656374223a2270726a32303030303031222c22617070223a617070343030303030696f73222c2273746f726573746f7265227d223a637573383030303030325f757365725f6964223a22757365722d32222c2266697273745f7365656e223a22323032332d31312d31345432323a31333a32305a222c226c6161747472696275746573223a7b7d2c22726576656e75655f7573645f6d6963726f73223a307d2c227075726368617365223a6e756c6c2c227472616e73616374696f6e223a226d6f6e74686c79222c2270726576696f75735f7363686564756c6564223a66616c73652c22656e7469746c656d656e7473223a5b5d2c2263616e63656c6c6174696f6e5f726561736f6e6c6576656c616363657363617573656e626f7872756c65223a2273616d706c686973746f726963616c6c617465223a66616c73657d1b00032b94b86e2a4ae46baf165ad64f20fa8080102408dcdc642bc36093306a74ec81c1323803f290da8c51661bacb207db0067401e7f93253823a5260310a9e6807317a00360772c30', '[]');
INSERT INTO public.events_before VALUES ('00000004-0000-0000-0000-000000000002', '00000006-0000-0000-0000-000000030d42', '00000001-0000-0000-0000-000000000001', 'event:2', 'subscription_renewed', 1700000001000000, '\x28b52ffd64ea01351100e41d7b226964223a226576745f3063303036336132222c226b6579223a226576656e743a32222c226b696e64223a22737562736372697074696f6e5f72656e65776564222c226f636375727265645f6174223a22323032332d31312d31345432323a31333a32315a222c227265636f7264637573746f6d65725f736571223a322c22656e7669726f6e6d656e74223a2270726f64756374696f6e222c2270726f6a656374223a2270726a32303030303031222c22617070223a61707034303030303031696f73222c2273746f726573746f7265227d223a637573383030303030325f757365725f6964223a22757365722d32222c2266697273745f7365656e223a22323032332d31312d31345432323a31333a32305a222c226c6161747472696275746573223a7b7d2c22726576656e75655f7573645f6d6963726f73223a307d2c227075726368617365223a6e756c6c2c227472616e73616374696f6e223a226d6f6e74686c79222c2270726576696f75735f7363686564756c6564223a66616c73652c22656e7469746c656d656e7473223a5b5d2c2263616e63656c6c6174696f6e5f726561736f6e6c6576656c616363657363617573656e626f7872756c65223a2273616d706c686973746f726963616c6c617465223a66616c73657d1b00032b94b86e2a4ae46baf165ad64f20fa8080102408dcdc642bc36093306a74ec81c1323803f290da8c51661bacb207050167401e7f93253823a5260310a9e6807317a003ad3bfef8', '[]');






INSERT INTO public.exchange_rates VALUES ('2026-11-19', 'USD', 1100000);






INSERT INTO public.feed_head VALUES (true, 0);



INSERT INTO public.feed_queue OVERRIDING SYSTEM VALUE VALUES (1, '00000006-0000-0000-0000-0000000186a1', '00000004-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001', 'subscription_renewed', '00000002-0000-0000-0000-000000000001', 'production', 1700000001000000);
INSERT INTO public.feed_queue OVERRIDING SYSTEM VALUE VALUES (2, '00000006-0000-0000-0000-0000000186a2', '00000004-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001', 'subscription_renewed', '00000002-0000-0000-0000-000000000001', 'production', 1700000001000000);
INSERT INTO public.feed_queue OVERRIDING SYSTEM VALUE VALUES (3, '00000006-0000-0000-0000-000000030d41', '00000004-0000-0000-0000-000000000002', '00000001-0000-0000-0000-000000000001', 'subscription_renewed', '00000002-0000-0000-0000-000000000001', 'production', 1700000001000000);
INSERT INTO public.feed_queue OVERRIDING SYSTEM VALUE VALUES (4, '00000006-0000-0000-0000-000000030d42', '00000004-0000-0000-0000-000000000002', '00000001-0000-0000-0000-000000000001', 'subscription_renewed', '00000002-0000-0000-0000-000000000001', 'production', 1700000001000000);












INSERT INTO public.inbox_before VALUES ('00000005-0000-0000-0000-0000000186a1', '00000001-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'app_store', '100001', 'DID_RENEW', 1700000001000000, '\x28b52ffd240b590000626f6479203130303030317db8f753', NULL, NULL, 0, 1);
INSERT INTO public.inbox_before VALUES ('00000005-0000-0000-0000-0000000186a2', '00000001-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'app_store', '100002', 'DID_RENEW', 1700000001000000, '\x28b52ffd240b590000626f647920313030303032fa68366c', NULL, NULL, 0, 2);
INSERT INTO public.inbox_before VALUES ('00000005-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'app_store', '1', 'DID_RENEW', 1700000001000000, '\x28b52ffd2406310000626f647920318fe57c78', 'waits', 1700000005000000, 0, NULL);
INSERT INTO public.inbox_before VALUES ('00000005-0000-0000-0000-000000030d41', '00000001-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'app_store', '200001', 'DID_RENEW', 1700000001000000, '\x28b52ffd240b590000626f647920323030303031e4089d1b', NULL, NULL, 0, 3);
INSERT INTO public.inbox_before VALUES ('00000005-0000-0000-0000-000000030d42', '00000001-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'app_store', '200002', 'DID_RENEW', 1700000001000000, '\x28b52ffd240b590000626f647920323030303032d7a49078', NULL, NULL, 0, 4);
INSERT INTO public.inbox_before VALUES ('00000005-0000-0000-0000-000000000002', '00000001-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'app_store', '2', 'DID_RENEW', 1700000001000000, '\x28b52ffd2406310000626f64792032cec03e73', 'waits', 1700000005000000, 0, NULL);















INSERT INTO public.marks VALUES ('00000002-0000-0000-0000-000000000001', 'gaps', 1700000005000000);



INSERT INTO public.meta VALUES ('configuration_revision', 1);









INSERT INTO public.outcomes VALUES ('00000003-0000-0000-0000-000000000001', 'production', 1700000003000000, '{"attempts":[["2023-11-14T22:13:23Z",false]],"accepted_at":null,"accepted_heard":null,"failure":{"at":"2023-11-14T22:13:22Z","reason":"rejected_by_destination","detail":"answered 404"},"opened":null,"asked_until":null}');






INSERT INTO public.projects VALUES ('00000001-0000-0000-0000-000000000001', 'acme', '{"id":"prj_00000020000000000000000001","key":"acme","name":"Acme","historical_window_hours":24,"transfer_behaviour":"transfer","sandbox_transfer_behaviour":null}');



INSERT INTO public.purchases VALUES ('00000004-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'production', 'chain-1', 'app_store', '00000001-0000-0000-0000-000000000001', true, '{"kind":"subscription","transaction":"chain-1","product":"monthly","purchased_at":"2023-11-14T22:13:20Z","original_purchased_at":"2023-11-14T22:13:20Z","expires_at":"2023-11-14T22:15:00Z","phase":"regular","will_renew":true,"off_since":null,"next_product":null,"pause_asked_at":null,"standing":{"state":"current"},"price":null,"renewal_price":null,"offer":null,"ownership":"purchased","is_prepaid":false,"country":null,"price_increase":null,"version":"2023-11-14T22:13:20Z"}', '{"renewals":{},"refunds":{},"notes":[]}', '[]', 1700000005000000);
INSERT INTO public.purchases VALUES ('00000004-0000-0000-0000-000000000002', '00000002-0000-0000-0000-000000000001', 'production', 'chain-2', 'app_store', '00000001-0000-0000-0000-000000000001', true, '{"kind":"subscription","transaction":"chain-2","product":"monthly","purchased_at":"2023-11-14T22:13:20Z","original_purchased_at":"2023-11-14T22:13:20Z","expires_at":"2023-11-14T22:15:00Z","phase":"regular","will_renew":true,"off_since":null,"next_product":null,"pause_asked_at":null,"standing":{"state":"current"},"price":null,"renewal_price":null,"offer":null,"ownership":"purchased","is_prepaid":false,"country":null,"price_increase":null,"version":"2023-11-14T22:13:20Z"}', '{"renewals":{},"refunds":{},"notes":[]}', '[]', 1700000005000000);



INSERT INTO public.recovery_codes VALUES ('00000000-0000-0000-0000-000000000008', 'digest');



INSERT INTO public.replays VALUES ('00000000-0000-0000-0000-000000000001', '00000001-0000-0000-0000-000000000001', true, '{"id":"rpl_00000000000000000000000001","project":"prj_00000020000000000000000001","integration":"itg_00000060000000000000000001","choice":{"since":"2023-11-14T22:13:20Z","until":"2023-11-14T22:13:21Z","kinds":[],"environment":null,"customer":null,"standings":[],"reasons":[]},"per_second":1,"by":"test","started_at":"2023-11-14T22:13:20Z","first":0,"last":1,"progress":{"state":"running","after":0,"again":0,"new":0,"refused":0,"at":"2023-11-14T22:13:20Z"}}');



INSERT INTO public.second_factors VALUES ('00000000-0000-0000-0000-000000000008', '\x7365616c6564', 1, 1700000000000000);



INSERT INTO public.sessions VALUES ('digest', '00000000-0000-0000-0000-000000000008', 1700000000000000, 1700000100000000, '');



INSERT INTO public.tallies VALUES ('00000001-0000-0000-0000-000000000001', 472222, 'production', 'subscription_renewed', 0, 4, 0);



INSERT INTO public.transactions VALUES ('00000004-0000-0000-0000-000000000001', '00000002-0000-0000-0000-000000000001', 'production', 'chain-1', 'chain-1', '{"fact":{"version":"2023-11-14T22:13:20Z","id":"chain-1","kind":"subscription","product":"monthly","purchased_at":"2023-11-14T22:13:20Z","original_purchased_at":"2023-11-14T22:13:20Z","expires_at":"2023-11-14T22:15:00Z","quantity":1,"price":null,"offer":null,"revocation":null,"upgraded":false,"ownership":"purchased","reason":null,"country":null},"first_version":"2023-11-14T22:13:20Z","refunds":{}}');
INSERT INTO public.transactions VALUES ('00000004-0000-0000-0000-000000000002', '00000002-0000-0000-0000-000000000001', 'production', 'chain-2', 'chain-2', '{"fact":{"version":"2023-11-14T22:13:20Z","id":"chain-2","kind":"subscription","product":"monthly","purchased_at":"2023-11-14T22:13:20Z","original_purchased_at":"2023-11-14T22:13:20Z","expires_at":"2023-11-14T22:15:00Z","quantity":1,"price":null,"offer":null,"revocation":null,"upgraded":false,"ownership":"purchased","reason":null,"country":null},"first_version":"2023-11-14T22:13:20Z","refunds":{}}');



INSERT INTO public.users VALUES ('00000000-0000-0000-0000-000000000008', 'a@a.example', '{"id":"usr_00000000000000000000000008","email":"a@a.example","name":"A","role":"viewer","project":null,"password":"hash","created_at":"2023-11-14T22:13:20Z"}');



SELECT pg_catalog.setval('public.audit_log_position_seq', 2, true);



SELECT pg_catalog.setval('public.deliveries_position', 4, true);



SELECT pg_catalog.setval('public.feed_queue_arrived_seq', 4, true);



SELECT pg_catalog.setval('public.inbox_processed', 4, true);



ALTER TABLE ONLY public._sqlx_migrations
    ADD CONSTRAINT _sqlx_migrations_pkey PRIMARY KEY (version);



ALTER TABLE ONLY public.aliases
    ADD CONSTRAINT aliases_pkey PRIMARY KEY (project, app_user_id);



ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_digest_key UNIQUE (digest);



ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.apps
    ADD CONSTRAINT apps_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.apps
    ADD CONSTRAINT apps_project_key_key UNIQUE (project, key);



ALTER TABLE ONLY public.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (customer, delivery, number, at);



ALTER TABLE ONLY public.attempts_2026_11_23
    ADD CONSTRAINT attempts_2026_11_23_pkey PRIMARY KEY (customer, delivery, number, at);



ALTER TABLE ONLY public.attempts_2026_11_30
    ADD CONSTRAINT attempts_2026_11_30_pkey PRIMARY KEY (customer, delivery, number, at);



ALTER TABLE ONLY public.attempts_2026_12_07
    ADD CONSTRAINT attempts_2026_12_07_pkey PRIMARY KEY (customer, delivery, number, at);



ALTER TABLE ONLY public.attempts_before
    ADD CONSTRAINT attempts_before_pkey PRIMARY KEY (customer, delivery, number, at);



ALTER TABLE ONLY public.attempts_rest
    ADD CONSTRAINT attempts_rest_pkey PRIMARY KEY (customer, delivery, number, at);



ALTER TABLE ONLY public.audit_log
    ADD CONSTRAINT audit_log_pkey PRIMARY KEY ("position");



ALTER TABLE ONLY public.chains
    ADD CONSTRAINT chains_pkey PRIMARY KEY (app, environment, id);



ALTER TABLE ONLY public.customers
    ADD CONSTRAINT customers_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.deliveries_2026_11
    ADD CONSTRAINT deliveries_2026_11_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.deliveries_2026_12
    ADD CONSTRAINT deliveries_2026_12_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.deliveries_2027_01
    ADD CONSTRAINT deliveries_2027_01_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.deliveries_before
    ADD CONSTRAINT deliveries_before_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.deliveries_rest
    ADD CONSTRAINT deliveries_rest_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.entitlements
    ADD CONSTRAINT entitlements_pkey PRIMARY KEY (project, key);



ALTER TABLE ONLY public.event_keys
    ADD CONSTRAINT event_keys_pkey PRIMARY KEY (customer, key);



ALTER TABLE ONLY public.events
    ADD CONSTRAINT events_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.events_2026_11
    ADD CONSTRAINT events_2026_11_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.events_2026_12
    ADD CONSTRAINT events_2026_12_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.events_2027_01
    ADD CONSTRAINT events_2027_01_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.events_before
    ADD CONSTRAINT events_before_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.events_rest
    ADD CONSTRAINT events_rest_pkey PRIMARY KEY (customer, id);



ALTER TABLE ONLY public.exchange_rates
    ADD CONSTRAINT exchange_rates_pkey PRIMARY KEY (day, currency);



ALTER TABLE ONLY public.feed_head
    ADD CONSTRAINT feed_head_pkey PRIMARY KEY (one);



ALTER TABLE ONLY public.feed
    ADD CONSTRAINT feed_pkey PRIMARY KEY ("position");



ALTER TABLE ONLY public.feed_queue
    ADD CONSTRAINT feed_queue_pkey PRIMARY KEY (arrived);



ALTER TABLE ONLY public.inbox
    ADD CONSTRAINT inbox_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.inbox_2026_11
    ADD CONSTRAINT inbox_2026_11_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.inbox_2026_12
    ADD CONSTRAINT inbox_2026_12_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.inbox_2027_01
    ADD CONSTRAINT inbox_2027_01_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.inbox_before
    ADD CONSTRAINT inbox_before_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.inbox_rest
    ADD CONSTRAINT inbox_rest_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_project_key_key UNIQUE (project, key);



ALTER TABLE ONLY public.invitations
    ADD CONSTRAINT invitations_pkey PRIMARY KEY (digest);



ALTER TABLE ONLY public.leases
    ADD CONSTRAINT leases_pkey PRIMARY KEY (name);



ALTER TABLE ONLY public.marks
    ADD CONSTRAINT marks_pkey PRIMARY KEY (app, name);



ALTER TABLE ONLY public.meta
    ADD CONSTRAINT meta_pkey PRIMARY KEY (name);



ALTER TABLE ONLY public.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.offerings
    ADD CONSTRAINT offerings_pkey PRIMARY KEY (project, key);



ALTER TABLE ONLY public.outcomes
    ADD CONSTRAINT outcomes_pkey PRIMARY KEY (integration, endpoint);



ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_pkey PRIMARY KEY (project, key);



ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_key_key UNIQUE (key);



ALTER TABLE ONLY public.projects
    ADD CONSTRAINT projects_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.purchases
    ADD CONSTRAINT purchases_pkey PRIMARY KEY (customer, app, environment, chain);



ALTER TABLE ONLY public.recovery_codes
    ADD CONSTRAINT recovery_codes_pkey PRIMARY KEY (owner, digest);



ALTER TABLE ONLY public.replays
    ADD CONSTRAINT replays_pkey PRIMARY KEY (id);



ALTER TABLE ONLY public.second_factors
    ADD CONSTRAINT second_factors_pkey PRIMARY KEY (owner);



ALTER TABLE ONLY public.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (digest);



ALTER TABLE ONLY public.tallies
    ADD CONSTRAINT tallies_pkey PRIMARY KEY (project, hour, environment, kind, node);



ALTER TABLE ONLY public.transactions
    ADD CONSTRAINT transactions_pkey PRIMARY KEY (customer, app, environment, chain, id);



ALTER TABLE ONLY public.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);



CREATE INDEX aliases_by_customer ON public.aliases USING btree (customer);



CREATE INDEX audit_log_by_programs ON public.audit_log USING btree (at) WHERE (about = 'customer_by_program'::text);



CREATE INDEX audit_log_customers ON public.audit_log USING btree (project, subject) WHERE (about <> 'installation'::text);



CREATE INDEX audit_log_others ON public.audit_log USING btree (at) WHERE (about <> 'customer_by_program'::text);



CREATE INDEX chains_by_chain ON public.chains USING btree (app, environment, chain);



CREATE INDEX customers_by_project ON public.customers USING btree (project, id);



CREATE INDEX customers_merged ON public.customers USING btree (merged_into) WHERE (merged_into IS NOT NULL);



CREATE INDEX deliveries_under_way ON ONLY public.deliveries USING btree (customer, integration, endpoint) WHERE ((status = 0) AND (turn = 1));



CREATE INDEX deliveries_2026_11_customer_integration_endpoint_idx ON public.deliveries_2026_11 USING btree (customer, integration, endpoint) WHERE ((status = 0) AND (turn = 1));



CREATE INDEX deliveries_open ON ONLY public.deliveries USING btree (customer, integration, endpoint, seq, "position") WHERE (status = 0);



CREATE INDEX deliveries_2026_11_customer_integration_endpoint_seq_positi_idx ON public.deliveries_2026_11 USING btree (customer, integration, endpoint, seq, "position") WHERE (status = 0);



CREATE INDEX deliveries_by_event ON ONLY public.deliveries USING btree (event);



CREATE INDEX deliveries_2026_11_event_idx ON public.deliveries_2026_11 USING btree (event);



CREATE INDEX deliveries_by_id ON ONLY public.deliveries USING btree (id);



CREATE INDEX deliveries_2026_11_id_idx ON public.deliveries_2026_11 USING btree (id);



CREATE INDEX deliveries_due ON ONLY public.deliveries USING btree (integration, endpoint, due_at) WHERE (status = 0);



CREATE INDEX deliveries_2026_11_integration_endpoint_due_at_idx ON public.deliveries_2026_11 USING btree (integration, endpoint, due_at) WHERE (status = 0);



CREATE INDEX deliveries_by_integration ON ONLY public.deliveries USING btree (integration, "position");



CREATE INDEX deliveries_2026_11_integration_position_idx ON public.deliveries_2026_11 USING btree (integration, "position");



CREATE INDEX deliveries_failed ON ONLY public.deliveries USING btree (integration, "position") WHERE (status = 2);



CREATE INDEX deliveries_2026_11_integration_position_idx1 ON public.deliveries_2026_11 USING btree (integration, "position") WHERE (status = 2);



CREATE INDEX deliveries_failed_events ON ONLY public.deliveries USING btree (project, event) WHERE (status = 2);



CREATE INDEX deliveries_2026_11_project_event_idx ON public.deliveries_2026_11 USING btree (project, event) WHERE (status = 2);



CREATE INDEX deliveries_waiting ON ONLY public.deliveries USING btree (waits_for) WHERE (waits_for IS NOT NULL);



CREATE INDEX deliveries_2026_11_waits_for_idx ON public.deliveries_2026_11 USING btree (waits_for) WHERE (waits_for IS NOT NULL);



CREATE INDEX deliveries_2026_12_customer_integration_endpoint_idx ON public.deliveries_2026_12 USING btree (customer, integration, endpoint) WHERE ((status = 0) AND (turn = 1));



CREATE INDEX deliveries_2026_12_customer_integration_endpoint_seq_positi_idx ON public.deliveries_2026_12 USING btree (customer, integration, endpoint, seq, "position") WHERE (status = 0);



CREATE INDEX deliveries_2026_12_event_idx ON public.deliveries_2026_12 USING btree (event);



CREATE INDEX deliveries_2026_12_id_idx ON public.deliveries_2026_12 USING btree (id);



CREATE INDEX deliveries_2026_12_integration_endpoint_due_at_idx ON public.deliveries_2026_12 USING btree (integration, endpoint, due_at) WHERE (status = 0);



CREATE INDEX deliveries_2026_12_integration_position_idx ON public.deliveries_2026_12 USING btree (integration, "position");



CREATE INDEX deliveries_2026_12_integration_position_idx1 ON public.deliveries_2026_12 USING btree (integration, "position") WHERE (status = 2);



CREATE INDEX deliveries_2026_12_project_event_idx ON public.deliveries_2026_12 USING btree (project, event) WHERE (status = 2);



CREATE INDEX deliveries_2026_12_waits_for_idx ON public.deliveries_2026_12 USING btree (waits_for) WHERE (waits_for IS NOT NULL);



CREATE INDEX deliveries_2027_01_customer_integration_endpoint_idx ON public.deliveries_2027_01 USING btree (customer, integration, endpoint) WHERE ((status = 0) AND (turn = 1));



CREATE INDEX deliveries_2027_01_customer_integration_endpoint_seq_positi_idx ON public.deliveries_2027_01 USING btree (customer, integration, endpoint, seq, "position") WHERE (status = 0);



CREATE INDEX deliveries_2027_01_event_idx ON public.deliveries_2027_01 USING btree (event);



CREATE INDEX deliveries_2027_01_id_idx ON public.deliveries_2027_01 USING btree (id);



CREATE INDEX deliveries_2027_01_integration_endpoint_due_at_idx ON public.deliveries_2027_01 USING btree (integration, endpoint, due_at) WHERE (status = 0);



CREATE INDEX deliveries_2027_01_integration_position_idx ON public.deliveries_2027_01 USING btree (integration, "position");



CREATE INDEX deliveries_2027_01_integration_position_idx1 ON public.deliveries_2027_01 USING btree (integration, "position") WHERE (status = 2);



CREATE INDEX deliveries_2027_01_project_event_idx ON public.deliveries_2027_01 USING btree (project, event) WHERE (status = 2);



CREATE INDEX deliveries_2027_01_waits_for_idx ON public.deliveries_2027_01 USING btree (waits_for) WHERE (waits_for IS NOT NULL);



CREATE INDEX deliveries_before_customer_integration_endpoint_idx ON public.deliveries_before USING btree (customer, integration, endpoint) WHERE ((status = 0) AND (turn = 1));



CREATE INDEX deliveries_before_customer_integration_endpoint_seq_positio_idx ON public.deliveries_before USING btree (customer, integration, endpoint, seq, "position") WHERE (status = 0);



CREATE INDEX deliveries_before_event_idx ON public.deliveries_before USING btree (event);



CREATE INDEX deliveries_before_id_idx ON public.deliveries_before USING btree (id);



CREATE INDEX deliveries_before_integration_endpoint_due_at_idx ON public.deliveries_before USING btree (integration, endpoint, due_at) WHERE (status = 0);



CREATE INDEX deliveries_before_integration_position_idx ON public.deliveries_before USING btree (integration, "position");



CREATE INDEX deliveries_before_integration_position_idx1 ON public.deliveries_before USING btree (integration, "position") WHERE (status = 2);



CREATE INDEX deliveries_before_project_event_idx ON public.deliveries_before USING btree (project, event) WHERE (status = 2);



CREATE INDEX deliveries_before_waits_for_idx ON public.deliveries_before USING btree (waits_for) WHERE (waits_for IS NOT NULL);



CREATE INDEX deliveries_rest_customer_integration_endpoint_idx ON public.deliveries_rest USING btree (customer, integration, endpoint) WHERE ((status = 0) AND (turn = 1));



CREATE INDEX deliveries_rest_customer_integration_endpoint_seq_position_idx ON public.deliveries_rest USING btree (customer, integration, endpoint, seq, "position") WHERE (status = 0);



CREATE INDEX deliveries_rest_event_idx ON public.deliveries_rest USING btree (event);



CREATE INDEX deliveries_rest_id_idx ON public.deliveries_rest USING btree (id);



CREATE INDEX deliveries_rest_integration_endpoint_due_at_idx ON public.deliveries_rest USING btree (integration, endpoint, due_at) WHERE (status = 0);



CREATE INDEX deliveries_rest_integration_position_idx ON public.deliveries_rest USING btree (integration, "position");



CREATE INDEX deliveries_rest_integration_position_idx1 ON public.deliveries_rest USING btree (integration, "position") WHERE (status = 2);



CREATE INDEX deliveries_rest_project_event_idx ON public.deliveries_rest USING btree (project, event) WHERE (status = 2);



CREATE INDEX deliveries_rest_waits_for_idx ON public.deliveries_rest USING btree (waits_for) WHERE (waits_for IS NOT NULL);



CREATE INDEX events_by_id ON ONLY public.events USING btree (id);



CREATE INDEX events_2026_11_id_idx ON public.events_2026_11 USING btree (id);



CREATE INDEX events_2026_12_id_idx ON public.events_2026_12 USING btree (id);



CREATE INDEX events_2027_01_id_idx ON public.events_2027_01 USING btree (id);



CREATE INDEX events_before_id_idx ON public.events_before USING btree (id);



CREATE INDEX events_rest_id_idx ON public.events_rest USING btree (id);



CREATE INDEX feed_by_customer ON public.feed USING btree (customer, "position");



CREATE INDEX feed_by_environment ON public.feed USING btree (project, environment, "position");



CREATE INDEX feed_by_event ON public.feed USING btree (event);



CREATE INDEX feed_by_kind ON public.feed USING btree (project, kind, "position");



CREATE INDEX feed_by_project ON public.feed USING btree (project, "position");



CREATE INDEX inbox_by_processed ON ONLY public.inbox USING btree (project, processed) WHERE (processed IS NOT NULL);



CREATE INDEX inbox_2026_11_project_processed_idx ON public.inbox_2026_11 USING btree (project, processed) WHERE (processed IS NOT NULL);



CREATE INDEX inbox_parked_by_project ON ONLY public.inbox USING btree (project, received_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_2026_11_project_received_at_idx ON public.inbox_2026_11 USING btree (project, received_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_parked ON ONLY public.inbox USING btree (retry_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_2026_11_retry_at_idx ON public.inbox_2026_11 USING btree (retry_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_2026_12_project_processed_idx ON public.inbox_2026_12 USING btree (project, processed) WHERE (processed IS NOT NULL);



CREATE INDEX inbox_2026_12_project_received_at_idx ON public.inbox_2026_12 USING btree (project, received_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_2026_12_retry_at_idx ON public.inbox_2026_12 USING btree (retry_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_2027_01_project_processed_idx ON public.inbox_2027_01 USING btree (project, processed) WHERE (processed IS NOT NULL);



CREATE INDEX inbox_2027_01_project_received_at_idx ON public.inbox_2027_01 USING btree (project, received_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_2027_01_retry_at_idx ON public.inbox_2027_01 USING btree (retry_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_before_project_processed_idx ON public.inbox_before USING btree (project, processed) WHERE (processed IS NOT NULL);



CREATE INDEX inbox_before_project_received_at_idx ON public.inbox_before USING btree (project, received_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_before_retry_at_idx ON public.inbox_before USING btree (retry_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_rest_project_processed_idx ON public.inbox_rest USING btree (project, processed) WHERE (processed IS NOT NULL);



CREATE INDEX inbox_rest_project_received_at_idx ON public.inbox_rest USING btree (project, received_at) WHERE (parked IS NOT NULL);



CREATE INDEX inbox_rest_retry_at_idx ON public.inbox_rest USING btree (retry_at) WHERE (parked IS NOT NULL);



CREATE INDEX purchases_by_project ON public.purchases USING btree (project);



CREATE INDEX purchases_due ON public.purchases USING btree (check_at) WHERE (check_at IS NOT NULL);



CREATE INDEX replays_by_project ON public.replays USING btree (project, id);



CREATE INDEX replays_running ON public.replays USING btree (id) WHERE running;



CREATE INDEX sessions_by_owner ON public.sessions USING btree (owner);



ALTER INDEX public.attempts_pkey ATTACH PARTITION public.attempts_2026_11_23_pkey;



ALTER INDEX public.attempts_pkey ATTACH PARTITION public.attempts_2026_11_30_pkey;



ALTER INDEX public.attempts_pkey ATTACH PARTITION public.attempts_2026_12_07_pkey;



ALTER INDEX public.attempts_pkey ATTACH PARTITION public.attempts_before_pkey;



ALTER INDEX public.attempts_pkey ATTACH PARTITION public.attempts_rest_pkey;



ALTER INDEX public.deliveries_under_way ATTACH PARTITION public.deliveries_2026_11_customer_integration_endpoint_idx;



ALTER INDEX public.deliveries_open ATTACH PARTITION public.deliveries_2026_11_customer_integration_endpoint_seq_positi_idx;



ALTER INDEX public.deliveries_by_event ATTACH PARTITION public.deliveries_2026_11_event_idx;



ALTER INDEX public.deliveries_by_id ATTACH PARTITION public.deliveries_2026_11_id_idx;



ALTER INDEX public.deliveries_due ATTACH PARTITION public.deliveries_2026_11_integration_endpoint_due_at_idx;



ALTER INDEX public.deliveries_by_integration ATTACH PARTITION public.deliveries_2026_11_integration_position_idx;



ALTER INDEX public.deliveries_failed ATTACH PARTITION public.deliveries_2026_11_integration_position_idx1;



ALTER INDEX public.deliveries_pkey ATTACH PARTITION public.deliveries_2026_11_pkey;



ALTER INDEX public.deliveries_failed_events ATTACH PARTITION public.deliveries_2026_11_project_event_idx;



ALTER INDEX public.deliveries_waiting ATTACH PARTITION public.deliveries_2026_11_waits_for_idx;



ALTER INDEX public.deliveries_under_way ATTACH PARTITION public.deliveries_2026_12_customer_integration_endpoint_idx;



ALTER INDEX public.deliveries_open ATTACH PARTITION public.deliveries_2026_12_customer_integration_endpoint_seq_positi_idx;



ALTER INDEX public.deliveries_by_event ATTACH PARTITION public.deliveries_2026_12_event_idx;



ALTER INDEX public.deliveries_by_id ATTACH PARTITION public.deliveries_2026_12_id_idx;



ALTER INDEX public.deliveries_due ATTACH PARTITION public.deliveries_2026_12_integration_endpoint_due_at_idx;



ALTER INDEX public.deliveries_by_integration ATTACH PARTITION public.deliveries_2026_12_integration_position_idx;



ALTER INDEX public.deliveries_failed ATTACH PARTITION public.deliveries_2026_12_integration_position_idx1;



ALTER INDEX public.deliveries_pkey ATTACH PARTITION public.deliveries_2026_12_pkey;



ALTER INDEX public.deliveries_failed_events ATTACH PARTITION public.deliveries_2026_12_project_event_idx;



ALTER INDEX public.deliveries_waiting ATTACH PARTITION public.deliveries_2026_12_waits_for_idx;



ALTER INDEX public.deliveries_under_way ATTACH PARTITION public.deliveries_2027_01_customer_integration_endpoint_idx;



ALTER INDEX public.deliveries_open ATTACH PARTITION public.deliveries_2027_01_customer_integration_endpoint_seq_positi_idx;



ALTER INDEX public.deliveries_by_event ATTACH PARTITION public.deliveries_2027_01_event_idx;



ALTER INDEX public.deliveries_by_id ATTACH PARTITION public.deliveries_2027_01_id_idx;



ALTER INDEX public.deliveries_due ATTACH PARTITION public.deliveries_2027_01_integration_endpoint_due_at_idx;



ALTER INDEX public.deliveries_by_integration ATTACH PARTITION public.deliveries_2027_01_integration_position_idx;



ALTER INDEX public.deliveries_failed ATTACH PARTITION public.deliveries_2027_01_integration_position_idx1;



ALTER INDEX public.deliveries_pkey ATTACH PARTITION public.deliveries_2027_01_pkey;



ALTER INDEX public.deliveries_failed_events ATTACH PARTITION public.deliveries_2027_01_project_event_idx;



ALTER INDEX public.deliveries_waiting ATTACH PARTITION public.deliveries_2027_01_waits_for_idx;



ALTER INDEX public.deliveries_under_way ATTACH PARTITION public.deliveries_before_customer_integration_endpoint_idx;



ALTER INDEX public.deliveries_open ATTACH PARTITION public.deliveries_before_customer_integration_endpoint_seq_positio_idx;



ALTER INDEX public.deliveries_by_event ATTACH PARTITION public.deliveries_before_event_idx;



ALTER INDEX public.deliveries_by_id ATTACH PARTITION public.deliveries_before_id_idx;



ALTER INDEX public.deliveries_due ATTACH PARTITION public.deliveries_before_integration_endpoint_due_at_idx;



ALTER INDEX public.deliveries_by_integration ATTACH PARTITION public.deliveries_before_integration_position_idx;



ALTER INDEX public.deliveries_failed ATTACH PARTITION public.deliveries_before_integration_position_idx1;



ALTER INDEX public.deliveries_pkey ATTACH PARTITION public.deliveries_before_pkey;



ALTER INDEX public.deliveries_failed_events ATTACH PARTITION public.deliveries_before_project_event_idx;



ALTER INDEX public.deliveries_waiting ATTACH PARTITION public.deliveries_before_waits_for_idx;



ALTER INDEX public.deliveries_under_way ATTACH PARTITION public.deliveries_rest_customer_integration_endpoint_idx;



ALTER INDEX public.deliveries_open ATTACH PARTITION public.deliveries_rest_customer_integration_endpoint_seq_position_idx;



ALTER INDEX public.deliveries_by_event ATTACH PARTITION public.deliveries_rest_event_idx;



ALTER INDEX public.deliveries_by_id ATTACH PARTITION public.deliveries_rest_id_idx;



ALTER INDEX public.deliveries_due ATTACH PARTITION public.deliveries_rest_integration_endpoint_due_at_idx;



ALTER INDEX public.deliveries_by_integration ATTACH PARTITION public.deliveries_rest_integration_position_idx;



ALTER INDEX public.deliveries_failed ATTACH PARTITION public.deliveries_rest_integration_position_idx1;



ALTER INDEX public.deliveries_pkey ATTACH PARTITION public.deliveries_rest_pkey;



ALTER INDEX public.deliveries_failed_events ATTACH PARTITION public.deliveries_rest_project_event_idx;



ALTER INDEX public.deliveries_waiting ATTACH PARTITION public.deliveries_rest_waits_for_idx;



ALTER INDEX public.events_by_id ATTACH PARTITION public.events_2026_11_id_idx;



ALTER INDEX public.events_pkey ATTACH PARTITION public.events_2026_11_pkey;



ALTER INDEX public.events_by_id ATTACH PARTITION public.events_2026_12_id_idx;



ALTER INDEX public.events_pkey ATTACH PARTITION public.events_2026_12_pkey;



ALTER INDEX public.events_by_id ATTACH PARTITION public.events_2027_01_id_idx;



ALTER INDEX public.events_pkey ATTACH PARTITION public.events_2027_01_pkey;



ALTER INDEX public.events_by_id ATTACH PARTITION public.events_before_id_idx;



ALTER INDEX public.events_pkey ATTACH PARTITION public.events_before_pkey;



ALTER INDEX public.events_by_id ATTACH PARTITION public.events_rest_id_idx;



ALTER INDEX public.events_pkey ATTACH PARTITION public.events_rest_pkey;



ALTER INDEX public.inbox_pkey ATTACH PARTITION public.inbox_2026_11_pkey;



ALTER INDEX public.inbox_by_processed ATTACH PARTITION public.inbox_2026_11_project_processed_idx;



ALTER INDEX public.inbox_parked_by_project ATTACH PARTITION public.inbox_2026_11_project_received_at_idx;



ALTER INDEX public.inbox_parked ATTACH PARTITION public.inbox_2026_11_retry_at_idx;



ALTER INDEX public.inbox_pkey ATTACH PARTITION public.inbox_2026_12_pkey;



ALTER INDEX public.inbox_by_processed ATTACH PARTITION public.inbox_2026_12_project_processed_idx;



ALTER INDEX public.inbox_parked_by_project ATTACH PARTITION public.inbox_2026_12_project_received_at_idx;



ALTER INDEX public.inbox_parked ATTACH PARTITION public.inbox_2026_12_retry_at_idx;



ALTER INDEX public.inbox_pkey ATTACH PARTITION public.inbox_2027_01_pkey;



ALTER INDEX public.inbox_by_processed ATTACH PARTITION public.inbox_2027_01_project_processed_idx;



ALTER INDEX public.inbox_parked_by_project ATTACH PARTITION public.inbox_2027_01_project_received_at_idx;



ALTER INDEX public.inbox_parked ATTACH PARTITION public.inbox_2027_01_retry_at_idx;



ALTER INDEX public.inbox_pkey ATTACH PARTITION public.inbox_before_pkey;



ALTER INDEX public.inbox_by_processed ATTACH PARTITION public.inbox_before_project_processed_idx;



ALTER INDEX public.inbox_parked_by_project ATTACH PARTITION public.inbox_before_project_received_at_idx;



ALTER INDEX public.inbox_parked ATTACH PARTITION public.inbox_before_retry_at_idx;



ALTER INDEX public.inbox_pkey ATTACH PARTITION public.inbox_rest_pkey;



ALTER INDEX public.inbox_by_processed ATTACH PARTITION public.inbox_rest_project_processed_idx;



ALTER INDEX public.inbox_parked_by_project ATTACH PARTITION public.inbox_rest_project_received_at_idx;



ALTER INDEX public.inbox_parked ATTACH PARTITION public.inbox_rest_retry_at_idx;



ALTER TABLE ONLY public.api_keys
    ADD CONSTRAINT api_keys_project_fkey FOREIGN KEY (project) REFERENCES public.projects(id);



ALTER TABLE ONLY public.apps
    ADD CONSTRAINT apps_project_fkey FOREIGN KEY (project) REFERENCES public.projects(id);



ALTER TABLE ONLY public.entitlements
    ADD CONSTRAINT entitlements_project_fkey FOREIGN KEY (project) REFERENCES public.projects(id);



ALTER TABLE ONLY public.integrations
    ADD CONSTRAINT integrations_project_fkey FOREIGN KEY (project) REFERENCES public.projects(id);



ALTER TABLE ONLY public.offerings
    ADD CONSTRAINT offerings_project_fkey FOREIGN KEY (project) REFERENCES public.projects(id);



ALTER TABLE ONLY public.products
    ADD CONSTRAINT products_project_fkey FOREIGN KEY (project) REFERENCES public.projects(id);




