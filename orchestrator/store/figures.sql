-- What whoever watches the service asks, every few seconds at most: each answer comes out of an index of its own.

-- name: open_jobs_by_state
select state, count(*) as n, min(created_at) as oldest from jobs
    where state in ('queued', 'running', 'awaiting_approval', 'paused', 'in_doubt') group by state

-- name: jobs_ended_lately
-- The last ones first, so that a limit leaves out the oldest.
select state, created_at, ended_at from jobs where ended_at is not null and ended_at >= :since
    order by ended_at desc limit :most

-- name: open_money
select state, count(*) as n, cast(sum(price) as bigint) as price from orders
    where state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'in_doubt', 'needs_review')
    group by state

-- name: bought_since
select platform, medium, state, count(*) as n, cast(sum(coalesce(cost, 0)) as bigint) as cost from orders
    where placed_at >= :since group by platform, medium, state

-- name: letters_waiting
select count(*) as n, min(due_at) as oldest from webhook_deliveries where state = 'due'

-- name: workers_alive
-- Only PostgreSQL is asked, and only where there is a queue.
select count(*) as n from procrastinate_workers where last_heartbeat > now() - interval '30 seconds'

-- name: clock
-- Only PostgreSQL is asked: what time it is there.
select cast(extract(epoch from clock_timestamp()) as double precision) as at
