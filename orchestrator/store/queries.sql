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

-- name: job_of_tenant
select * from jobs where id = :id and tenant = :tenant

-- name: tenant_of_job
select tenant from jobs where id = :id

-- name: jobs_of_tenant
select count(*) as n from jobs where tenant = :tenant

-- name: page_of_jobs_newest
select id, state, brief, folder, null as plan, null as quote, why, created_at, ended_at, tenant, key_id
    from jobs where tenant = :tenant order by created_at desc, id desc limit :most offset :skip

-- name: page_of_jobs_oldest
select id, state, brief, folder, null as plan, null as quote, why, created_at, ended_at, tenant, key_id
    from jobs where tenant = :tenant order by created_at, id limit :most offset :skip

-- name: page_of_jobs_by_state
-- In the order of the names that the outside knows: cancelled, completed, failed, pending, processing.
select id, state, brief, folder, null as plan, null as quote, why, created_at, ended_at, tenant, key_id
    from jobs where tenant = :tenant
    order by case when state = 'cancelled' then 1 when state in ('done', 'partial') then 2
        when state in ('failed', 'in_doubt') then 3 when state = 'running' then 5 else 4 end,
        created_at desc, id desc limit :most offset :skip

-- name: page_of_jobs_by_state_backwards
select id, state, brief, folder, null as plan, null as quote, why, created_at, ended_at, tenant, key_id
    from jobs where tenant = :tenant
    order by case when state = 'cancelled' then 1 when state in ('done', 'partial') then 2
        when state in ('failed', 'in_doubt') then 3 when state = 'running' then 5 else 4 end desc,
        created_at desc, id desc limit :most offset :skip

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

-- name: cancelled_among
-- Which of up to 64 jobs were cancelled: one look for all that a process runs.
select id from jobs where state = 'cancelled' and id in (
    :id0, :id1, :id2, :id3, :id4, :id5, :id6, :id7, :id8, :id9, :id10, :id11, :id12, :id13, :id14, :id15,
    :id16, :id17, :id18, :id19, :id20, :id21, :id22, :id23, :id24, :id25, :id26, :id27, :id28, :id29, :id30, :id31,
    :id32, :id33, :id34, :id35, :id36, :id37, :id38, :id39, :id40, :id41, :id42, :id43, :id44, :id45, :id46, :id47,
    :id48, :id49, :id50, :id51, :id52, :id53, :id54, :id55, :id56, :id57, :id58, :id59, :id60, :id61, :id62, :id63
)

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

-- name: order_of_name
select * from orders where id = :id

-- name: orders_of_job
select * from orders where job = :job order by placed_at, task, piece, attempt

-- name: orders_of_task
select * from orders where job = :job and task = :task order by placed_at, piece, attempt

-- name: sent_since
-- The other orders that left for a model since then, and may have been booked there, whatever came of it. There is no
-- end to it: a list shows what is newer, too, and between two sendings a clock may have been put forward.
select * from orders
    where platform = :platform and model = :model and id <> :id and sent_at >= :since
        and (state not in ('failed_free', 'cancelled') or receipt is not null)

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

-- name: reliability
-- How often each model made what it was asked for, from a day on.
select platform, model,
        cast(sum(case when state = 'settled' then 1 else 0 end) as bigint) as made,
        cast(sum(case when state in ('failed_free', 'failed_charged') then 1 else 0 end) as bigint) as failed
    from orders where placed_at >= :since group by platform, model

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

-- name: add_extras
insert into extras (job, batch, preset, metadata) values (:job, :batch, :preset, :metadata)

-- name: extras
select * from extras where job = :job

-- name: keep_extras
insert into extras (job, metadata) values (:job, :metadata)
    on conflict (job) do update set metadata = excluded.metadata

-- name: callback_of_job
select url from webhook_callbacks where job = :job

-- name: call_nobody_back
delete from webhook_callbacks where job = :job

-- name: jobs_of_batch
select jobs.id, jobs.state from jobs join extras on extras.job = jobs.id
    where jobs.tenant = :tenant and extras.batch = :batch order by jobs.created_at, jobs.id

-- name: seal
select secret from seals where what = :what

