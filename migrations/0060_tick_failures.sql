-- Subscriptions that the clock could not ask: the rest of the tick went on, staff see these.
create table if not exists tick_failures (
    subscription uuid primary key,
    error        text not null,
    failures     integer not null default 1,
    first_at     timestamptz not null,
    last_at      timestamptz not null
);
