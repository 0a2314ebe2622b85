-- How often a verification found the log good or bad, whichever process made it: metrics read it back.
alter table log_verification add column if not exists good bigint not null default 0;
alter table log_verification add column if not exists bad bigint not null default 0;
