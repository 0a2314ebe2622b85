-- Every process keeps some opened values in memory. Whoever removes values, by whatever way, tells all of them.
create function public.tell_what_left_the_vault() returns trigger language plpgsql as $$
begin
    perform pg_notify('kinora_vault', subject::text) from (select distinct subject from gone) g;
    return null;
end $$;

create trigger vault_tells after delete on public.vault
    referencing old table as gone
    for each statement execute function public.tell_what_left_the_vault();

create function public.tell_that_the_vault_is_empty() returns trigger language plpgsql as $$
begin
    perform pg_notify('kinora_vault', '');
    return null;
end $$;

create trigger vault_tells_of_truncation after truncate on public.vault
    for each statement execute function public.tell_that_the_vault_is_empty();
