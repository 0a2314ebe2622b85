-- Views and downloads of works, each counted once for ever per account, or per visitor key for people without one.
-- The key is a hash with a salt that is thrown away after a day, so that nobody can be found by it afterwards.
-- The statistics job folds new facts into the counters, which stay when the facts go with an account or with age.
create table visits (
    media   uuid        not null,
    kind    text        not null check (kind in ('view', 'download')),
    account uuid,
    visitor bytea,
    at      timestamptz not null,
    folded  boolean     not null default false,
    check ((account is null) <> (visitor is null))
);
create unique index visits_by_account on visits (media, kind, account) where account is not null;
create unique index visits_by_visitor on visits (media, kind, visitor) where visitor is not null;
create index visits_of_account on visits (account) where account is not null;
create index visits_to_fold on visits (at) where not folded;
create table visit_counters (
    media uuid   not null,
    kind  text   not null,
    count bigint not null,
    primary key (media, kind)
);
create table visit_salts (
    salt bytea       not null,
    at   timestamptz not null
);
