-- The first shape of the ledger. The rules of money stand here as constraints, so that even a
-- mistake of our own cannot break them: a refused statement rolls its transaction back.

create table jobs (
    id          text primary key,
    state       text not null,
    brief       text not null,
    folder      text not null,
    plan        text,
    quote       text,
    why         text,
    created_at  text not null,
    ended_at    text
);

create table outcomes (
    job         text not null references jobs (id),
    task        text not null,
    kind        text not null check (kind in ('asset', 'shortfall')),
    body        text not null,
    primary key (job, task)
);

create table asks (
    job         text not null references jobs (id),
    task        text not null,
    asked_by    text not null,
    because     text not null,
    body        text not null,
    primary key (job, task)
);

create table events (
    n           {serial},
    job         text not null references jobs (id),
    at          text not null,
    body        text not null
);
create index events_of_a_job on events (job, n);

create table budgets (
    id          text primary key,
    cap         bigint not null check (cap >= 0),
    reserved    bigint not null default 0 check (reserved >= 0),
    spent       bigint not null default 0 check (spent >= 0),
    check (reserved + spent <= cap)
);

create table orders (
    id          text primary key,
    job         text not null references jobs (id),
    task        text not null,
    piece       bigint not null check (piece >= 1),
    attempt     bigint not null check (attempt >= 1),
    platform    text not null,
    model       text not null,
    state       text not null check (state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'settled',
                    'failed_free', 'failed_charged', 'in_doubt', 'needs_review', 'cancelled')),
    price       bigint not null check (price >= 0),
    cost        bigint check (cost >= 0),
    body        text not null,
    receipt     text,
    file        text,
    why         text,
    placed_at   text not null,
    sent_at     text,
    ended_at    text,
    unique (job, task, piece, attempt),
    check (state not in ('settled', 'failed_charged') or cost is not null)
);
create unique index one_open_order on orders (job, task, piece)
    where state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'in_doubt', 'needs_review');

create table holds (
    order_id    text not null references orders (id),
    budget      text not null references budgets (id),
    amount      bigint not null check (amount >= 0),
    primary key (order_id, budget)
);
