-- How far each account has watched each lesson, or each work outside of a course. A measurement, not a
-- decision: a plain table, taken away with the account.
create table watch_progress (
    account     uuid        not null,
    item        uuid        not null, -- the lesson, or the work
    course      uuid,                 -- of a lesson
    at_s        integer     not null check (at_s >= 0),
    length_s    integer     not null check (length_s > 0),
    started_at  timestamptz not null,
    finished_at timestamptz,
    seen_at     timestamptz not null,
    primary key (account, item)
);
create index watch_progress_latest on watch_progress (account, seen_at desc);
