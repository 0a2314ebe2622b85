-- When the owner of a session last proved who they are; none: when it was opened.
alter table public.sessions add column proved_at timestamptz;
