-- Humans by exception: decisions before a request runs, help when it did not, and what both teach.

-- What somebody is told once, as the message file and its values.
create table notice (
    id text primary key,
    template text not null,
    tone text not null,
    body text not null,
    at bigint not null
);

-- What people say to each other about an approval or an escalation.
create table remark (
    id text primary key,
    subject text not null,
    person text not null,
    -- `question`, `answer`, `note`.
    kind text not null,
    -- The question that it answers.
    answers text,
    body text not null,
    at bigint not null
);
create index remark_subject on remark (subject, at);

-- The time zone that a platform says somebody is in, by its IANA name.
alter table identity add column zone text;

-- As whom the browser speaks, if not as itself.
alter table visitor add column persona text;

-- When somebody is not there, and who decides for them meanwhile.
create table absence (
    id text primary key,
    person text not null references person (id),
    delegate text,
    reason text not null,
    from_at bigint not null,
    until_at bigint not null,
    created_at bigint not null,
    ended_at bigint
);
create index absence_person on absence (person, until_at);

create table approval (
    id text primary key,
    request text not null references request (id),
    -- The recorded plan as approvers see it, as JSON without secrets, and SHA-256 over what would be done.
    plan text not null,
    plan_hash text not null,
    -- The policy as it was when this was asked, as JSON, and the hash of the definition that it stands in.
    policy text not null,
    policy_version text not null,
    -- Which of the policy's approver sets are asked, counted from 0.
    level bigint not null,
    -- `open`, `approved`, `denied`, `expired`, `void` (the plan changed), `withdrawn` (the request ended before).
    state text not null,
    created_at bigint not null,
    -- When its level was reached.
    asked_at bigint not null,
    expires_at bigint not null,
    -- How many reminders of its level's time are over.
    reminders bigint not null,
    decided_at bigint,
    decided_by text
);
create unique index approval_open on approval (request) where decided_at is null;
create index approval_request on approval (request, created_at);

create table vote (
    approval text not null references approval (id),
    person text not null,
    -- The platform's identity that it was given with, `slack:U1`.
    identity text not null,
    -- `approve`, `deny`, `break-glass`.
    verdict text not null,
    -- The person whom the voter stood in for.
    on_behalf_of text,
    -- The standing approval that it came from.
    standing text,
    reason text not null,
    at bigint not null,
    primary key (approval, person)
);

-- An approval given ahead, bounded in time, scope and number of uses.
create table standing_approval (
    id text primary key,
    grantor text not null,
    identity text not null,
    command text not null,
    -- The values that the input must have, as a JSON object.
    scope text not null,
    -- For whom: one person, or a team.
    person text,
    team text,
    approval text not null,
    policy_version text not null,
    uses_left bigint not null,
    expires_at bigint not null,
    created_at bigint not null,
    revoked_at bigint,
    revoked_by text
);
create index standing_approval_command on standing_approval (command, expires_at);

-- A glass that was broken is looked at later by who owns the capability.
create table review (
    id text primary key,
    approval text not null,
    request text not null,
    person text not null,
    team text not null,
    reason text not null,
    created_at bigint not null,
    reviewed_at bigint,
    reviewed_by text,
    verdict text,
    note text
);

create table escalation (
    id text primary key,
    reason text not null,
    -- What it is about: a request's id, a gap's id, a capability's name.
    subject text not null,
    request text references request (id),
    capability text,
    -- The team that is asked.
    team text not null,
    -- Who needs help; nobody where a promise is at risk.
    requester text,
    title text not null,
    -- What is known, as JSON without secrets.
    context text not null,
    -- Equal for escalations that look alike.
    likeness text not null,
    -- The open escalation that looked alike when this one was opened; whoever deals with that one deals with this one.
    parent text references escalation (id),
    tier text not null,
    -- How far the question has gone: 0 the team and whoever is on call, 1 its lead, 2 the platform team.
    level bigint not null,
    -- Whom it was put to so far: `{"teams": […], "people": […]}`.
    asked text not null,
    -- When those of the present level were told; not yet where their hours have to begin first.
    told_at bigint,
    -- When the clock does something next, if nobody does before.
    due_at bigint,
    -- Who deals with it since `claimed_at`; without that, whose turn it is.
    holder text,
    claimed_at bigint,
    snoozed_until bigint,
    created_at bigint not null,
    resolved_at bigint,
    resolved_by text,
    category text,
    -- Whether self-service could have done it: `yes`, `partly`, `no`.
    automatable text,
    -- The time that people spent on it.
    minutes bigint,
    outcome text
);
create unique index escalation_open on escalation (reason, subject) where resolved_at is null;
create index escalation_request on escalation (request, created_at);
create index escalation_subject on escalation (reason, subject, created_at);
create index escalation_parent on escalation (parent) where parent is not null;
create index escalation_likeness on escalation (likeness, created_at);
create index escalation_open_since on escalation (created_at) where resolved_at is null;
create index escalation_resolved on escalation (resolved_at) where resolved_at is not null;

-- What a team's paging service is to know of an escalation.
create table page (
    escalation text not null references escalation (id),
    team text not null,
    -- `trigger`, `acknowledge`, `resolve`.
    wanted text not null,
    -- What of that was told, or is not to be told any more.
    settled text,
    -- Since when the service may know of the escalation at all.
    known_at bigint,
    -- Why the last thing could not be told.
    error text,
    primary key (escalation, team)
);

create table idea (
    id text primary key,
    title text not null,
    need text not null,
    -- What people were asked for again and again, if that is where it comes from; filed once.
    category text unique,
    capability text,
    person text not null,
    created_at bigint not null
);

-- When a request was seen to wait long, so that its card offers a human.
alter table request add column long_at bigint;
create index request_short on request (created_at) where ended_at is null and long_at is null;
create index request_ended on request (capability, ended_at) where ended_at is not null;
