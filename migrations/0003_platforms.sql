-- Chat platforms that live elsewhere: what they are sent and how fast, forms on their way, identities that are linked.

-- What is more urgent goes first; lower goes first.
alter table message add column priority bigint not null default 0;
-- The conversation without the thread: what is sent to it shares its pace.
alter table message add column channel text not null default '';
update message set channel = place;
-- The message in whose thread this one is.
alter table message add column parent text;
-- The platform's id of the person whom it is for: they are told directly where the conversation cannot be written to.
alter table message add column recipient text;
-- When it was first tried to be posted; the answer to that may have been lost.
alter table message add column tried_at bigint;
-- Why it is given up.
alter table message add column undeliverable text;
create index message_parent on message (parent) where parent is not null;
-- In the order in which they go, so that the next few are found however many wait.
create index message_next on message (platform, priority, due_at, id) where wanted > sent;

-- How fast messages are taken: by a conversation, and by a platform for posts (`*post`) and for edits (`*edit`).
create table pace (
    platform text not null,
    lane text not null,
    -- When the next message would be on time; a few may be early.
    free_at bigint not null,
    -- The learnt time between two messages, in milliseconds.
    gap bigint not null,
    primary key (platform, lane)
);

-- Forms that somebody is filling in where the platform cannot hold them, as JSON; never with secrets.
create table draft (
    id text primary key,
    body text not null,
    expires_at bigint not null
);
create index draft_expires on draft (expires_at);

-- What a platform last said of an identity: the name that others see, and its groups there, as JSON.
alter table identity add column name text;
alter table identity add column group_ids text;
-- When its owner made it one person with others; neither where the configuration names it, nor where it stands alone.
alter table identity add column linked_at bigint;
create index identity_person on identity (person);

-- A code that was shown on one platform, to be said on another by the same person.
create table link (
    code text primary key,
    -- Who was shown it.
    platform text not null,
    identity text not null,
    expires_at bigint not null,
    -- Who said it and was sure, once somebody was.
    other_platform text,
    other_identity text,
    -- What who was shown it answered to that.
    refused_at bigint,
    done_at bigint
);
create index link_identity on link (platform, identity);

-- Codes that were said and that nobody was ever shown.
create table wrong_code (
    person text not null,
    at bigint not null
);
create index wrong_code_person on wrong_code (person, at);

-- The page's threads: the entry whose details this one is.
alter table entry add column thread text;
create index entry_thread on entry (place, thread) where thread is not null;

-- Since when a message lags behind what it is to show.
alter table message add column behind_since bigint;
