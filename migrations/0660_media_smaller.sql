-- The largest H.264 rung is made first and alone, so that a film can be watched sooner; the smaller ones have rows of
-- their own.
alter table media_jobs drop constraint if exists media_jobs_kind_check;
alter table media_jobs add constraint media_jobs_kind_check
    check (kind in ('probe', 'prepare', 'smaller', 'quality', 'av1', 'package'));