-- name: add_seal
insert into seals (what, secret, made_at) values (:what, :secret, :made_at) on conflict (what) do nothing

-- name: usage_of_jobs
select state, count(*) as n from jobs where tenant = :tenant and created_at >= :since group by state order by state

-- name: spent_on_job
select cast(coalesce(sum(case when state in ('settled', 'failed_charged') then cost else 0 end), 0) as bigint) as spent
    from orders where job = :job

-- name: lately_ended
select created_at, ended_at from jobs where tenant = :tenant and state = 'done' order by ended_at desc limit 20

-- name: jobs_to_erase
-- Of a tenant, what was taken before a moment, has ended with every order settled, and still has its content.
select jobs.id, jobs.folder from jobs left join extras on extras.job = jobs.id
    where jobs.tenant = :tenant and jobs.created_at < :before and extras.erased_at is null
        and jobs.state in ('done', 'partial', 'failed', 'cancelled')
        and not exists (select 1 from orders where orders.job = jobs.id
            and orders.state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'in_doubt', 'needs_review'))
    order by jobs.created_at, jobs.id limit :most

-- name: jobs_to_leave
-- Of a tenant, what was taken before a moment and cannot be erased yet.
select jobs.id from jobs
    where jobs.tenant = :tenant and jobs.created_at < :before
        and (jobs.state not in ('done', 'partial', 'failed', 'cancelled')
            or exists (select 1 from orders where orders.job = jobs.id
                and orders.state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'in_doubt', 'needs_review')))
    order by jobs.created_at, jobs.id limit 100

-- name: erase_job
update jobs set brief = :brief, plan = null, quote = null, why = null where id = :id

-- name: erase_orders
update orders set body = :body, receipt = null, file = null, why = null where id = :id

-- name: erase_outcomes
delete from outcomes where job = :job

-- name: erase_asks
delete from asks where job = :job

-- name: erase_events
delete from events where job = :job

-- name: erase_extras
insert into extras (job, erased_at) values (:job, :erased_at)
    on conflict (job) do update set metadata = null, erased_at = excluded.erased_at

-- name: files_in_use
select body from outcomes where kind = 'asset'

-- name: add_tenant
insert into tenants (name, tier, created_at) values (:name, :tier, :created_at)

-- name: tenant
select * from tenants where name = :name

-- name: change_tenant
update tenants set tier = :tier, usd_a_day = :usd_a_day where name = :name

-- name: own_limits
-- What a tenant and a key may spend in a day, beside what is set for everybody.
select tenants.usd_a_day, api_keys.usd_a_day as key_usd_a_day, api_keys.purse
    from tenants left join api_keys on api_keys.id = :key where tenants.name = :tenant

-- name: add_key
insert into api_keys (id, tenant, owner, name, digest, hint, scopes, usd_a_day, purse, created_at, expires_at)
    values (:id, :tenant, :owner, :name, :digest, :hint, :scopes, :usd_a_day, :purse, :created_at, :expires_at)

-- name: key_by_digest
select api_keys.*, tenants.tier from api_keys join tenants on tenants.name = api_keys.owner
    where api_keys.digest = :digest

-- name: key_of_tenant
-- A key, if it is this tenant's; for the operator of the service, whosever it is.
select api_keys.*, tenants.tier from api_keys join tenants on tenants.name = api_keys.owner
    where api_keys.id = :id and (api_keys.tenant = :tenant or cast(:tenant as text) is null)

-- name: keys_of_tenant
select api_keys.*, tenants.tier from api_keys join tenants on tenants.name = api_keys.owner
    where api_keys.tenant = :tenant or cast(:tenant as text) is null
    order by api_keys.created_at desc, api_keys.id

-- name: end_key
-- Ends a key at a moment; one that ends sooner is left as it is.
update api_keys set revoked_at = :at where id = :id and (revoked_at is null or revoked_at > :at)

-- name: key_was_used
update api_keys set last_used_at = :at where id = :id and (last_used_at is null or last_used_at < :at)

-- name: count_requests
insert into key_days (key_id, tenant, day, requests) values (:key_id, :tenant, :day, :requests)
    on conflict (key_id, day) do update set requests = key_days.requests + excluded.requests

