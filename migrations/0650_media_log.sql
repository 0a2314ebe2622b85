-- The end of what the helper programs of a piece of work said, for operators: while it runs, and after it failed.
-- At most a few KiB, without paths; gone when the piece is done.
alter table media_jobs add column if not exists log text;
