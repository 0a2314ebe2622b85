-- What people like and save: measurements and bookmarks, not decisions. Goes with the account.
create table marks (
    account uuid        not null,
    mark    text        not null check (mark in ('like', 'save')),
    kind    text        not null check (kind in ('film', 'course', 'post', 'media')),
    item    uuid        not null,
    at      timestamptz not null,
    primary key (account, mark, item)
);
create index marks_by_item on marks (item, mark);
