-- What a scheduled run that is at work has done so far, in its own words: for the pages of operators. A row goes when
-- its run ends; one of a process that was killed goes when the run is done again.
create table if not exists run_progress (
    run        uuid        primary key,
    counts     jsonb       not null,
    updated_at timestamptz not null default now()
);

do $$
begin
    if exists (select from pg_roles where rolname = 'kinora_app') then
        grant select, insert, update, delete on run_progress to kinora_app;
    end if;
end $$;
