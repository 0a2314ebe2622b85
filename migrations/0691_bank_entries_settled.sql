-- Entries of bank statements that were booked on no order, and with which somebody has dealt otherwise.
create table bank_entries_settled (
    statement uuid        not null references bank_statements (id) on delete cascade,
    line      integer     not null,
    settled_by uuid       not null,
    at        timestamptz not null,
    primary key (statement, line)
);
