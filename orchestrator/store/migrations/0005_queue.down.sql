-- The way back: who had how many turns is forgotten; the queue itself belongs to procrastinate and stays.

drop table queue_shares;
