-- Characters can be liked and saved, too.
alter table marks drop constraint marks_kind_check,
    add constraint marks_kind_check check (kind in ('film', 'course', 'post', 'media', 'character'));
