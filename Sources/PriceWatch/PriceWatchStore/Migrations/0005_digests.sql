-- migration 0005 digests
-- A time zone is a name of the tz database or an offset such as +03:00; hours are local. last_digest_on is the first day of the
-- user's day or week whose digest was written last.

-- up
alter table users
    add column time_zone text check (octet_length(time_zone) between 1 and 64),
    add column digest text not null default 'off' check (digest in ('off', 'daily', 'weekly')),
    add column digest_hour smallint not null default 9 check (digest_hour between 0 and 23),
    add column last_digest_on date,
    add column last_digest_at timestamptz,
    add column quiet_from smallint check (quiet_from between 0 and 23),
    add column quiet_until smallint check (quiet_until between 0 and 23),
    add constraint users_quiet_check check (case when quiet_from is null then quiet_until is null else quiet_until is not null and quiet_until <> quiet_from end);
create index users_digest_index on users (id) where digest <> 'off';

-- down
drop index users_digest_index;
alter table users
    drop constraint users_quiet_check, drop column time_zone, drop column digest, drop column digest_hour, drop column last_digest_on, drop column last_digest_at,
    drop column quiet_from, drop column quiet_until;
