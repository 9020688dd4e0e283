-- Every question the store asks, by name, in words that SQLite and PostgreSQL both understand.

-- name: add_job
insert into jobs (id, state, brief, folder, tenant, key_id, created_at)
    values (:id, :state, :brief, :folder, :tenant, :key_id, :created_at)

-- name: job
select * from jobs where id = :id

-- name: jobs_like
-- Jobs whose id begins so, for people who type only the first letters.
select * from jobs where substr(id, 1, length(cast(:beginning as text))) = :beginning order by created_at desc limit 3

-- name: latest_jobs
select * from jobs order by created_at desc, id desc limit :most

-- name: plan_job
update jobs set plan = :plan where id = :id

-- name: quote_job
update jobs set quote = :quote where id = :id

-- name: move_job
-- Cancelled is for good, and what has ended cannot be cancelled any more; a run that was overtaken is not heard.
update jobs set state = :state, why = :why, ended_at = :ended_at
    where id = :id and fence <= :fence and state <> 'cancelled'
        and (:state <> 'cancelled' or state not in ('done', 'partial', 'failed'))

-- name: take_job
-- A run takes a job in hand: whoever had it before can write nothing more about it.
update jobs set fence = fence + 1 where id = :id returning fence

-- name: fence_of_job
select fence from jobs where id = :id

-- name: jobs_in
select * from jobs where state = :state order by created_at, id

-- name: state_of_job
select state from jobs where id = :id

-- name: keep_outcome
insert into outcomes (job, task, kind, body) values (:job, :task, :kind, :body)
    on conflict (job, task) do update set kind = excluded.kind, body = excluded.body

-- name: outcomes
select task, kind, body from outcomes where job = :job order by task

-- name: forget_shortfalls
delete from outcomes where job = :job and kind = 'shortfall'

-- name: keep_ask
insert into asks (job, task, asked_by, because, body) values (:job, :task, :asked_by, :because, :body)
    on conflict (job, task) do nothing

-- name: asks
select task, asked_by, because, body from asks where job = :job order by task

-- name: note_event
insert into events (job, at, body) values (:job, :at, :body)

-- name: events
select n, at, body from events where job = :job and n > :after order by n limit :most

-- name: budget
select * from budgets where id = :id

-- name: reserve
-- The one statement that decides whether money may be set aside. A cap may be raised or lowered between
-- two purchases: what is asked for is measured against the cap of today.
update budgets set cap = :cap, reserved = reserved + :amount
    where id = :id and reserved + spent + :amount <= :cap

-- name: open_and_reserve
-- The same for a purse that may be new, and where it must be known how much was taken.
insert into budgets (id, cap, reserved)
    select cast(:id as text), cast(:cap as bigint), cast(:amount as bigint)
    where cast(:amount as bigint) <= cast(:cap as bigint)
    on conflict (id) do update set cap = excluded.cap, reserved = budgets.reserved + excluded.reserved
        where budgets.reserved + budgets.spent + excluded.reserved <= excluded.cap
    returning reserved + spent as taken

-- name: hold
insert into holds (order_id, budget, amount) values (:order_id, :budget, :amount)

-- name: holds
select budget, amount from holds where order_id = :order_id

-- name: release
-- What was charged beyond the price counts too, as far as the cap has room for it.
update budgets set reserved = reserved - :amount,
        spent = case when reserved - :amount + spent + :cost <= cap then spent + :cost
                     else cap - (reserved - :amount) end
    where id = :id

-- name: forget_holds
delete from holds where order_id = :order_id

-- name: add_order
insert into orders (id, job, task, piece, attempt, platform, model, medium, duration_ms, state, price, body, placed_at)
    values (:id, :job, :task, :piece, :attempt, :platform, :model, :medium, :duration_ms, 'reserved', :price, :body,
        :placed_at)

-- name: next_attempt
select fence, (select coalesce(max(attempt), 0) + 1 from orders where job = :job and task = :task and piece = :piece)
        as attempt
    from jobs where id = :job

-- name: orders_of_job
select * from orders where job = :job order by placed_at, task, piece, attempt

-- name: orders_of_task
select * from orders where job = :job and task = :task order by placed_at, piece, attempt

-- name: sent_between
-- The other orders that left for a model at about the same time, and may have been booked there.
select * from orders
    where platform = :platform and model = :model and id <> :id and sent_at >= :since and sent_at <= :until
        and state not in ('failed_free', 'cancelled')

-- name: twin
-- The first order of another task that was paid for the very same file.
select job, task from orders
    where file = :file and price > 0 and id <> :id and (job <> :job or task <> :task)
    order by placed_at limit 1

-- name: open_orders
-- Orders that have not come to their end, whoever has them.
select * from orders
    where state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'in_doubt', 'needs_review')
    order by placed_at, id

-- name: open_questions
-- Orders that may have been booked, and nobody knows.
select * from orders where state in ('sending', 'in_doubt', 'needs_review') order by placed_at, id

-- name: move_order
-- Moves an order only from the state its holder believes it to be in, and only for the run that has its job.
update orders set state = :state, cost = coalesce(:cost, cost), receipt = coalesce(:receipt, receipt),
        file = coalesce(:file, file), duration_ms = coalesce(:duration_ms, duration_ms), why = coalesce(:why, why), sent_at = coalesce(:sent_at, sent_at),
        ended_at = coalesce(:ended_at, ended_at)
    where id = :id and state = :was and :fence >= (select fence from jobs where jobs.id = orders.job)

-- name: bought
-- Every order, with whom it was for; all that the books say is a sum of these rows.
select orders.*, jobs.tenant as tenant from orders join jobs on jobs.id = orders.job
    order by orders.placed_at, orders.id

-- name: costs
-- Every micro-dollar, by day, job, tenant, platform and model; what a face shows is a sum of these rows.
select substr(placed_at, 1, 10) as day, job, jobs.tenant as tenant, platform, model, medium, count(*) as orders,
        cast(sum(case when orders.state = 'settled' then cost else 0 end) as bigint) as spent,
        cast(sum(case when orders.state = 'failed_charged' then cost else 0 end) as bigint) as wasted,
        cast(sum(case when orders.state in ('in_doubt', 'needs_review') then price else 0 end) as bigint) as in_doubt,
        cast(sum(case when orders.state in ('reserved', 'sending', 'submitted', 'ready', 'stored') then price else 0 end) as bigint)
            as reserved,
        cast(sum(case when orders.state in ('settled', 'failed_charged') then price else 0 end) as bigint) as estimated,
        cast(sum(case when orders.state = 'settled' then 1 else 0 end) as bigint) as made,
        cast(sum(case when orders.state in ('failed_free', 'failed_charged') then 1 else 0 end) as bigint) as failed,
        cast(sum(case when orders.state = 'settled' then coalesce(duration_ms, 0) else 0 end) as bigint) as made_ms
    from orders join jobs on jobs.id = orders.job
    group by 1, 2, 3, 4, 5, 6 order by 1 desc, 2, 3, 4, 5, 6
