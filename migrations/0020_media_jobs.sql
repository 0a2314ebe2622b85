-- Work on media and uploads that are still arriving. Both serve the media aggregate: nothing is true
-- about a work because a row stands here.

create table media_jobs (
    id          uuid        primary key,
    media       uuid        not null,
    account     uuid        not null,
    generation  integer     not null,
    kind        text        not null check (kind in ('probe', 'prepare', 'av1', 'package')),
    rung        integer     not null default 0,
    segment     integer     not null default 0,
    state       text        not null default 'queued'
                            check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    priority    integer     not null,
    attempts    integer     not null default 0,
    worker      uuid,
    lease_until timestamptz,
    not_before  timestamptz not null default now(),
    frames_done bigint      not null default 0,
    frames      bigint      not null default 0,
    bytes       bigint,
    sha256      text,
    encoder     text,
    error       text,
    created_at  timestamptz not null default now(),
    started_at  timestamptz,
    progress_at timestamptz,
    finished_at timestamptz,
    unique (media, generation, kind, rung, segment)
);
create index media_jobs_waiting on media_jobs (priority, created_at) where state in ('queued', 'running');
create index media_jobs_by_account on media_jobs (account) where state = 'running';

-- Names of files are personal values: they lie beside the arriving bytes, not here.
create table uploads (
    id         uuid        primary key,
    account    uuid        not null,
    length     bigint      not null check (length >= 0),
    created_at timestamptz not null,
    expires_at timestamptz not null
);
create index uploads_by_expiry on uploads (expires_at);

do $$
begin
    if exists (select from pg_roles where rolname = 'kinora_app') then
        grant select, insert, update, delete on media_jobs, uploads to kinora_app;
    end if;
end $$;
