//! The configuration: file over defaults, environment over the file, and every mistake said at once.

use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use secrecy::ExposeSecret;
use stationmaster::clock::Span;
use stationmaster::config::{Config, LogFormat};

/// A folder with a configuration file.
pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn with(text: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("stationmaster.toml"), text).expect("written");
        Self(folder)
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("stationmaster.toml")
    }

    pub fn load(&self, env: &[(&str, &str)]) -> Result<Config, String> {
        let env = env.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let shown = |text: String| text.replace(&self.0.path().display().to_string(), "DIR");
        Config::load(Some(&self.file()), env).map_err(|error| shown(error.to_string()))
    }

    pub fn refusal(&self, env: &[(&str, &str)]) -> String {
        self.load(env).expect_err("refused")
    }
}

pub fn by_environment(env: &[(&str, &str)]) -> Result<Config, String> {
    Folder::with("").load(env)
}

#[test]
fn the_environment_lies_over_the_file_and_takes_its_types() {
    let folder = Folder::with(concat!(
        "data = \"state\"\n[web]\nlisten = \"127.0.0.1:1\"\n[log]\nlevel = \"warn\"\n",
        "[jobs]\nworkers = 3\n[templates]\nenv = [\"A\"]\nsecret = { GITHUB = \"one\" }\n[team.data]\nmembers = [\"ada\"]\n",
    ));
    let env = [
        ("STATIONMASTER_WEB__LISTEN", "127.0.0.1:9"),
        ("STATIONMASTER_JOBS__WORKERS", "7"),
        ("STATIONMASTER_JOBS__LEASE", "10s"),
        ("STATIONMASTER_LOG__FORMAT", "JSON"),
        ("STATIONMASTER_WEB__PAGE", "off"),
        ("STATIONMASTER_TEMPLATES__ENV", "PLATFORM_API, REGION"),
        ("STATIONMASTER_HTTP__ONLY", "[\"a.example.org\", \"b.example.org\"]"),
        ("STATIONMASTER_TEMPLATES__SECRET__GITHUB", "two"),
        ("STATIONMASTER_TEAM__DATA__LEAD", "ben"),
        ("STATIONMASTER_TEAM__DATA__ZONE", "Asia/Kathmandu"),
        ("STATIONMASTER_TEAM__DATA__ONCALL__PEOPLE", "ada, ben"),
        ("STATIONMASTER_TEAM__DATA__ONCALL__SINCE", "2026-11-02T09:00"),
        ("STATIONMASTER_TEAM__DATA__ONCALL__EVERY", "1w"),
        ("STATIONMASTER_ESCALATION__CLAIM__BUSINESS_HOURS", "30m"),
        ("STATIONMASTER_TEST_POSTGRES", "is no setting"),
        ("STATIONMASTER_CONFIG", "is no setting"),
        ("PLATFORM_API", "http://api"),
        ("PATH", "/bin"),
    ];
    let config = folder.load(&env).expect("a configuration");
    assert_eq!(config.data, Path::new("state"));
    assert_eq!((config.web.listen.port(), config.web.page), (9, false));
    assert_eq!((config.jobs.workers, config.jobs.lease), (7, Span::from_secs(10)));
    assert_eq!((config.log.level.as_str(), config.log.format), ("warn", LogFormat::Json));
    assert_eq!(config.http.only, ["a.example.org", "b.example.org"]);
    assert_eq!(config.templates.env, ["PLATFORM_API", "REGION"]);
    assert_eq!(config.template_env()["PLATFORM_API"], "http://api");
    assert_eq!(config.template_env().len(), 1);
    assert_eq!(config.missing_variables(), ["REGION"]);
    assert_eq!(config.templates.secret["GITHUB"].expose_secret(), "two");
    let data = &config.team["data"];
    assert_eq!((data.members.len(), data.lead.as_deref()), (1, Some("ben")));
    assert_eq!(data.zone.as_ref().map(|zone| zone.name()), Some("Asia/Kathmandu"));
    assert_eq!((data.oncall.people.len(), data.oncall.every), (2, Some(Span::from_secs(604_800))));
    let claim = &config.escalation.claim;
    assert_eq!(claim.business_hours, Span::from_secs(1800));
    assert_eq!((claim.best_effort, claim.around_the_clock), (Span::from_secs(86_400), Span::from_secs(900)));
}

