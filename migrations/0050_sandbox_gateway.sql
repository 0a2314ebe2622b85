-- The books of the sandbox gateway, which stands in for a payment service in demo and tests. They are
-- the gateway's, not Kinora's: nothing else reads them. No card number is kept, only what a test card does.
create table sandbox_methods (
    token     text primary key,
    behaviour text not null
);

create table sandbox_charges (
    key        uuid primary key,
    token      text,
    minor      bigint not null,
    currency   text not null,
    state      text not null check (state in ('succeeded', 'declined', 'action-required', 'cancelled')),
    code       text,
    hard       boolean not null default false,
    until      timestamptz,
    reference  text not null,
    created_at timestamptz not null
);
