-- What the web page keeps, as the servers of a chat platform would: who visits it, and what was said there.

create table visitor (
    id text primary key,
    -- SHA-256 of the browser's cookie; the cookie itself is kept nowhere.
    cookie text not null unique,
    name text not null,
    created_at bigint not null
);

create table conversation (
    place text primary key,
    -- Counted at every change of an entry. The row is locked by whoever counts, so entries appear in this order.
    seq bigint not null
);

create table entry (
    place text not null references conversation (place),
    id text not null,
    -- The count when it was added, which orders the conversation.
    born bigint not null,
    -- The count when it was last changed, which tells a reader what is new.
    seq bigint not null,
    content text not null,
    at bigint not null,
    primary key (place, id)
);
create unique index entry_seq on entry (place, seq);
create unique index entry_born on entry (place, born);
