-- migration 0002 apium_outbox
-- Notifications are enqueued in the transaction that makes them: the table of ApiumOutbox, from which a relay hands them over. A row of
-- outbox is published when its job stands here.

-- up
create table apium_outbox (
    id bigint generated always as identity primary key,
    job_id text not null unique,
    exchange text not null,
    routing_key text not null,
    message text not null,
    delay_us bigint not null default 0 check (delay_us >= 0),
    queue_limit bigint,
    lock_key text,
    lock_scope text,
    lock_us bigint,
    created_at timestamptz not null default clock_timestamp(),
    attempts integer not null default 0,
    retry_at timestamptz,
    last_error text
);

-- down
-- What was not handed over is not published.
update outbox set published_at = null
where delivered_at is null and 'notify-' || id in (select job_id from apium_outbox);
drop table apium_outbox;
