-- How often a passkey was used, by its own count: one that falls back is a copy. Goes with the account.
create table passkey_uses (
    passkey uuid        primary key,
    account uuid        not null,
    counter bigint      not null,
    used_at timestamptz not null
);
create index passkey_uses_by_account on passkey_uses (account);
-- Challenges for passkeys that were answered, by their hash: each counts once. Gone when they would be too old anyway.
create table passkey_challenges_used (
    hash       bytea       primary key,
    expires_at timestamptz not null
);
