-- Answers of the sign-in service that came back, by the hash of the secret that began them: each counts once.
-- Gone when they would be too old anyway.
create table oidc_answers_used (
    secret_hash bytea primary key,
    expires_at  timestamptz not null
);
