-- What a moderator did to many accounts at once, so that it can be undone. No personal values.
create table public.sweeps (
    id         uuid primary key,
    made_by    uuid not null,
    made_at    timestamptz not null,
    undone_at  timestamptz
);
create table public.sweep_members (
    sweep   uuid not null references public.sweeps (id) on delete cascade,
    account uuid not null,
    comment uuid,
    unique nulls not distinct (sweep, account, comment)
);
create index sweep_members_by_account on public.sweep_members (account);
