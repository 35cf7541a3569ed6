-- migration 0004 history_days
-- Old prices as one row per product, day (UTC) and currency.

-- up
create table price_days (
    id bigint generated always as identity primary key,
    product_id bigint not null references products on delete cascade,
    day date not null,
    currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
    low_minor bigint not null check (low_minor > 0),
    high_minor bigint not null check (high_minor >= low_minor),
    last_minor bigint not null check (last_minor between low_minor and high_minor),
    availability text not null check (availability in ('in_stock', 'out_of_stock', 'preorder', 'unknown')),
    points integer not null check (points > 0),
    last_seen_at timestamptz not null,
    unique (product_id, day, currency)
);
create index price_days_product_id_index on price_days (product_id, last_seen_at desc);
create index price_points_seen_at_index on price_points (seen_at);
create index outbox_created_at_index on outbox (created_at);

-- down
-- What was rolled up becomes a price each: the last of its day.
insert into price_points (product_id, price_minor, currency, availability, seen_at)
    select product_id, last_minor, currency, availability, last_seen_at from price_days;
drop index outbox_created_at_index, price_points_seen_at_index;
drop table price_days;