-- name: note_deed
insert into key_trail (at, tenant, key_id, what, subject, note)
    values (:at, :tenant, :key_id, :what, :subject, :note)

-- name: trail
select at, tenant, key_id, what, subject, note from key_trail
    where tenant = :tenant or cast(:tenant as text) is null
    order by n desc limit :most offset :skip

-- name: length_of_trail
select count(*) as n from key_trail where tenant = :tenant or cast(:tenant as text) is null

-- name: requests_by_key
select day, key_id, requests from key_days where tenant = :tenant and day >= :since and day <= :until

-- name: jobs_by_key
select substr(created_at, 1, 10) as day, key_id, count(*) as jobs from jobs
    where tenant = :tenant and created_at >= :since and substr(created_at, 1, 10) <= :until group by 1, 2

-- name: spent_by_key
-- What was charged, and what is still set aside, on the day each order was placed.
select substr(orders.placed_at, 1, 10) as day, jobs.key_id as key_id,
        cast(sum(case when orders.state in ('settled', 'failed_charged') then cost else 0 end) as bigint) as spent,
        cast(sum(case when orders.state in ('reserved', 'sending', 'submitted', 'ready', 'stored', 'in_doubt', 'needs_review')
            then price else 0 end) as bigint) as reserved
    from orders join jobs on jobs.id = orders.job
    where jobs.tenant = :tenant and orders.placed_at >= :since and substr(orders.placed_at, 1, 10) <= :until
    group by 1, 2

-- name: under_way
-- How many jobs of a tenant wait or run, counted as far as it matters.
select count(*) as n
    from (select 1 from jobs where tenant = :tenant and state in ('queued', 'running') limit :most) as counted

-- name: draw
-- The one statement that decides whether so many requests may pass now. A token is 60000 units, of which `rate`
-- come back each millisecond, up to `full`; and in the minute that begins with the first request no more than
-- `rate` pass. What lies a minute or more ahead was written by a clock that was wrong: it locks nobody out.
insert into rates (tenant, at_ms, tokens, window_ends_ms, used)
    values (:tenant, cast(:now as bigint), cast(:full as bigint) - cast(:units as bigint),
        cast(:now as bigint) + 60000, cast(:cost as bigint))
    on conflict (tenant) do update set
        at_ms = case when rates.at_ms between :now and :now + 60000 then rates.at_ms else :now end,
        tokens = case when :now > rates.at_ms and rates.tokens + (:now - rates.at_ms) * :rate < :full
                    then rates.tokens + (:now - rates.at_ms) * :rate
                    when rates.at_ms between :now and :now + 60000 and rates.tokens < :full then rates.tokens
                    else :full end - :units,
        window_ends_ms = case when rates.window_ends_ms between :now + 1 and :now + 120000
                    then rates.window_ends_ms else :now + 60000 end,
        used = case when rates.window_ends_ms between :now + 1 and :now + 120000
                    then rates.used + :cost else :cost end
    where case when :now > rates.at_ms and rates.tokens + (:now - rates.at_ms) * :rate < :full
                    then rates.tokens + (:now - rates.at_ms) * :rate
                    when rates.at_ms between :now and :now + 60000 and rates.tokens < :full then rates.tokens
                    else :full end >= :units
        and (rates.window_ends_ms not between :now + 1 and :now + 120000 or rates.used + :cost <= :rate)
    returning at_ms, tokens, window_ends_ms, used

-- name: rate
select at_ms, tokens, window_ends_ms, used from rates where tenant = :tenant

-- name: promise
select digest, status, answer from idempotency where tenant = :tenant and key = :key

-- name: add_promise
-- Whoever says it first has it; what has run out, or was given up, is anybody's again.
insert into idempotency (tenant, key, digest, status, answer, begun_at, expires_at)
    values (:tenant, :key, :digest, :status, :answer, :at, :expires_at)
    on conflict (tenant, key) do update set digest = excluded.digest, status = excluded.status,
            answer = excluded.answer, begun_at = excluded.begun_at, expires_at = excluded.expires_at
        where idempotency.expires_at <= excluded.begun_at
            or (idempotency.status is null and idempotency.begun_at <= :given_up
                and idempotency.digest = excluded.digest)

