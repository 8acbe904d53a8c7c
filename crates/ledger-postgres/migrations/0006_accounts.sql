-- An address has an account for each reach: whoever manages one project learns nothing of accounts elsewhere. That there is one only for a reach
-- is decided against the revision of the configuration.
alter table users drop constraint users_email_key;

-- What members prove beside the password: the secret is sealed, the step is the newest whose code was used. Codes are digests, gone when used.
create table second_factors (owner uuid primary key, secret bytea not null, step bigint not null, made_at bigint not null);
create table recovery_codes (owner uuid not null, digest text not null, primary key (owner, digest));
