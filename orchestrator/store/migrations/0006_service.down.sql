-- The way back: jobs lose what hung on them, no link that was signed is good any more, and nothing is settled.

drop index jobs_of_a_tenant;
drop table customs;
drop table seals;
drop table extras;
