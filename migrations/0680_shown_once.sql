-- Secrets that were just made and are shown once, on the page behind the form: sealed with the key of the person who
-- made them, gone when they were shown or after some minutes.
create table shown_once (
    id      uuid        primary key,
    account uuid        not null,
    sealed  bytea       not null,
    until   timestamptz not null
);

-- What a person calls a token, sealed with the person's key; older tokens have no name.
alter table access_tokens add column if not exists name bytea;
