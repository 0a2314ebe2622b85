-- Programs: tokens that people make for them, and answers that are given again.

-- A personal token. Only its hash is here; it has no name of the person's own words.
create table if not exists access_tokens (
    id         uuid        primary key,
    account    uuid        not null,
    hash       bytea       not null unique,
    hint       text        not null,
    scopes     text[]      not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    used_at    timestamptz
);
create index if not exists access_tokens_by_account on access_tokens (account);

-- What was answered to a request with an Idempotency-Key. `who` is the account, or a keyed hash of a
-- visitor's address; `digest` is over method, path and body.
create table if not exists idempotency_keys (
    who          text        not null,
    key          text        not null,
    account      uuid,
    request      text        not null,
    digest       bytea       not null,
    created_at   timestamptz not null,
    finished_at  timestamptz,
    status       smallint,
    location     text,
    content_type text,
    body         bytea,
    primary key (who, key)
);
create index if not exists idempotency_keys_by_time on idempotency_keys (created_at);
