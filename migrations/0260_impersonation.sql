-- Whom an admin's session sees the site as, and until when at most.
alter table public.sessions add column viewing_as uuid, add column viewing_until timestamptz;
