-- Answers to requests that are sent again are given whole. `sealed`: the body is sealed with the key of the
-- account, because a page shows what was typed. `scope`: what a token needed for the request, so that it may look
-- its outcome up. A finished request without a status was done, and is simply done again when it is repeated.
alter table idempotency_keys add column if not exists headers jsonb;
alter table idempotency_keys add column if not exists sealed boolean not null default false;
alter table idempotency_keys add column if not exists scope text;
