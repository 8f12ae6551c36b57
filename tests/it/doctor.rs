//! What the doctor says of Slack and Discord: the program itself, with answers as the platforms give them.

use std::collections::BTreeMap;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use wiremock::matchers::{body_string_contains, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::pager::fake::Fake;
use crate::pager::pagerduty::{ROUTING_KEY, SCHEDULE, TOKEN, entry};

/// The rights of a bot that has them all.
const SCOPES: &str = "app_mentions:read,channels:history,groups:history,im:history,mpim:history,chat:write,\
                      chat:write.public,commands,files:write,im:write,usergroups:read,users:read";
const SECRET: &str = "3c1f7a90d2b84e56a1c09f3e7d5b2468";
const GUILD: &str = "900000000000000001";

/// A patient: the settings, and what was said of it.
struct Patient {
    settings: BTreeMap<String, String>,
    text: String,
}

impl Patient {
    fn slack(api: &str) -> Self {
        let this = Self { settings: BTreeMap::new(), text: String::new() };
        this.with("SLACK__BOT_TOKEN", "xoxb-1-hush").with("SLACK__APP_TOKEN", "xapp-1-hush").with("SLACK__API_URL", api)
    }

    fn discord(api: &str) -> Self {
        let this = Self { settings: BTreeMap::new(), text: String::new() };
        this.with("DISCORD__BOT_TOKEN", "a.b.hush").with("DISCORD__API_URL", api).with("DISCORD__GUILD", GUILD)
    }

    fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(format!("STATIONMASTER_{name}"), value.to_owned());
        self
    }

    /// What the file says besides.
    fn text(mut self, text: &str) -> Self {
        self.text = text.to_owned();
        self
    }

    /// What the doctor says of the platforms, and whether all is well; never a secret.
    async fn examine(self) -> (bool, String) {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("commands")).expect("a folder");
        std::fs::write(folder.path().join("stationmaster.toml"), &self.text).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
        command.arg("doctor").current_dir(folder.path()).stdin(Stdio::null()).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default()).env("TMPDIR", folder.path());
        command.env("STATIONMASTER_WEB__LISTEN", "127.0.0.1:0").envs(&self.settings);
        let output = tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("no panic");
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        assert!(!said.contains("hush"), "{said}");
        let left = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(left, 2, "nothing is left behind");
        let lines = said.split_inclusive('\n').skip_while(|line| {
            let line = line.to_lowercase();
            !line.contains("slack") && !line.contains("discord")
        });
        (output.status.success(), lines.collect())
    }
}

fn answer(body: Value) -> ResponseTemplate {
    let now = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    ResponseTemplate::new(200).set_body_json(body).insert_header("x-oauth-scopes", SCOPES).insert_header("date", now)
}

/// A Slack that answers each method with this.
async fn slack(methods: &[(&str, ResponseTemplate)]) -> MockServer {
    let server = MockServer::start().await;
    for (name, answer) in methods {
        Mock::given(path(format!("/api/{name}"))).respond_with(answer.clone()).mount(&server).await;
    }
    let known = json!({"ok": true, "url": "https://x.slack.com/", "team": "House", "team_id": "T1", "user": "stationmaster",
        "user_id": "U0", "bot_id": "B1"});
    let groups =
        json!({"ok": true, "usergroups": [{"id": "S0123ONE", "date_delete": 0}, {"id": "S0123TWO", "date_delete": 5}]});
    for (name, body) in [
        ("auth.test", known),
        ("apps.connections.open", json!({"ok": true, "url": "wss://x.slack.com/link"})),
        ("usergroups.list", groups),
    ] {
        Mock::given(path(format!("/api/{name}"))).respond_with(answer(body)).with_priority(9).mount(&server).await;
    }
    server
}

