-- migration 0001 initial
-- Amounts are whole minor units with an ISO 4217 code; instants are timestamptz; ids count upwards from 1.

-- up
create table users (
    id bigint generated always as identity primary key,
    chat_id bigint not null unique,
    name text not null,
    language text not null check (language in ('en', 'ru')),
    is_blocked boolean not null default false,
    created_at timestamptz not null default now()
);

-- One row per canonical link, however many users follow it.
create table products (
    id bigint generated always as identity primary key,
    canonical_url text not null unique check (octet_length(canonical_url) between 1 and 2048),
    name text not null check (name <> ''),
    price_minor bigint not null check (price_minor > 0),
    currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
    availability text not null check (availability in ('in_stock', 'out_of_stock', 'preorder', 'unknown')),
    image_url text,
    failures integer not null default 0 check (failures >= 0),
    last_failure text,
    check_interval interval not null check (check_interval > interval '0'),
    next_check_at timestamptz not null,
    checked_at timestamptz not null default now(),
    created_at timestamptz not null default now()
);
create index products_next_check_at_index on products (next_check_at);

create table watches (
    id bigint generated always as identity primary key,
    user_id bigint not null references users on delete cascade,
    product_id bigint not null references products on delete cascade,
    created_at timestamptz not null default now(),
    unique (user_id, product_id)
);
create index watches_product_id_index on watches (product_id);

-- The history: one row per price, appended only when it differs from the one before.
create table price_points (
    id bigint generated always as identity primary key,
    product_id bigint not null references products on delete cascade,
    price_minor bigint not null check (price_minor > 0),
    currency char(3) not null check (currency ~ '^[A-Z]{3}$'),
    availability text not null check (availability in ('in_stock', 'out_of_stock', 'preorder', 'unknown')),
    seen_at timestamptz not null default now()
);
create index price_points_product_id_index on price_points (product_id, seen_at desc, id desc);

-- One row per message that one user is to get, written in the transaction that saw the change.
create table outbox (
    id bigint generated always as identity primary key,
    user_id bigint not null references users on delete cascade,
    watch_id bigint references watches on delete set null,
    product_id bigint not null references products on delete cascade,
    old_minor bigint not null,
    old_currency char(3) not null,
    new_minor bigint not null,
    new_currency char(3) not null,
    created_at timestamptz not null default now(),
    published_at timestamptz,
    delivered_at timestamptz,
    message_id bigint,
    is_maybe_twice boolean not null default false
);
create index outbox_pending_index on outbox (id) where published_at is null;
create index outbox_watch_id_index on outbox (watch_id);
create index outbox_user_id_index on outbox (user_id);
create index outbox_product_id_index on outbox (product_id);

create table admin_accounts (
    id bigint generated always as identity primary key,
    name text not null check (name <> ''),
    password_hash text not null,
    role text not null check (role in ('viewer', 'editor')),
    is_disabled boolean not null default false,
    created_at timestamptz not null default now()
);
create unique index admin_accounts_name_index on admin_accounts (lower(name));

create table admin_sessions (
    token_hash bytea primary key check (octet_length(token_hash) = 32),
    account_id bigint not null references admin_accounts on delete cascade,
    opened_at timestamptz not null default now(),
    used_at timestamptz not null default now()
);
create index admin_sessions_account_id_index on admin_sessions (account_id);

create table api_tokens (
    id bigint generated always as identity primary key,
    name text not null check (name <> ''),
    token_hash bytea not null unique check (octet_length(token_hash) = 32),
    scopes text[] not null,
    chat_id bigint,
    allowed_jobs text[],
    created_at timestamptz not null default now(),
    expires_at timestamptz,
    revoked_at timestamptz
);
create unique index api_tokens_name_index on api_tokens (name) where revoked_at is null;

create table audit (
    id bigint generated always as identity primary key,
    at timestamptz not null default now(),
    actor text not null,
    action text not null,
    target text not null,
    row_id bigint,
    address text not null,
    before jsonb,
    after jsonb
);

-- down
drop table audit, api_tokens, admin_sessions, admin_accounts, outbox, price_points, watches, products, users;
