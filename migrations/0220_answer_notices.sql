-- Who does not want to be told by mail that somebody answered their comment. Goes with the account.
create table answer_notices_off (
    account uuid primary key
);
