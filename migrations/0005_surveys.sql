-- Pulse surveys. What ties an answer to a person is in no table: see src/store/answer.rs.

-- What is known of a survey between its waves.
create table survey (
    name text primary key,
    -- The secret by which cohorts are drawn.
    rotation_key text not null,
    -- The schedule that next_at was computed from, as JSON.
    schedule text not null,
    -- When its next wave is due.
    next_at bigint not null
);

-- One run of a survey.
create table wave (
    id text primary key,
    survey text not null,
    -- Counted from 0 within the survey.
    number bigint not null,
    -- The survey as it was when this wave was planned, as JSON.
    definition text not null,
    -- `planned`, `open`, `closing`, `closed`, `published`, `looped`.
    state text not null,
    -- The fewest people behind a figure; fixed when it opens.
    minimum bigint not null,
    -- Which groups are published, as JSON; fixed when it opens.
    plan text,
    -- By which participation is known; destroyed when it closes.
    wave_key text,
    planned_at bigint not null,
    opened_at bigint,
    closes_at bigint,
    closed_at bigint,
    -- How many answered all and how many answered some; counted as answers are stored.
    complete bigint not null,
    partial bigint not null,
    -- What was counted when it closed, and what is published of that, as JSON.
    results text,
    report text,
    published_at bigint,
    -- "You said, we did", as JSON.
    said text,
    looped_at bigint,
    -- Why it was opened before the last one had its "you said, we did", and by whom.
    override_reason text,
    override_by text
);
create unique index wave_number on wave (survey, number);
create index wave_state on wave (state);

-- Who is asked by a wave. That somebody was asked is no secret; whether they answered is, and is not here.
create table invitation (
    id text primary key,
    wave text not null references wave (id),
    person text not null,
    -- The cell of the wave's plan that the person is in, as a number; fixed with the invitation.
    cell text not null,
    -- When they are to be asked or reminded; null when there is nothing more to do.
    due_at bigint,
    asked_at bigint,
    reminders bigint not null,
    -- When they said "not now".
    declined_at bigint
);
create unique index invitation_person on invitation (person, wave);
create index invitation_due on invitation (wave, due_at) where due_at is not null;
create index invitation_asked on invitation (person, asked_at);

-- Who never wants to be asked by a survey again.
create table never_asked (
    person text not null,
    survey text not null,
    at bigint not null,
    primary key (person, survey)
);

-- Who has answered: HMAC-SHA-256 of the person under the wave's key, without a time. Gone when the wave closes.
create table participation (
    wave text not null,
    who text not null,
    primary key (wave, who)
);

-- Answers, without a person and without a time, under random ids.
create table answer (
    id text primary key,
    wave text not null,
    question text not null,
    version text not null,
    -- As JSON.
    value text not null,
    -- The cell of the wave's plan that who gave it is in, as a number; empty where it was left out.
    cell text not null
);
create index answer_wave on answer (wave);

-- Answers to surveys that say that names are kept.
create table named_answer (
    wave text not null,
    person text not null,
    question text not null,
    version text not null,
    value text not null,
    cell text not null,
    primary key (wave, person, question)
);
