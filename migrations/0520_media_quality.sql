-- A row may also ask for the quantiser with which one AV1 rung reaches its quality, before its segments are encoded.
alter table media_jobs drop constraint if exists media_jobs_kind_check;
alter table media_jobs add constraint media_jobs_kind_check
    check (kind in ('probe', 'prepare', 'quality', 'av1', 'package'));
