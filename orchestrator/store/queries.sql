-- Every question the store asks, by name, in words that SQLite and PostgreSQL both understand.

-- name: add_job
insert into jobs (id, state, brief, folder, created_at) values (:id, :state, :brief, :folder, :created_at)

-- name: job
select * from jobs where id = :id

-- name: jobs_like
-- Jobs whose id begins so, for people who type only the first letters.
select * from jobs where id like :beginning order by created_at desc limit 3

-- name: latest_jobs
select * from jobs order by created_at desc, id desc limit :most

-- name: plan_job
update jobs set plan = :plan where id = :id

-- name: quote_job
update jobs set quote = :quote where id = :id

-- name: move_job
-- Cancelled is for good, and what has ended cannot be cancelled any more.
update jobs set state = :state, why = :why, ended_at = :ended_at
    where id = :id and state <> 'cancelled'
        and (:state <> 'cancelled' or state not in ('done', 'partial', 'failed'))

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

-- name: open_budget
-- A cap may be raised or lowered between runs, but never below what is already owed.
insert into budgets (id, cap) values (:id, :cap)
    on conflict (id) do update set cap =
        case when excluded.cap > budgets.reserved + budgets.spent then excluded.cap
             else budgets.reserved + budgets.spent end

-- name: budget
select * from budgets where id = :id

-- name: reserve
-- The one statement that decides whether money may be set aside.
update budgets set reserved = reserved + :amount
    where id = :id and cap - reserved - spent >= :amount

-- name: hold
insert into holds (order_id, budget, amount) values (:order_id, :budget, :amount)

-- name: holds
select budget, amount from holds where order_id = :order_id

-- name: release
update budgets set reserved = reserved - :amount, spent = spent + :spent where id = :id

-- name: forget_holds
delete from holds where order_id = :order_id

-- name: add_order
insert into orders (id, job, task, piece, attempt, platform, model, state, price, body, placed_at)
    values (:id, :job, :task, :piece, :attempt, :platform, :model, 'reserved', :price, :body, :placed_at)

-- name: attempts
select max(attempt) as attempts from orders where job = :job and task = :task and piece = :piece
    having max(attempt) is not null

-- name: orders_of_job
select * from orders where job = :job order by placed_at, task, piece, attempt

-- name: orders_of_task
select * from orders where job = :job and task = :task order by placed_at, piece, attempt

-- name: open_questions
-- Orders that may have been booked, and nobody knows.
select * from orders where state in ('sending', 'in_doubt', 'needs_review') order by placed_at, id

-- name: move_order
-- Moves an order only from the state its holder believes it to be in.
update orders set state = :state, cost = coalesce(:cost, cost), receipt = coalesce(:receipt, receipt),
        file = coalesce(:file, file), why = coalesce(:why, why), sent_at = coalesce(:sent_at, sent_at),
        ended_at = coalesce(:ended_at, ended_at)
    where id = :id and state = :was

-- name: costs
-- Every micro-dollar, by day, job and platform; what a face shows is a sum of these rows.
select substr(placed_at, 1, 10) as day, job, platform, count(*) as orders,
        sum(case when state = 'settled' then cost else 0 end) as spent,
        sum(case when state = 'failed_charged' then cost else 0 end) as wasted,
        sum(case when state in ('in_doubt', 'needs_review') then price else 0 end) as in_doubt,
        sum(case when state in ('reserved', 'sending', 'submitted', 'ready', 'stored') then price else 0 end) as reserved
    from orders group by 1, 2, 3 order by 1 desc, 2, 3
