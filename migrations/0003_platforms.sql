-- Chat platforms that live elsewhere: what they are sent and how fast, forms on their way, identities that are linked.

-- What is more urgent goes first; lower goes first.
alter table message add column priority bigint not null default 0;
-- The message in whose thread this one is.
alter table message add column parent text;
-- When it was first tried to be posted; its answer may have been lost.
alter table message add column tried_at bigint;
-- Why it is given up.
alter table message add column undeliverable text;
create index message_parent on message (parent) where parent is not null;

-- How fast a conversation, or with an empty place a whole platform, takes messages.
create table pace (
    platform text not null,
    place text not null,
    -- When the next message would be on time; a few may be early.
    free_at bigint not null,
    -- The learnt time between two messages, in milliseconds.
    gap bigint not null,
    primary key (platform, place)
);

-- Forms that somebody is filling in where the platform cannot hold them, as JSON; never with secrets.
create table draft (
    id text primary key,
    body text not null,
    expires_at bigint not null
);
create index draft_expires on draft (expires_at);

-- A code that was shown on one platform, to be said on another by the same person.
create table link (
    code text primary key,
    -- Who was shown it, and where.
    platform text not null,
    identity text not null,
    place text not null,
    expires_at bigint not null,
    -- Who said it, once somebody did.
    other_platform text,
    other_identity text,
    other_name text,
    done_at bigint
);

-- The page's threads: the entry whose details this one is.
alter table entry add column thread text;
create index entry_thread on entry (place, thread) where thread is not null;
