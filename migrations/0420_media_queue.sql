-- What operators wish of the encoder's queue, who wished it, and what the last failure of a piece said.
-- Serves the queue only: what is true about a work stands in its events.

-- Technical words of the last failed try, without paths and names.
alter table media_jobs add column if not exists detail text;

-- One row for each work with a wish of its own; the nil id stands for the whole queue.
create table media_queue_wishes (
    media   uuid     primary key,
    paused  boolean  not null default false,
    urgency smallint not null default 0 check (urgency between -1 and 1)
);

-- Who did what, the newest acts are shown. Accounts only by id; null: the command line.
create table media_queue_acts (
    id    uuid        primary key,
    at    timestamptz not null,
    by    uuid,
    act   text        not null,
    media uuid
);
create index media_queue_acts_by_time on media_queue_acts (at desc);

do $$
begin
    if exists (select from pg_roles where rolname = 'kinora_app') then
        grant select, insert, update, delete on media_queue_wishes, media_queue_acts to kinora_app;
    end if;
end $$;
