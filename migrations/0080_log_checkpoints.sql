-- Signed checkpoints of the log, and what the last verification found. The application may add
-- checkpoints but not change them; the same notes stand in a file outside the database.
create table if not exists log_checkpoints (
    log_id    smallint    not null default 1,
    position  bigint      not null,
    note      text        not null,
    signed_at timestamptz not null,
    primary key (log_id, position)
);
drop trigger if exists log_checkpoints_are_append_only on log_checkpoints;
create trigger log_checkpoints_are_append_only before update or delete on log_checkpoints
    for each row execute function refuse_change();
drop trigger if exists log_checkpoints_are_not_truncated on log_checkpoints;
create trigger log_checkpoints_are_not_truncated before truncate on log_checkpoints
    for each statement execute function refuse_change();

create table if not exists log_verification (
    one         boolean     primary key default true check (one),
    position    bigint      not null,
    verified_at timestamptz not null,
    whole_at    timestamptz,
    ok          boolean     not null,
    reason      text
);

do $$
begin
    if exists (select from pg_roles where rolname = 'kinora_app') then
        revoke update, delete on log_checkpoints from kinora_app;
    end if;
end $$;
