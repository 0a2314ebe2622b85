-- What is written in works and said in films, for search: pages of documents, text files, captions. Made again
-- from their files at any time; gone with the work. Found only by who may watch the work.
create table media_texts (
    media uuid     primary key,
    body  text     not null,
    words tsvector not null
);
create index media_texts_words on media_texts using gin (words);
