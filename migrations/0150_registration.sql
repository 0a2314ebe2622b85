-- Invitations to register. The code is hashed; what it says about a person is nothing.
create table invitations (
    id         uuid        primary key,
    hash       bytea       not null unique,
    hint       text        not null,
    made_by    uuid,
    made_at    timestamptz not null,
    expires_at timestamptz not null,
    uses_left  integer     not null check (uses_left >= 0)
);

-- The door that a moderator shuts with one click when a wave of spammers comes. The settings decide who
-- may register while it is open.
create table registration_door (
    one       boolean     primary key default true check (one),
    shut      boolean     not null default false,
    moved_by  uuid,
    moved_at  timestamptz
);
insert into registration_door default values;
