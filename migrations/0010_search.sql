-- Search that forgives typing errors: trigrams, an extension that comes with PostgreSQL.
create extension if not exists pg_trgm with schema public;
