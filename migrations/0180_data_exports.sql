-- Copies of everything about a person, asked for by that person; the file lies in <data>/exports.
create table data_exports (
    id          uuid        primary key,
    account     uuid        not null,
    asked_at    timestamptz not null,
    state       text        not null default 'waiting' check (state in ('waiting', 'ready', 'failed')),
    taken_until timestamptz,
    attempts    integer     not null default 0,
    ready_at    timestamptz,
    expires_at  timestamptz,
    bytes       bigint
);
create unique index data_exports_one_waiting on data_exports (account) where state = 'waiting';
create index data_exports_by_account on data_exports (account, asked_at desc);
