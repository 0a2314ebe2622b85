-- Readers of the log that stand before an event which this version does not know. Emptied at every start: who
-- still stands there says so again.
create table if not exists stopped_readers (
    name     text        primary key,
    position bigint      not null,
    reason   text        not null,
    since    timestamptz not null default now()
);