-- name: keep_promise
update idempotency set status = :status, answer = :answer where tenant = :tenant and key = :key

-- name: drop_promise
delete from idempotency where tenant = :tenant and key = :key and status is null

-- name: forget_promises
delete from idempotency where expires_at <= :at

-- name: add_endpoint
insert into webhook_endpoints (id, tenant, url, events, active, secret, created_at)
    values (:id, :tenant, :url, :events, :active, :secret, :created_at)

-- name: endpoints
-- Whom a tenant wants told, newest first; the one that calls back has no address of its own.
select * from webhook_endpoints where tenant = :tenant and url is not null order by created_at desc, id desc

-- name: endpoint
select * from webhook_endpoints where id = :id and tenant = :tenant and url is not null

-- name: receiver
-- The same, or the one that calls back.
select * from webhook_endpoints where id = :id and tenant = :tenant

-- name: caller_back
select * from webhook_endpoints where tenant = :tenant and url is null

-- name: change_endpoint
update webhook_endpoints set url = :url, events = :events, active = :active, why_off = :why_off,
        failing_since = :failing_since, secret = :secret, older_secret = :older_secret, older_until = :older_until
    where id = :id and tenant = :tenant

-- name: pause_deliveries
update webhook_deliveries set state = 'paused' where endpoint = :endpoint and state = 'due'

-- name: unpause_deliveries
update webhook_deliveries set state = 'due' where endpoint = :endpoint and state = 'paused'

-- name: drop_attempts_of_endpoint
delete from webhook_attempts where delivery in (select id from webhook_deliveries where endpoint = :endpoint)

-- name: drop_deliveries_of_endpoint
delete from webhook_deliveries where endpoint = :endpoint

-- name: drop_endpoint
delete from webhook_endpoints where id = :id and tenant = :tenant

-- name: call_back
insert into webhook_callbacks (job, url) values (:job, :url) on conflict (job) do update set url = excluded.url

-- name: listeners
-- Who is to be told of a job: whoever its tenant registered, and whoever is to be called back.
select jobs.tenant, jobs.state, e.id, e.url, e.events, c.url as callback,
        (select count(*) from webhook_messages as m where m.job = :job and m.slot like 'end %') as endings
    from jobs join webhook_endpoints as e on e.tenant = jobs.tenant and e.active = 1
        left join webhook_callbacks as c on c.job = jobs.id
    where jobs.id = :job

-- name: progress_of_job
select plan, task from jobs left join outcomes on outcomes.job = jobs.id where jobs.id = :job

-- name: add_message
-- What may be said once about a job is said once, however often it is tried.
insert into webhook_messages (id, tenant, job, slot, event, body, whole, at)
    values (:id, :tenant, :job, :slot, :event, :body, :whole, :at) on conflict (job, slot) do nothing

-- name: complete_message
update webhook_messages set body = :body, whole = 1 where id = :id and whole = 0

-- name: add_delivery
insert into webhook_deliveries (id, message, endpoint, url, lane, state, due_at, created_at)
    values (:id, :message, :endpoint, :url, :lane, 'due', :at, :at)

-- name: open_lane
-- Something has come into a lane; if others wait in it, their time stands where it is the earlier one.
insert into webhook_lanes (lane, tenant, due_at) values (:lane, :tenant, :due_at)
    on conflict (lane) do update set due_at = case when webhook_lanes.due_at < excluded.due_at
        then webhook_lanes.due_at else excluded.due_at end

-- name: next_lane
select min(due_at) as due_at from webhook_lanes
    where due_at is not null and (claimed_until is null or claimed_until <= :now)

-- name: claim_lanes
-- The lanes whose turn it is, to one process alone; no tenant has more than so many at once.
update webhook_lanes set claimed_by = :me, claimed_until = :until
    where lane in (
        select lane from (
            select lane, claimed_until, turn_at, row_number() over (
                    partition by tenant order by case when claimed_until > :now then 0 else 1 end, turn_at, lane
                ) as nth
            from webhook_lanes
            where due_at <= :now and case when failing > 0 then 1 else 0 end = :failing
        ) as ranked
        where nth <= :each and (claimed_until is null or claimed_until <= :now)
        order by turn_at, lane limit :most
    )
    returning lane, failing

