-- An entry is the same in however many statements it comes: what nobody has dealt with is kept by entry, so that a
-- later statement that holds it again asks nobody again. Lines of reports from before do not say which entry they are.
alter table bank_entries_settled add column entry uuid;
update bank_entries_settled set entry = md5(statement::text || '/' || line)::uuid;
alter table bank_entries_settled alter column entry set not null;
create index bank_entries_settled_by_entry on bank_entries_settled (entry);

create table bank_entries_open (
    entry     uuid        primary key,
    statement uuid        not null references bank_statements (id) on delete cascade,
    line      integer     not null,
    at        timestamptz not null
);
create index bank_entries_open_by_time on bank_entries_open (at desc, entry);
insert into bank_entries_open (entry, statement, line, at)
select md5(s.id::text || '/' || (l.place - 1))::uuid, s.id, l.place - 1, s.at
from bank_statements s
cross join lateral json_array_elements(s.report -> 'lines') with ordinality l (line, place)
where l.line ->> 'outcome' in ('no-reference', 'refused') and not exists
    (select from bank_entries_settled d where d.statement = s.id and d.line = l.place - 1);
