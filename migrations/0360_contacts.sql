-- Mail addresses of people that others wrote down (who belongs to a team, whom a gift is for): each address is
-- sealed by a key of its own, which is destroyed with the person. `hash` is keyed, as at sign-in.
create table contacts (
    hash    text primary key,
    subject uuid not null unique
);