#[test]
fn nothing_said_is_enough() {
    let config = Config::load(None, std::iter::empty()).expect("a configuration");
    assert_eq!(config.database_url().expose_secret(), "sqlite://data/stationmaster.db");
    assert_eq!(config.public_url(), "http://127.0.0.1:7070");
    let open = [("STATIONMASTER_WEB__LISTEN", "0.0.0.0:80"), ("STATIONMASTER_WEB__PAGE", "false")];
    assert_eq!(by_environment(&open).expect("a configuration").public_url(), "http://127.0.0.1:80");
    let behind = [("STATIONMASTER_WEB__PUBLIC_URL", "https://bot.example.org/")];
    assert_eq!(by_environment(&behind).expect("a configuration").public_url(), "https://bot.example.org");
}

#[test]
fn secrets_come_from_files_and_are_never_shown() {
    let folder = Folder::with("");
    let secret = folder.0.path().join("url");
    std::fs::write(&secret, "postgres://u:hunter2@db/x\r\n").expect("written");
    let path = secret.to_str().expect("a path");
    let config = folder
        .load(&[("STATIONMASTER_DATABASE__URL_FILE", path), ("STATIONMASTER_TEMPLATES__SECRET__TOKEN", "hunter3")])
        .expect("a configuration");
    assert_eq!(config.database_url().expose_secret(), "postgres://u:hunter2@db/x");
    assert_eq!(config.templates.secret["token"].expose_secret(), "hunter3");
    let shown = format!("{config:?}");
    assert!(!shown.contains("hunter"), "{shown}");
}

