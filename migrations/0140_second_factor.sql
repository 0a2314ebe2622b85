-- What belongs to the second factor and is no decision. The secret itself lies sealed in the vault.

-- The last time step whose code was used: no code counts twice.
create table second_factor_steps (
    account uuid   primary key,
    step    bigint not null
);

-- Recovery codes, hashed; a used one is removed.
create table recovery_codes (
    account uuid  not null,
    hash    text  not null,
    primary key (account, hash)
);

-- Between the right password and the code.
alter table account_tokens drop constraint account_tokens_purpose_check;
alter table account_tokens add constraint account_tokens_purpose_check
    check (purpose in ('confirm', 'reset', 'stop_digest', 'second_step'));
