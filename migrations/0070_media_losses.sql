-- A worker that dies says nothing about the file it worked on: such losses are counted apart from the
-- tries that failed.
alter table media_jobs add column if not exists losses integer not null default 0;
