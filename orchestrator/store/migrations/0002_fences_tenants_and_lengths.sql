-- Whom a job is for, which run has it in hand, and what kind of piece an order bought.

alter table jobs add column tenant text not null default 'local';
alter table jobs add column key_id text;
alter table jobs add column fence bigint not null default 0;

alter table orders add column medium text not null default '';
alter table orders add column duration_ms bigint;

create index orders_of_a_file on orders (file) where file is not null;
