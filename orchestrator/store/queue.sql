-- The queue of the workers, which lies in tables of procrastinate: these questions only PostgreSQL is asked.

-- name: there_is_a_queue
select to_regclass('procrastinate_jobs') is not null as yes

-- name: begin_turns_anew
-- Where nobody waits and nobody works, what was done before gives nobody an advantage.
delete from queue_shares where not exists (select from procrastinate_jobs where queue_name = 'jobs')

-- name: enlist_job
-- Lines a job up at its tenant's next turn, and at one of the places its tenant may have at once. The clock stands
-- at the turn that was begun last; a tenant who had fewer turns since than others begins there, not before.
with clock as (
    select coalesce(
        (select -priority from procrastinate_jobs where queue_name = 'jobs' and status = 'doing'
            order by priority limit 1),
        (select -priority from procrastinate_jobs where queue_name = 'jobs' and status = 'todo'
            order by priority desc limit 1),
        0) as at
), turn as (
    insert into queue_shares as mine (tenant, next_at, taken)
        select cast(:tenant as text), clock.at + cast(:step as bigint), 1 from clock
        on conflict (tenant) do update
            set next_at = greatest(mine.next_at, excluded.next_at - cast(:step as bigint)) + cast(:step as bigint),
                taken = mine.taken + 1
        returning next_at - cast(:step as bigint) as at, taken
)
select unnest(procrastinate_defer_jobs_v1(array[row(
        'jobs', 'run', -least(turn.at, 2147483647),
        'tenant:' || cast(:tenant as text) || ':' || turn.taken % cast(:at_once as bigint),
        jobs.id,
        jsonb_build_object('job', jobs.id, 'fence', jobs.fence, 'again', cast(:again as boolean),
            'answer', cast(:answer as boolean)),
        null
    )::procrastinate_job_to_defer_v1])) as number
    from turn join jobs on jobs.id = :id

-- name: enlisted
-- Whether a job waits in the queue or is in a worker's hands; what was cancelled or has ended does not count.
select exists (
        select from procrastinate_jobs where queueing_lock = cast(:id as text) and status = 'todo'
        union all
        select from procrastinate_jobs where queueing_lock = cast(:id as text) and status = 'doing'
    ) as yes
    from jobs where id = :id and state in ('queued', 'running', 'awaiting_approval')

-- name: requeue_job
-- What stands still is to be tried again.
update jobs set state = 'queued', why = null, ended_at = null
    where id = :id and state not in ('cancelled', 'done', 'awaiting_approval')

-- name: whose_is_job
select tenant, state from jobs where id = :id

-- name: queue_lengths
-- How many jobs wait and how many are in a worker's hands.
select cast(status as text) as status, count(*) as n from procrastinate_jobs where queue_name = 'jobs' group by 1

-- name: pass_hint_on
-- Every worker hears it as soon as this is kept; nobody keeps it for those who were away.
select pg_notify('agentes_hints', :hint)
