-- Proofs of work that were used: each opens the door once. Gone when they would have expired anyway.
create table challenges_used (
    signature  text primary key,
    expires_at timestamptz not null
);
