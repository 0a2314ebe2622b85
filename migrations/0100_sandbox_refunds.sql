-- What the sandbox gateway gave back: a part of its own books, as its charges.
create table sandbox_refunds (
    key        uuid primary key,
    charge     uuid not null references sandbox_charges,
    minor      bigint not null check (minor > 0),
    currency   text not null,
    state      text not null check (state in ('succeeded', 'refused')),
    code       text,
    reference  text not null,
    created_at timestamptz not null
);
create index sandbox_refunds_by_charge on sandbox_refunds (charge);

-- Webhooks that were taken in: one that is sent again is not acted upon again. Ids of the gateway, nothing personal.
create table webhooks_seen (
    gateway     text not null,
    id          text not null,
    received_at timestamptz not null default now(),
    primary key (gateway, id)
);
create index webhooks_seen_by_time on webhooks_seen (received_at);
