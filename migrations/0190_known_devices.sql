-- Browsers in which somebody signed in before, by the hash of a random cookie: a sign-in from another one is
-- told to the owner.
create table known_devices (
    account     uuid        not null,
    device_hash bytea       not null,
    first_at    timestamptz not null,
    seen_at     timestamptz not null,
    primary key (account, device_hash)
);
create index known_devices_by_seen on known_devices (seen_at);
