-- What a customer hangs on a job, and what the service signs its links with.

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
