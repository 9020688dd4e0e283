-- How far each tenant's turns reach into the queue of the workers: whoever has had much waits behind whoever had little.

create table queue_shares (
    tenant      text primary key,
    next_at     bigint not null check (next_at >= 0),
    taken       bigint not null check (taken >= 0)
);
