-- The event log and what is written in the same transaction with it.
-- Runs as kinora_owner; the application works as kinora_app, which may add to the log but never change it.

create schema if not exists views;

-- The only ordering lock: a batch of appends locks this row, takes the next positions and commits,
-- so positions appear in commit order and without holes.
create table log_head (
    log_id   smallint primary key,
    position bigint not null,
    hash     bytea  not null
);
insert into log_head values (1, 0, decode(repeat('00', 32), 'hex'));

create table events (
    log_id       smallint    not null default 1,
    position     bigint      not null,
    stream_id    text        not null,
    version      bigint      not null,
    type         text        not null,
    type_version smallint    not null default 1,
    command_id   uuid        not null,
    ix           smallint    not null,
    recorded_at  timestamptz not null,
    effective_at timestamptz not null,
    payload      json        not null,
    metadata     json        not null,
    hash         bytea       not null,
    primary key (log_id, position),
    unique (log_id, stream_id, version)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'the event log is append-only' using errcode = 'insufficient_privilege';
end $$;
create trigger events_are_append_only before update or delete on events
    for each row execute function refuse_change();
create trigger events_are_not_truncated before truncate on events
    for each statement execute function refuse_change();

-- One row for each command that wrote events: a repeated command gets the recorded answer.
create table command_receipts (
    log_id      smallint    not null default 1,
    command_id  uuid        not null,
    stream_id   text        not null,
    position    bigint      not null,
    version     bigint      not null,
    recorded_at timestamptz not null,
    primary key (log_id, command_id)
);

-- Personal values, sealed with a key of the person that lies outside this database.
create table vault (
    subject    uuid  not null,
    field      text  not null,
    version    uuid  not null,
    ciphertext bytea not null,
    primary key (subject, field, version)
);

-- Unique keys taken together with an append: slugs, keyed hashes of mail addresses, billed periods.
create table claims (
    namespace text not null,
    key       text not null,
    owner     text not null,
    primary key (namespace, key)
);
create index claims_by_owner on claims (owner);

-- How far each reader of the log has come.
create table checkpoints (
    name       text        primary key,
    kind       text        not null check (kind in ('projection', 'workflow')),
    version    integer     not null default 1,
    position   bigint      not null,
    updated_at timestamptz not null default now()
);

-- Who may do a piece of work that only one process at a time should do.
create table leases (
    name        text        primary key,
    owner       uuid        not null,
    lease_until timestamptz not null
);

-- Events that a reader could not digest, with their cause, until someone deals with them.
create table dead_letters (
    name      text        not null,
    position  bigint      not null,
    stream_id text        not null,
    error     text        not null,
    attempts  integer     not null,
    parked_at timestamptz not null default now(),
    primary key (name, position)
);

-- By how much the instance's clock is ahead of the system's (demo and tests only).
create table instance_clock (
    one       boolean primary key default true check (one),
    ahead_us  bigint  not null default 0
);
insert into instance_clock default values;

do $$
begin
    if exists (select from pg_roles where rolname = 'kinora_app') then
        grant usage on schema public to kinora_app;
        grant all on schema views to kinora_app;
        grant select, insert on events, command_receipts to kinora_app;
        grant select, update on log_head to kinora_app;
        grant select, insert, update, delete on vault, claims, checkpoints, leases, dead_letters to kinora_app;
        grant select, update on instance_clock to kinora_app;
        alter default privileges in schema public grant select, insert, update, delete on tables to kinora_app;
        alter default privileges in schema public grant usage, select on sequences to kinora_app;
    end if;
end $$;
