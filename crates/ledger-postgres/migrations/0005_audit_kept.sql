-- What an entry of the audit log is about: how long it is kept, and whether its subject is a name of a customer, which goes with it.
alter table audit_log add column about text not null default 'installation';
update audit_log set about = case when who like 'key %' then 'customer_by_program' else 'customer' end
where what in ('give access to', 'take access back from', 'change customer', 'make customer', 'give another name to', 'send purchase of',
  'state purchase of', 'move purchases of');
create index audit_log_by_programs on audit_log (at) where about = 'customer_by_program';           -- retention
create index audit_log_others on audit_log (at) where about <> 'customer_by_program';               -- retention
create index audit_log_customers on audit_log (project, subject) where about <> 'installation';     -- forgetting