-- name: letters
-- What is due in a lane, with all that is needed to write it.
select d.id, d.message, d.tries, coalesce(d.url, e.url) as url, d.endpoint, e.secret, e.older_secret, e.older_until,
        m.event, m.job, m.body, m.whole, m.at
    from webhook_deliveries as d
        join webhook_endpoints as e on e.id = d.endpoint
        join webhook_messages as m on m.id = d.message
    where d.lane = :lane and d.state = 'due' and d.due_at <= :now
    order by d.due_at, d.n limit :most

-- name: lane_held
select lane from webhook_lanes where lane = :lane and claimed_by = :me

-- name: move_delivery
-- What was paused in the meantime stays so, unless it has just arrived.
update webhook_deliveries set state = case when state = 'paused' and :state = 'due' then 'paused' else :state end,
        tries = tries + 1, attempts = attempts + 1, due_at = coalesce(:due_at, due_at), ended_at = :ended_at
    where id = :id returning attempts

-- name: add_attempt
insert into webhook_attempts (delivery, n, at, status, error, took_ms)
    values (:delivery, :n, :at, :status, :error, :took_ms)

-- name: endpoint_answered
update webhook_endpoints set failing_since = null where id = :id and failing_since is not null

-- name: endpoint_failed
update webhook_endpoints set failing_since = coalesce(failing_since, :at) where id = :id returning failing_since

-- name: switch_endpoint_off
update webhook_endpoints set active = 0, why_off = :why where id = :id and url is not null and active = 1

-- name: lane_answered
update webhook_lanes set failing = 0 where lane = :lane and failing > 0

-- name: lane_failed
update webhook_lanes set failing = failing + 1 where lane = :lane

-- name: leave_lane
update webhook_lanes set claimed_by = null, claimed_until = null, turn_at = :now,
        due_at = (select min(due_at) from webhook_deliveries as d where d.lane = :lane and d.state = 'due')
    where lane = :lane and claimed_by = :me

-- name: deliveries
select d.*, m.event, m.job from webhook_deliveries as d join webhook_messages as m on m.id = d.message
    where d.endpoint = :endpoint order by d.n desc limit :most offset :skip

-- name: count_deliveries
select count(*) as n from webhook_deliveries where endpoint = :endpoint

-- name: delivery
select d.*, m.event, m.job from webhook_deliveries as d join webhook_messages as m on m.id = d.message
    where d.id = :id and d.endpoint = :endpoint

-- name: attempts
select * from webhook_attempts where delivery = :delivery order by n

-- name: replay_delivery
update webhook_deliveries set state = 'due', tries = 0, due_at = :now, ended_at = null
    where id = :id and endpoint = :endpoint

-- name: old_attempts
delete from webhook_attempts where delivery in (select id from webhook_deliveries where ended_at < :before)

-- name: old_deliveries
delete from webhook_deliveries where ended_at < :before

-- name: old_messages
-- A job that may still go on needs to know what was said about it.
delete from webhook_messages
    where at < :before and not exists (select 1 from webhook_deliveries as d where d.message = webhook_messages.id)
        and not exists (select 1 from jobs where jobs.id = webhook_messages.job and jobs.ended_at is null)

-- name: idle_lanes
delete from webhook_lanes where due_at is null and turn_at < :before

-- name: drop_messages_of_tenant
delete from webhook_messages where tenant = :tenant

-- name: drop_callbacks_of_tenant
delete from webhook_callbacks where job in (select id from jobs where tenant = :tenant)

-- name: drop_lanes_of_tenant
delete from webhook_lanes where tenant = :tenant

-- name: customs
select * from customs where tenant = :tenant

-- name: keep_customs
insert into customs (tenant, prefer, avoid, budget, keep_days, brand)
    values (:tenant, :prefer, :avoid, :budget, :keep_days, :brand)
    on conflict (tenant) do update set prefer = excluded.prefer, avoid = excluded.avoid, budget = excluded.budget,
        keep_days = excluded.keep_days, brand = excluded.brand

-- name: keepers
-- Who wants the content of old jobs erased, and after how many days.
select tenant, keep_days from customs where keep_days is not null order by tenant
