-- The way back: jobs lose what hung on them, and no link that was signed is good any more.

drop index jobs_of_a_tenant;
drop table seals;
drop table extras;
