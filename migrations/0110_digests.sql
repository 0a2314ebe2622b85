-- Up to when the digest of an account has told what is new. Goes with the account's other plain rows.
create table digests (
    account uuid        primary key,
    until   timestamptz not null
);

-- A digest carries a link that stops it without signing in.
alter table account_tokens drop constraint account_tokens_purpose_check;
alter table account_tokens add constraint account_tokens_purpose_check
    check (purpose in ('confirm', 'reset', 'stop_digest'));
