-- A list that is made anew is not behind: up to here it is being made, and who waits for lists does not wait for it.
alter table checkpoints add column anew_until bigint not null default 0;
