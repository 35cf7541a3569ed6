-- migration 0003 price_checks
-- Intervals that users choose are whole seconds. A check is handed out under a claim, which counts upwards.

-- up
alter table users add column check_interval integer check (check_interval > 0);
alter table watches add column check_interval integer check (check_interval > 0);

-- The check under way is that of claim check_claim; it has ended once checked_claim is as great.
alter table products
    add column check_claim bigint not null default 0,
    add column checked_claim bigint not null default 0,
    add column failing_told_at timestamptz,
    add column paused_at timestamptz;
drop index products_next_check_at_index;
create index products_next_check_at_index on products (next_check_at, id) where paused_at is null;

alter table outbox
    add column kind text not null default 'price_change'
        check (kind in ('price_change', 'link_failed', 'link_paused', 'link_recovered', 'digest')),
    add column failure text,
    add column digest jsonb,
    alter column product_id drop not null,
    alter column old_minor drop not null,
    alter column old_currency drop not null,
    alter column new_minor drop not null,
    alter column new_currency drop not null,
    add constraint outbox_content_check check (case kind
        when 'price_change' then product_id is not null and old_minor is not null and old_currency is not null
            and new_minor is not null and new_currency is not null
        when 'digest' then digest is not null
        when 'link_recovered' then product_id is not null
        else product_id is not null and failure is not null end);

-- down
delete from outbox where kind <> 'price_change';
alter table outbox
    drop constraint outbox_content_check,
    drop column kind, drop column failure, drop column digest,
    alter column product_id set not null,
    alter column old_minor set not null,
    alter column old_currency set not null,
    alter column new_minor set not null,
    alter column new_currency set not null;
drop index products_next_check_at_index;
create index products_next_check_at_index on products (next_check_at);
alter table products drop column check_claim, drop column checked_claim, drop column failing_told_at, drop column paused_at;
alter table watches drop column check_interval;
alter table users drop column check_interval;
