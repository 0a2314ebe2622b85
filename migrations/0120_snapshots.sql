-- The state of aggregates with long streams, so that they load without folding every event. Only a
-- convenience: a snapshot counts for the build that wrote it and for the very event it was taken at.
create table snapshots (
    log_id    smallint    not null default 1,
    stream_id text        not null,
    version   bigint      not null,
    hash      bytea       not null,
    domain    text        not null,
    state     json        not null,
    taken_at  timestamptz not null default now(),
    primary key (log_id, stream_id)
);
