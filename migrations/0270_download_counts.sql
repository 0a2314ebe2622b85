-- How many files of which kind somebody saved on a day: no work, no address, no time. Visitors are counted
-- together. Goes with the account, and with age.
create table download_counts (
    day     date   not null,
    account uuid,              -- null: visitors
    kind    text   not null,   -- video, image, audio, document, model, archive, other, captions
    files   bigint not null check (files > 0),
    unique nulls not distinct (day, account, kind)
);
create index download_counts_by_account on download_counts (account);
