-- The spine: events, requests with their steps, jobs, messages to keep up to date, and the audit trail.
-- Portable SQL: TEXT ids, BIGINT epoch milliseconds, JSON as TEXT, a nullable timestamp instead of a flag.

create table event (
    id text primary key,
    body text not null,
    received_at bigint not null,
    -- Who is answering it, until when; another process takes it after that.
    held_until bigint not null,
    handled_at bigint
);
create index event_open on event (held_until) where handled_at is null;

create table job (
    id text primary key,
    kind text not null,
    payload text not null,
    -- Lower goes first.
    priority bigint not null,
    -- When it may be claimed: its time, or the end of the lease of who holds it.
    due_at bigint not null,
    -- Counted at every claim; a write of an older claim changes nothing.
    fence bigint not null,
    -- Claims since it last went well.
    failures bigint not null,
    holder text,
    -- At most one live job has this name.
    name text unique,
    error text,
    died_at bigint,
    created_at bigint not null
);
create index job_due on job (due_at) where died_at is null;

create table definition (
    hash text primary key,
    body text not null
);

create table person (
    id text primary key,
    name text not null,
    created_at bigint not null
);

create table identity (
    platform text not null,
    id text not null,
    person text not null references person (id),
    primary key (platform, id)
);

create table request (
    id text primary key,
    -- The delivery that it came from; the same delivery again is the same request.
    source text not null unique,
    command text not null,
    capability text not null,
    definition text not null references definition (hash),
    person text not null references person (id),
    platform text not null,
    place text not null,
    input text not null,
    -- Values of secret parameters; forgotten at the end.
    secrets text,
    state text not null,
    -- The state it will have once earlier steps are undone.
    ending text,
    summary text not null,
    -- What the author has to say at the end, in Markdown.
    reply text,
    live_key text,
    percent bigint,
    label text not null,
    link text,
    created_at bigint not null,
    started_at bigint,
    cancel_at bigint,
    deadline_at bigint not null,
    ended_at bigint
);
create unique index request_live_key on request (command, live_key) where ended_at is null and live_key is not null;
create index request_person on request (person, created_at);
create index request_command on request (command, created_at);
create index request_deadline on request (deadline_at) where ended_at is null;
create index request_running on request (command) where state = 'running';

create table step (
    request text not null references request (id),
    position bigint not null,
    -- `do` or `undo`.
    course text not null,
    name text not null,
    state text not null,
    attempt bigint not null,
    checkpoint text not null,
    outputs text not null,
    summary text not null,
    link text,
    log text not null,
    started_at bigint not null,
    ended_at bigint,
    primary key (request, position, course)
);

-- Call-backs that have come and were not looked at yet, oldest first by id.
create table call_back (
    id text primary key,
    request text not null references request (id),
    step text not null,
    body text not null,
    received_at bigint not null
);
create index call_back_step on call_back (request, step);

-- A card in a conversation that is kept up to date: what it is about, and how far what was sent lags behind.
create table message (
    id text primary key,
    platform text not null,
    place text not null,
    subject text not null,
    -- Counted at every change of the subject.
    wanted bigint not null,
    sent bigint not null,
    -- The platform's id of the message, once posted.
    posted text,
    due_at bigint not null,
    failures bigint not null,
    unique (subject, platform, place)
);
create index message_due on message (due_at) where wanted > sent;

create table audit (
    seq bigint primary key,
    at bigint not null,
    subject text not null,
    actor text not null,
    action text not null,
    detail text not null,
    hash text not null
);
create index audit_subject on audit (subject);

create table audit_head (
    id bigint primary key,
    seq bigint not null,
    hash text not null
);
insert into audit_head (id, seq, hash) values (1, 0, '');

create table token (
    id text primary key,
    hash text not null unique,
    person text not null references person (id),
    label text not null,
    created_at bigint not null,
    revoked_at bigint
);

-- What people looked for and did not find.
create table gap (
    id text primary key,
    words text not null,
    person text not null,
    place text not null,
    at bigint not null
);

-- What the process made for itself once and must find again.
create table setting (
    name text primary key,
    value text not null
);
