-- What belongs to accounts and is no decision: sessions, links in mails, failed sign-ins, mail on its way.
-- No personal value stands in any of these in clear.

-- A signed-in browser. The cookie holds a random id; only its hash is here. `device` is the version of
-- the vault's field `session_device` of the account.
create table sessions (
    id_hash    bytea       primary key,
    account    uuid        not null,
    key_mark   bytea       not null,
    device     uuid,
    created_at timestamptz not null,
    seen_at    timestamptz not null,
    expires_at timestamptz not null
);
create index sessions_by_account on sessions (account);
create index sessions_by_expiry on sessions (expires_at);

-- Secrets of links in mails, hashed. `target` is what the link is about: the version of the mail
-- address to confirm, or the id of the reset request.
create table account_tokens (
    hash       bytea       primary key,
    purpose    text        not null check (purpose in ('confirm', 'reset')),
    account    uuid        not null,
    target     uuid        not null,
    expires_at timestamptz not null
);
create index account_tokens_by_account on account_tokens (account);

-- Failed sign-ins and other attempts that are limited; the bucket is a keyed hash.
create table attempts (
    bucket text        not null,
    at     timestamptz not null
);
create index attempts_by_bucket on attempts (bucket, at);

-- Mail on its way. What it says is made when it is sent, from kind and vault.
create table outgoing_mail (
    id          uuid        primary key,
    account     uuid        not null,
    recipient   json,
    mail        json        not null,
    created_at  timestamptz not null,
    next_try    timestamptz not null,
    taken_until timestamptz,
    attempts    integer     not null default 0,
    state       text        not null default 'waiting' check (state in ('waiting', 'sent', 'failed', 'dropped')),
    error       text,
    sent_at     timestamptz
);
create index outgoing_mail_waiting on outgoing_mail (next_try) where state = 'waiting';
create index outgoing_mail_by_account on outgoing_mail (account);
