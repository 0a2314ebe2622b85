-- What became of bank statements that staff sent: days, amounts and orders; nothing of the file itself.
create table bank_statements (
    id      uuid        primary key,
    sent_by uuid,
    at      timestamptz not null,
    report  json        not null
);
create index bank_statements_by_time on bank_statements (at desc);
