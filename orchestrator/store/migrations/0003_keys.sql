-- Who may ask, how much of it, and what was done with which key. Of a key nothing is kept but its digest.
-- A tenant that ends in ~test is the rehearsal of the one before the tilde; its owner is the one itself.

create table tenants (
    name            text primary key,
    tier            text not null check (tier in ('free', 'pro', 'enterprise')),
    usd_a_day       bigint check (usd_a_day >= 0),
    created_at      text not null
);

create table api_keys (
    id              text primary key,
    tenant          text not null,
    owner           text not null references tenants (name),
    name            text not null,
    digest          text not null unique,
    hint            text not null,
    scopes          text not null,
    usd_a_day       bigint check (usd_a_day >= 0),
    purse           text not null,
    created_at      text not null,
    expires_at      text,
    revoked_at      text,
    last_used_at    text
);
create index api_keys_of_a_tenant on api_keys (tenant, created_at);

create table key_trail (
    n               {serial},
    at              text not null,
    tenant          text not null,
    key_id          text,
    what            text not null,
    subject         text,
    note            text
);
create index key_trail_of_a_tenant on key_trail (tenant, n);

create table key_days (
    key_id          text not null,
    tenant          text not null,
    day             text not null,
    requests        bigint not null check (requests >= 0),
    primary key (key_id, day)
);
create index key_days_of_a_tenant on key_days (tenant, day);

create table rates (
    tenant          text primary key,
    at_ms           bigint not null,
    tokens          bigint not null check (tokens >= 0),
    window_ends_ms  bigint not null,
    used            bigint not null
);

create table idempotency (
    tenant          text not null,
    key             text not null,
    digest          text not null,
    status          bigint,
    answer          text,
    begun_at        text not null,
    expires_at      text not null,
    primary key (tenant, key)
);
create index idempotency_by_age on idempotency (expires_at);

create index jobs_under_way on jobs (tenant) where state in ('queued', 'running');
