-- What is looked up every few seconds by whoever watches: the jobs and the money that are open, what ended lately, what today cost.

create index open_jobs on jobs (state, created_at)
    where state in ('queued', 'running', 'awaiting_approval', 'paused', 'in_doubt');
create index jobs_by_end on jobs (ended_at, state, created_at) where ended_at is not null;
create index open_money on orders (state, price)
    where state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'in_doubt', 'needs_review');
create index orders_by_day on orders (placed_at, platform, medium, state, cost);
