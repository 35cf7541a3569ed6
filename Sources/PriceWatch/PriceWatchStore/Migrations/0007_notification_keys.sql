-- migration 0007 notification_keys
-- The job of a notification has the id notify-<id>-<job_key>. The key is random, because ids come again when a backup is restored, and Redis
-- still knows those that it was given. Rows from before have no key, and their jobs no such part.

-- up
alter table outbox add column job_key text;
alter table outbox alter column job_key set default left(replace(gen_random_uuid()::text, '-', ''), 16);

-- down
-- What was not handed over is not published.
with taken as (
    delete from apium_outbox where job_id in (select 'notify-' || id || '-' || job_key from outbox where job_key is not null) returning job_id)
update outbox set published_at = null where delivered_at is null and 'notify-' || id || '-' || job_key in (select job_id from taken);
alter table outbox drop column job_key;
