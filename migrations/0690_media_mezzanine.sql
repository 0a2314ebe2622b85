-- The segments of which better renditions are made have a row of their own, so that nobody waits for them.
alter table media_jobs drop constraint if exists media_jobs_kind_check;
alter table media_jobs add constraint media_jobs_kind_check
    check (kind in ('probe', 'prepare', 'mezzanine', 'smaller', 'quality', 'av1', 'package'));
