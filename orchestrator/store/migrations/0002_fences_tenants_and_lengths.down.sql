-- The way back: nobody knows any more whom a job was for, and how long a piece is.

drop index orders_of_a_file;

alter table orders drop column duration_ms;
alter table orders drop column medium;

alter table jobs drop column fence;
alter table jobs drop column key_id;
alter table jobs drop column tenant;