async fn said_of_slack(methods: &[(&str, ResponseTemplate)], text: &str) -> (bool, String) {
    let server = slack(methods).await;
    Patient::slack(&format!("{}/api", server.uri())).text(text).examine().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_slack_is_said_to_be_sound() {
    let (good, said) = said_of_slack(&[], "[team.data]\ngroups = [\"slack:S0123ONE\"]\n").await;
    assert!(good, "{said}");
    insta::assert_snapshot!(said, @"
    ok    slack       stationmaster is known to House (T1)
    ok    slack       the bot token has its 12 scopes
    ok    slack       the clock agrees with Slack's
    ok    slack       Socket Mode is open
    ok    slack       the groups that teams and roles name are there
    ok    discord     left alone: discord.bot_token is not set
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_slack_is_said_with_what_to_do() {
    let no = |code: &str| answer(json!({"ok": false, "error": code}));
    let (good, said) = said_of_slack(&[("auth.test", no("invalid_auth"))], "").await;
    assert!(!good);
    insta::assert_snapshot!(said, @"
    fail  slack       Slack refuses the bot token: invalid_auth (auth.test)
                      hint: install the app again and copy its new token
    ok    slack       the bot token has its 12 scopes
    ok    slack       the clock agrees with Slack's
    ok    slack       Socket Mode is open
    ok    discord     left alone: discord.bot_token is not set
    ");

    let few = answer(json!({"ok": true, "team": "House", "team_id": "T1", "user": "stationmaster", "user_id": "U0"}));
    let few = few.insert_header("x-oauth-scopes", "chat:write,commands");
    let (good, said) = said_of_slack(&[("auth.test", few)], "").await;
    assert!(!good && said.contains("lacks the scopes app_mentions:read"), "{said}");

    let closed = answer(json!({"ok": false, "error": "missing_scope", "needed": "connections:write"}));
    let (good, said) = said_of_slack(&[("apps.connections.open", closed)], "").await;
    assert!(!good && said.contains("connections:write"), "{said}");

    let late = answer(json!({"ok": true, "team": "House", "team_id": "T1", "user": "stationmaster", "user_id": "U0"}));
    let late = late.insert_header("date", "Tue, 14 Nov 2023 22:13:20 GMT");
    let (good, said) = said_of_slack(&[("auth.test", late)], "").await;
    assert!(!good && said.contains("clock differs by"), "{said}");

    let (good, said) = said_of_slack(&[], "[role.oncall]\ngroups = [\"slack:S0123TWO\", \"slack:S0123ONE\"]\n").await;
    assert!(!good && said.contains("role.oncall.groups names slack:S0123TWO, and there is no such group"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slack_that_cannot_be_reached_or_cannot_reach_us_is_said() {
    let (good, said) = Patient::slack("http://127.0.0.1:1/api").examine().await;
    assert!(!good);
    insta::assert_snapshot!(said, @"
    fail  slack       no answer of Slack: auth.test: client error (Connect): tcp connect error: Connection refused (os error 111)
                      hint: look at slack.api_url and at the network
    ok    discord     left alone: discord.bot_token is not set
    ");

    let server = slack(&[]).await;
    let api = format!("{}/api", server.uri());
    let http = || {
        let mut patient = Patient::slack(&api).with("SLACK__SIGNING_SECRET", SECRET);
        patient.settings.remove("STATIONMASTER_SLACK__APP_TOKEN");
        patient
    };
    let (good, said) = http().examine().await;
    assert!(!good && said.contains("nothing from outside reaches") && said.contains("set web.public_url"), "{said}");
    let (good, said) = http().with("WEB__PUBLIC_URL", "http://bot.example.org").examine().await;
    assert!(!good && said.contains("only delivered over https"), "{said}");
    let (good, said) = http().with("WEB__PUBLIC_URL", "https://bot.example.org").examine().await;
    assert!(good && said.contains("events are to be delivered to https://bot.example.org/slack/events"), "{said}");
    let (good, said) = Patient::slack(&api).with("SLACK__SIGNING_SECRET", SECRET).examine().await;
    assert!(good && said.contains("warn  slack       nothing from outside reaches"), "{said}");
    let (good, said) = Patient::slack(&api).with("SLACK__BOT_TOKEN", "xapp-1-hush").examine().await;
    assert!(!good && said.contains("this is an app-level token of Slack"), "{said}");
}

/// A Discord that answers each path below `/api/v10` with this, and all else soundly.
async fn discord(paths: &[(&str, ResponseTemplate)]) -> MockServer {
    let server = MockServer::start().await;
    for (name, answer) in paths {
        Mock::given(path(format!("/api/v10{name}"))).respond_with(answer.clone()).mount(&server).await;
    }
    let application = json!({"id": "800000000000000001", "name": "Stationmaster", "verify_key": "ab".repeat(32),
        "bot": {"id": "800000000000000002"}, "interactions_endpoint_url": null, "flags": 0});
    for (name, body) in [
        ("/applications/@me".to_owned(), application),
        (format!("/guilds/{GUILD}"), json!({"id": GUILD, "name": "House"})),
        (format!("/guilds/{GUILD}/roles"), json!([{"id": GUILD, "name": "@everyone"}, {"id": "700000000000000001"}])),
        (format!("/guilds/{GUILD}/members"), json!([])),
        (format!("/applications/800000000000000001/guilds/{GUILD}/commands"), json!([])),
        ("/applications/800000000000000001/commands".to_owned(), json!([])),
    ] {
        let mock = Mock::given(method("GET")).and(path(format!("/api/v10{name}")));
        let mock = mock.and(header("authorization", "Bot a.b.hush"));
        mock.respond_with(answer(body)).with_priority(9).mount(&server).await;
    }
    server
}

async fn said_of_discord(paths: &[(&str, ResponseTemplate)], text: &str) -> (bool, String) {
    let server = discord(paths).await;
    Patient::discord(&server.uri()).text(text).examine().await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_discord_is_said_to_be_sound() {
    let (good, said) = said_of_discord(&[], "[team.data]\ngroups = [\"discord:700000000000000001\"]\n").await;
    assert!(good, "{said}");
    insta::assert_snapshot!(said, @"
    ok    slack       left alone: slack.bot_token is not set
    ok    discord     the token is that of the application Stationmaster
    ok    discord     the clock is right
    ok    discord     interactions come by the gateway
    ok    discord     on the server House
    warn  discord     0 of 14 commands are registered as they are now
                      hint: they are registered at the next start, and when the capability files change
    ok    discord     the groups that teams and roles name are there
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_discord_is_said_with_what_to_do() {
    let refused = ResponseTemplate::new(401).set_body_json(json!({"message": "401: Unauthorized", "code": 0}));
    let (good, said) = said_of_discord(&[("/applications/@me", refused)], "").await;
    assert!(!good);
    insta::assert_snapshot!(said, @"
    ok    slack       left alone: slack.bot_token is not set
    fail  discord     the token is not taken: 401: Unauthorized
                      hint: copy the token from the application's Bot page; resetting it there makes the old one invalid
    ");

    let guild = format!("/guilds/{GUILD}");
    let absent = ResponseTemplate::new(404).set_body_json(json!({"message": "Unknown Guild", "code": 10004}));
    let (good, said) = said_of_discord(&[(guild.as_str(), absent)], "").await;
    assert!(!good && said.contains("not on the server") && said.contains("applications.commands"), "{said}");

    let (good, said) = said_of_discord(&[], "[role.oncall]\ngroups = [\"discord:700000000000000007\"]\n").await;
    assert!(!good && said.contains("role.oncall.groups names discord:700000000000000007"), "{said}");

    let secret = ResponseTemplate::new(403).set_body_json(json!({"message": "Missing Access", "code": 50001}));
    let members = format!("/guilds/{GUILD}/members");
    let text = "[team.data]\ngroups = [\"discord:700000000000000001\"]\n";
    let (good, said) = said_of_discord(&[(members.as_str(), secret)], text).await;
    assert!(good && said.contains("is not told") && said.contains("Server Members Intent"), "{said}");

    let (good, said) = Patient::discord("http://127.0.0.1:1").examine().await;
    assert!(!good);
    insta::assert_snapshot!(said, @"
    ok    slack       left alone: slack.bot_token is not set
    fail  discord     Discord cannot be reached: Connection refused (os error 111)
                      hint: look at the network, the proxy and discord.api_url
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_are_looked_at_with_the_tokens_of_each() {
    let (one, other) = (slack(&[]).await, discord(&[]).await);
    Mock::given(body_string_contains("a.b.hush")).respond_with(ResponseTemplate::new(500)).mount(&one).await;
    let both = Patient::slack(&format!("{}/api", one.uri())).with("DISCORD__BOT_TOKEN", "a.b.hush");
    let (good, said) = both.with("DISCORD__API_URL", &other.uri()).examine().await;
    assert!(good && said.contains("ok    slack") && said.contains("roles of Discord count nowhere"), "{said}");
    let asked = one.received_requests().await.expect("recorded");
    assert!(asked.iter().all(|asked| asked.headers["authorization"].to_str().expect("text").contains("xo")
        || asked.url.path().ends_with("open")));
}

#[tokio::test(flavor = "multi_thread")]
async fn paging_services_are_asked_and_nobody_is_paged() {
    let fake = Fake::start().await;
    fake.put_on_call(SCHEDULE, json!([entry(("PXX0001", "Tim"), 1, None)]));
    let said = async |token: &str, schedule: &str| {
        let text = format!(
            "[http]\nallow_private = ['127.0.0.1']\n[person.ada]\nidentities = ['web:ada']\npagerduty = 'PT23IWX'\n\
             [team.data]\nmembers = ['ada']\n\
             [team.data.oncall]\npagerduty = {{ schedule = '{schedule}', routing_key = '{ROUTING_KEY}' }}\n"
        );
        let patient = Patient { settings: BTreeMap::new(), text };
        let patient = patient.with("PAGERDUTY__TOKEN", token).with("PAGERDUTY__API_URL", &fake.url);
        patient.with("PAGERDUTY__EVENTS_URL", &fake.url).examine().await
    };
    let (good, words) = said(TOKEN, SCHEDULE).await;
    assert!(good, "{words}");
    insta::assert_snapshot!(words, @r#"
    ok    slack       left alone: slack.bot_token is not set
    ok    discord     left alone: discord.bot_token is not set
    warn  pagerduty   data: Tim is on call, and nobody here is known to be that
                      hint: set person.NAME.pagerduty = "PXX0001"
    "#);
    fake.put_on_call(SCHEDULE, json!([entry(("PT23IWX", "Ada"), 1, None)]));
    let (good, words) = said(TOKEN, SCHEDULE).await;
    assert!(good && words.contains("ok    pagerduty   data: ada is on call by the schedule Daily Rotation"), "{words}");
    fake.put_on_call(SCHEDULE, json!([]));
    let (_, words) = said(TOKEN, SCHEDULE).await;
    assert!(words.contains("nobody is on call") && words.contains("once an escalation policy uses it"), "{words}");
    let (good, words) = said("wrong-hush", SCHEDULE).await;
    assert!(!good && words.contains("data: PagerDuty refuses the token (401)"), "{words}");
    let (good, words) = said(TOKEN, "PNONE01").await;
    assert!(!good && words.contains("data: PagerDuty knows no schedule PNONE01"), "{words}");
    assert!(fake.lines().iter().all(|line| line.starts_with("GET ")), "nobody is paged");
    fake.close();
}

/// What the doctor says of people.
async fn said_of_people(text: &str, settings: &[(&str, &str)]) -> String {
    let owned = "[capability]\nname = \"things\"\ntitle = \"Things\"\nneed = \"As a developer I want things\"\n\
                 owner = \"data\"\nmaturity = \"ga\"\n";
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("commands")).expect("a folder");
    std::fs::write(folder.path().join("commands/things.toml"), owned).expect("written");
    std::fs::write(folder.path().join("stationmaster.toml"), text).expect("written");
    let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
    command.arg("doctor").current_dir(folder.path()).stdin(Stdio::null()).env_clear();
    command.env("STATIONMASTER_WEB__LISTEN", "127.0.0.1:0").env("TMPDIR", folder.path()).envs(settings.iter().copied());
    let output = tokio::task::spawn_blocking(move || command.output().expect("it runs")).await.expect("no panic");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let of_people = |line: &&str| line.contains("  teams ") || line.contains("  personas ") || line.contains("hint:");
    let lines = said.lines().skip_while(|line| !line.contains("  teams ")).filter(of_people);
    lines.collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn whether_there_is_somebody_to_ask_is_said() {
    let lonely = said_of_people("[team.data]\nlead = \"ada\"\n[team.other]\n", &[]).await;
    insta::assert_snapshot!(lonely, @"
    warn  teams       the team data owns what is on offer, and has no member, no channel and nobody on call
                      hint: give team.data.members, groups, channels or oncall
    warn  teams       team.data.lead names ada, who is known on no platform
                      hint: add [person.ada] with their identities
    ");
    let sound = "[web]\npersonas = [\"ada\"]\n[team.data]\nmembers = [\"ada\"]\noncall.people = [\"cleo\", \"per_1\"]\n\
                 oncall.since = \"2026-11-02\"\noncall.every = \"1w\"\n[escalation]\nteam = \"data\"\n\
                 [person.ada]\nidentities = [\"web:ada\"]\n";
    insta::assert_snapshot!(said_of_people(sound, &[]).await, @"
    warn  teams       team.data.oncall.people names cleo, who is known on no platform
                      hint: add [person.cleo] with their identities
    ok    personas    anybody at the page may speak as ada
    ");
    let slack = [
        ("STATIONMASTER_SLACK__BOT_TOKEN", "xoxb-1"),
        ("STATIONMASTER_SLACK__APP_TOKEN", "xapp-1"),
        ("STATIONMASTER_SLACK__API_URL", "http://127.0.0.1:1/api"),
    ];
    assert!(said_of_people(sound, &slack).await.contains("warn  personas"), "where people work with it");
}
