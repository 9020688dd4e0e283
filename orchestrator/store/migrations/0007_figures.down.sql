-- The way back: whoever watches reads the whole tables again.

drop index orders_by_day;
drop index open_money;
drop index jobs_by_end;
drop index open_jobs;
