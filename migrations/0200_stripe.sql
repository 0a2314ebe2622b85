-- What the adapter of Stripe has to remember: which of its charges belongs to which attempt, so that a
-- lost answer is looked up by its own number, and under which number it knows an account.
create table stripe_charges (
    key            uuid primary key,
    payment_intent text unique,
    barred         boolean not null default false
);

create table stripe_customers (
    account  uuid primary key,
    customer text not null unique
);
