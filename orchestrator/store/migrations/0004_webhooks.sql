-- Who wants to be told of what, what there was to tell, and every attempt to tell it.

create table webhook_endpoints (
    id            text primary key,
    tenant        text not null,
    url           text,
    events        text not null,
    active        bigint not null default 1 check (active in (0, 1)),
    why_off       text,
    secret        text not null,
    older_secret  text,
    older_until   text,
    failing_since text,
    created_at    text not null
);
create index webhook_endpoints_of_a_tenant on webhook_endpoints (tenant);
create unique index one_caller_back on webhook_endpoints (tenant) where url is null;

create table webhook_callbacks (
    job           text primary key,
    url           text not null
);

create table webhook_messages (
    id            text primary key,
    tenant        text not null,
    job           text,
    slot          text not null,
    event         text not null,
    body          text not null,
    whole         bigint not null check (whole in (0, 1)),
    at            text not null,
    unique (job, slot)
);

create index webhook_messages_by_age on webhook_messages (at);

create table webhook_deliveries (
    n             {serial},
    id            text not null unique,
    message       text not null references webhook_messages (id),
    endpoint      text not null references webhook_endpoints (id),
    url           text,
    lane          text not null,
    state         text not null check (state in ('due', 'paused', 'delivered', 'failed')),
    tries         bigint not null default 0,
    attempts      bigint not null default 0,
    due_at        text not null,
    created_at    text not null,
    ended_at      text,
    unique (message, endpoint)
);
create index webhook_deliveries_due on webhook_deliveries (lane, due_at) where state = 'due';
create index webhook_deliveries_by_end on webhook_deliveries (ended_at) where ended_at is not null;
create index webhook_deliveries_of_an_endpoint on webhook_deliveries (endpoint, n);

create table webhook_attempts (
    delivery      text not null references webhook_deliveries (id),
    n             bigint not null,
    at            text not null,
    status        bigint,
    error         text,
    took_ms       bigint not null,
    primary key (delivery, n)
);

create table webhook_lanes (
    lane          text primary key,
    tenant        text not null,
    due_at        text,
    failing       bigint not null default 0,
    turn_at       text not null default '',
    claimed_by    text,
    claimed_until text
);
create index webhook_lanes_due on webhook_lanes (due_at) where due_at is not null;