#[test]
fn mistakes_of_the_environment_are_all_said() {
    let refusal = by_environment(&[
        ("STATIONMASTER_DATABASE_URL", "postgres://u:hunter2@db/x"),
        ("STATIONMASTER_JOBS__LEASE", "fast"),
        ("STATIONMASTER_JOBS__WORKERS", "many"),
        ("STATIONMASTER_LOG", "debug"),
        ("STATIONMASTER_LOG__FORMAT", "xml"),
        ("STATIONMASTER_TEAM__DATA__MEMBRES", "ada"),
        ("STATIONMASTER_WEB__LISTEN", "localhost"),
        ("STATIONMASTER_WEB__LISTNE", "127.0.0.1:1"),
        ("STATIONMASTER_WEB__PAGE", "maybe"),
        ("STATIONMASTER_ZEBRA", "1"),
    ])
    .expect_err("refused");
    assert!(!refusal.contains("hunter2"), "{refusal}");
    assert_snapshot!(refusal, @"
    The configuration has 10 mistakes.

    STATIONMASTER_DATABASE_URL: there is no such setting
    hint: did you mean STATIONMASTER_DATABASE__URL?

    STATIONMASTER_JOBS__LEASE: `fast` is not a duration
    hint: write for example 30s, 10m, 2h or 1d

    STATIONMASTER_JOBS__WORKERS: it takes a number

    STATIONMASTER_LOG: it holds other settings and takes no value itself

    STATIONMASTER_LOG__FORMAT: it is one of text, json

    STATIONMASTER_TEAM__DATA__MEMBRES: there is no such setting
    hint: did you mean STATIONMASTER_TEAM__DATA__MEMBERS?

    STATIONMASTER_WEB__LISTEN: `localhost` is not an address with a port
    hint: write for example 127.0.0.1:7070

    STATIONMASTER_WEB__LISTNE: there is no such setting
    hint: did you mean STATIONMASTER_WEB__LISTEN?

    STATIONMASTER_WEB__PAGE: it takes true or false

    STATIONMASTER_ZEBRA: there is no such setting
    hint: there are data, commands, messages, database, web, log, http, jobs, slack, discord, escalation, pagerduty, opsgenie, templates, team, role, person
    ");
}

#[test]
fn mistakes_of_files_of_secrets_are_said() {
    let folder = Folder::with("");
    let empty = folder.0.path().join("empty");
    std::fs::write(&empty, "\n").expect("written");
    let refusal = folder.refusal(&[
        ("STATIONMASTER_DATABASE__URL", "sqlite://a.db"),
        ("STATIONMASTER_DATABASE__URL_FILE", empty.to_str().expect("a path")),
        ("STATIONMASTER_DATA_FILE", "data"),
        ("STATIONMASTER_TEMPLATES__SECRET__A_FILE", "/no/such/file"),
        ("STATIONMASTER_TEMPLATES__SECRET__B_FILE", empty.to_str().expect("a path")),
    ]);
    assert_snapshot!(refusal, @r#"
    The configuration has 4 mistakes.

    STATIONMASTER_DATABASE__URL and STATIONMASTER_DATABASE__URL_FILE say the same setting
    hint: keep one of them

    STATIONMASTER_DATA_FILE: only secrets are read from files
    hint: set STATIONMASTER_DATA itself

    STATIONMASTER_TEMPLATES__SECRET__A_FILE: /no/such/file cannot be read: No such file or directory (os error 2)

    STATIONMASTER_TEMPLATES__SECRET__B_FILE: this secret is empty
    hint: give it its value, or leave the key out
    "#);
}

#[test]
fn mistakes_of_the_file_are_shown_in_place() {
    let refusal = Folder::with("[web]\nlisten = 7070\npages = true\n[jobs]\nworkers = \"3\"\n").refusal(&[]);
    assert_snapshot!(refusal, @r#"
    The configuration has 3 mistakes.

    error: `7070` is not an address with a port
     --> DIR/stationmaster.toml:2:10
      |
    2 | listen = 7070
      |          ^^^^
      |
      = hint: write for example 127.0.0.1:7070

    error: there is no key `pages` in `[web]`
     --> DIR/stationmaster.toml:3:1
      |
    3 | pages = true
      | ^^^^^
      |
      = hint: did you mean `page`?

    error: `workers` takes a whole number
     --> DIR/stationmaster.toml:5:11
      |
    5 | workers = "3"
      |           ^^^
      |
      = hint: leave out the quotes: 3
    "#);
}

#[test]
fn rules_are_held_where_the_value_was_set() {
    let folder = Folder::with(concat!(
        "[web]\nlisten = \"0.0.0.0:8080\"\npublic_url = \"stationmaster.example.org\"\n",
        "[log]\nlevel = \"loud=very\"\n[jobs]\nlease = \"1s\"\n",
    ));
    assert_snapshot!(folder.refusal(&[("STATIONMASTER_JOBS__WORKERS", "0")]), @r#"
    The configuration has 5 mistakes.

    error: the chat page has no sign-in, so it is not served on 0.0.0.0:8080, which others can reach
     --> DIR/stationmaster.toml:2:10
      |
    2 | listen = "0.0.0.0:8080"
      |          ^^^^^^^^^^^^^^
      |
      = hint: listen on 127.0.0.1:8080 and reach it through ssh -L 8080:127.0.0.1:8080 or a proxy that signs people in; or switch the page off with web.page = false, which leaves the API

    error: this is not the address of a server
     --> DIR/stationmaster.toml:3:14
      |
    3 | public_url = "stationmaster.example.org"
      |              ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write the scheme, the host and, if needed, the port: https://stationmaster.example.org

    STATIONMASTER_JOBS__WORKERS: 0 workers cannot be had
    hint: write a number from 1 to 1024

    error: a lease of 1s ends before it can be renewed
     --> DIR/stationmaster.toml:7:9
      |
    7 | lease = "1s"
      |         ^^^^
      |
      = hint: write 3s or more; 15s is usual

    error: this is not a filter: error parsing level filter: expected one of "off", "error", "warn", "info", "debug", "trace", or a number 0-5
     --> DIR/stationmaster.toml:5:9
      |
    5 | level = "loud=very"
      |         ^^^^^^^^^^^
      |
      = hint: write for example info, or stationmaster=debug,sqlx=warn
    "#);
}

#[test]
fn secrets_are_not_empty_and_persons_not_confused() {
    let folder = Folder::with(concat!(
        "[templates]\nenv = [\"STATIONMASTER_DATABASE__URL\"]\nsecret = { github = \" \" }\n",
        "[person.ada]\nidentities = [\"ada\", \"terminal:ada\"]\n[person.ben]\nidentities = [\"terminal:ada\"]\n",
    ));
    assert_snapshot!(folder.refusal(&[]), @r#"
    The configuration has 4 mistakes.

    error: this secret is empty
    --> DIR/stationmaster.toml:3:21
     = hint: give it its value, or leave the key out

    error: templates may not read STATIONMASTER_DATABASE__URL, which may hold a secret of Stationmaster itself
     --> DIR/stationmaster.toml:2:7
      |
    2 | env = ["STATIONMASTER_DATABASE__URL"]
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: give templates a variable of their own

    error: `ada` does not say which platform it is of
     --> DIR/stationmaster.toml:5:14
      |
    5 | identities = ["ada", "terminal:ada"]
      |              ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write platform and id: terminal:ada

    error: `terminal:ada` is ada already
     --> DIR/stationmaster.toml:7:14
      |
    7 | identities = ["terminal:ada"]
      |              ^^^^^^^^^^^^^^^^
      |
      = hint: one identity is one person; keep it with one of them
    "#);
}

#[test]
fn f1_credentials_of_the_wrong_kind_are_refused_and_never_shown() {
    let folder = Folder::with(concat!(
        "[slack]\nbot_token = \"xapp-1-hush\"\napp_token = \"xoxb-1-hush\"\n",
        "signing_secret = \"8f742231b10e8888abcd99yyyzzz85a5\"\nprevious_signing_secret = \"hush\"\n",
        "[discord]\npublic_key = \"abc\"\ngateway = false\nguild = \"Our server\"\napi_url = \"discord\"\n",
    ));
    let refusal = folder.refusal(&[("STATIONMASTER_DISCORD__BOT_TOKEN", "Bot hush")]);
    assert!(!refusal.contains("hush") && !refusal.contains("8f742231"), "{refusal}");
    assert_snapshot!(refusal);

    let key = "ab".repeat(32);
    for (name, value, said) in [
        ("STATIONMASTER_SLACK__BOT_TOKEN", "xoxb-1", "slack.app_token for Socket Mode, or slack.signing_secret"),
        ("STATIONMASTER_SLACK__APP_TOKEN", "xapp-1", "give slack.bot_token"),
        ("STATIONMASTER_SLACK__SIGNING_SECRET", " ", "this secret is empty"),
        ("STATIONMASTER_DISCORD__PUBLIC_KEY", &key, "give discord.bot_token"),
    ] {
        let refusal = by_environment(&[(name, value)]).expect_err(name);
        assert!(refusal.contains(said), "{refusal}");
    }

    let secret = "3c1f7a90d2b84e56a1c09f3e7d5b2468";
    by_environment(&[("STATIONMASTER_SLACK__BOT_TOKEN", "xoxe.xoxb-1"), ("STATIONMASTER_SLACK__APP_TOKEN", "xapp-1")])
        .expect("Socket Mode");
    by_environment(&[("STATIONMASTER_SLACK__BOT_TOKEN", "xoxb-1"), ("STATIONMASTER_SLACK__SIGNING_SECRET", secret)])
        .expect("HTTP");
    by_environment(&[("STATIONMASTER_DISCORD__BOT_TOKEN", "a.b.c")]).expect("the gateway");
    by_environment(&[("STATIONMASTER_DISCORD__BOT_TOKEN", "a.b.c"), ("STATIONMASTER_DISCORD__PUBLIC_KEY", &key)])
        .expect("HTTP");
}

#[test]
fn f1_samples_are_no_secrets() {
    let refused = |key: &str, value: &str| {
        let refusal = by_environment(&[(key, value)]).expect_err(value);
        assert!(refusal.contains("this is a sample"), "{value}: {refusal}");
        assert!(!refusal.contains(value), "{refusal}");
    };
    for sample in ["xoxb-…", "xoxb-...", "xoxb-your-token", "xoxb-xxxxxxxxxxxx", "<bot token>"] {
        refused("STATIONMASTER_SLACK__BOT_TOKEN", sample);
    }
    refused("STATIONMASTER_SLACK__APP_TOKEN", "xapp-your-token");
    for sample in ["your-signing-secret", "00000000000000000000000000000000", "changeme"] {
        refused("STATIONMASTER_SLACK__SIGNING_SECRET", sample);
    }
    refused("STATIONMASTER_DISCORD__BOT_TOKEN", "your.bot.token");
    refused("STATIONMASTER_DISCORD__PUBLIC_KEY", &"0".repeat(64));
    let url = |value: &str| by_environment(&[("STATIONMASTER_SLACK__API_URL", value)]);
    for wrong in ["slack.com/api", "ftp://slack.com", "https://u:p@slack.com/api", "https://slack.com/api?x=1"] {
        assert!(url(wrong).expect_err(wrong).contains("not the address of an API"), "{wrong}");
    }
    assert_snapshot!(url("https://slack.com/api/").expect_err("a slash too many"), @"
    The configuration has a mistake.

    STATIONMASTER_SLACK__API_URL: paths are put behind this address, so it has no slash at its end
    hint: leave out the slash at its end: https://slack.com/api
    ");
    url("https://slack-gov.com/api").expect("a government's cloud");
}

/// What is said of mistakes, without where they stand.
pub fn said(refusal: &str) -> String {
    let is_said = |line: &&str| line.starts_with("error:") || line.contains("= hint:");
    let lines = refusal.lines().filter(is_said);
    lines.map(|line| line.trim_start_matches([' ', '='])).collect::<Vec<_>>().join("\n")
}

#[test]
fn identities_are_ids_of_platforms_that_there_are() {
    let folder = Folder::with(concat!(
        "[person.ada]\nidentities = [\"slak:U012AB3CD\", \"irc:ada\"]\n",
        "[person.ben]\nidentities = [\"slack:ben\", \"discord:ben#1234\", \"web: \", \"slack:S012AB3CD\"]\n",
    ));
    assert_snapshot!(said(&folder.refusal(&[])), @"
    error: `slak:U012AB3CD`: there is no platform `slak`
    hint: did you mean slack:U012AB3CD?
    error: `irc:ada`: there is no platform `irc`
    hint: there are web, terminal, slack, discord
    error: `ben` is not the id of a member of Slack
    hint: write an id, not a name: slack:U012AB3CD
    error: `ben#1234` is not the id of a user of Discord
    hint: write an id, not a name: discord:80351110224678912
    error: ` ` is not the id of a visitor of the web page
    hint: write an id, not a name: web:5f3c0a1b
    error: `S012AB3CD` is not the id of a member of Slack
    hint: write an id, not a name: slack:U012AB3CD
    ");
    let right = "identities = [\"slack:U012AB3CD\", \"slack:W01\", \"discord:80351110224678912\", \"web:5f3c\"]\n";
    Folder::with(&format!("[person.ada]\n{right}")).load(&[]).expect("ids");
}

#[test]
fn groups_are_ids_of_platforms_that_have_groups() {
    let folder = Folder::with(concat!(
        "[team.data]\ngroups = [\"slack:@data\", \"discord:data\", \"slack:U012AB3CD\"]\n",
        "[role.lead]\ngroups = [\"web:leads\", \"S012AB3CD\"]\n",
    ));
    assert_snapshot!(said(&folder.refusal(&[])), @"
    error: `@data` is not the id of a user group of Slack
    hint: write an id, not a name: slack:S012AB3CD
    error: `data` is not the id of a role of Discord
    hint: write an id, not a name: discord:41771983423143936
    error: `U012AB3CD` is not the id of a user group of Slack
    hint: write an id, not a name: slack:S012AB3CD
    error: `web:leads`: there are no groups on web
    hint: there are slack, discord
    error: `S012AB3CD` does not say which platform it is of
    hint: write platform and id: slack:S012AB3CD
    ");
    let right = Folder::with(concat!(
        "[role.admin]\ngroups = [\"slack:S012AB3CD\", \"discord:41771983423143936\"]\n",
        "[role.lead]\ngroups = [\"slack:S012AB3CD\"]\n",
    ));
    right.load(&[]).expect("a group may give two roles");
}

#[test]
fn an_open_address_is_refused_only_with_the_page() {
    for open in ["0.0.0.0:80", "[::]:80", "192.0.2.1:80"] {
        assert!(by_environment(&[("STATIONMASTER_WEB__LISTEN", open)]).is_err(), "{open}");
        by_environment(&[("STATIONMASTER_WEB__LISTEN", open), ("STATIONMASTER_WEB__PAGE", "false")]).expect(open);
    }
    for loopback in ["127.0.0.1:80", "127.9.9.9:80", "[::1]:80"] {
        by_environment(&[("STATIONMASTER_WEB__LISTEN", loopback)]).expect(loopback);
    }
}

#[test]
fn a_file_that_is_none_is_refused() {
    let folder = Folder::with("");
    let missing = Config::load(Some(&folder.0.path().join("other.toml")), std::iter::empty()).expect_err("missing");
    assert!(missing.to_string().contains("other.toml"), "{missing}");
    std::fs::write(folder.file(), [0xff, 0xfe]).expect("written");
    assert!(folder.refusal(&[]).contains("UTF-8"));
}
