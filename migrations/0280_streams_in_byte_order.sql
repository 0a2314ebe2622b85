-- Streams' names are compared byte by byte: the order of a language has no meaning for them, and asking for it
-- costs a part of every append. (The indexes are built anew; the rows stay where they are.)
alter table events alter column stream_id type text collate "C";
alter table snapshots alter column stream_id type text collate "C";
alter table command_receipts alter column stream_id type text collate "C";
alter table dead_letters alter column stream_id type text collate "C";
