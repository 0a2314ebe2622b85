-- A program that asked for a fetch wants to know what became of it: the row stays when its work is there, as long as
-- that of a fetch that failed. `media` is the work that the file became, or whose file it replaced.
alter table fetches add column media uuid;
alter table fetches add column received boolean not null default false;
