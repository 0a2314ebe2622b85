-- How far the index of a search engine beside the studio is filled. One row for each index; the embedded engine needs
-- none. Not among the checkpoints of readers: nothing waits for an engine that is away.
create table search_index (
    -- Address and name of the index: another engine begins anew.
    name       text        primary key,
    -- By which form of documents, and which version of the catalogue, it was filled.
    form       text        not null default '',
    -- Up to which event works are there as the catalogue has them.
    works      bigint      not null default 0,
    -- Up to which event the text inside works is there too.
    texts      bigint      not null default 0,
    -- How often it was asked to be made anew, and how many of these are done.
    wanted     bigint      not null default 1,
    made       bigint      not null default 0,
    -- Why it does not go on; null while it does.
    error      text,
    changed_at timestamptz not null default now()
);
