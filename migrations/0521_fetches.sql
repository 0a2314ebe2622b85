-- Files that are being fetched from addresses that staff named, and those that could not be. The address itself is a
-- personal value and is kept nowhere. A row goes when its work is there.
create table fetches (
    id         uuid        primary key,
    account    uuid        not null,
    started_at timestamptz not null,
    seen_at    timestamptz not null,
    bytes      bigint      not null default 0,
    length     bigint,
    failed     text
);
create index fetches_by_account on fetches (account);

do $$
begin
    if exists (select from pg_roles where rolname = 'kinora_app') then
        grant select, insert, update, delete on fetches to kinora_app;
    end if;
end $$;
