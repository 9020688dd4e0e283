-- What a customer hangs on a job, what the service signs its links with, and what each tenant has settled for all.

create table extras (
    job           text primary key references jobs (id),
    batch         text,
    preset        text,
    metadata      text,
    erased_at     text
);
create index extras_of_a_batch on extras (batch) where batch is not null;
create index jobs_of_a_tenant on jobs (tenant, created_at);

create table seals (
    what        text primary key,
    secret      text not null,
    made_at     text not null
);

create table customs (
    tenant      text primary key,
    prefer      text not null,
    avoid       text not null,
    budget      bigint check (budget >= 0),
    keep_days   bigint check (keep_days > 0)
);
