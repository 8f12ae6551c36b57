//! The configuration of people: when teams work, who is on call, who is asked for help, and as whom one may speak.

use insta::assert_snapshot;
use secrecy::ExposeSecret;

use crate::config::{Folder, by_environment, said};

#[test]
fn teams_say_when_they_work_and_who_is_on_call() {
    let folder = Folder::with(concat!(
        "[team.data]\nzone = \"Berlin\"\nhours = \"9 to 5\"\n[team.data.oncall]\n",
        "people = [\"ada\"]\nsince = \"Monday\"\nevery = \"weekly\"\nrota = 1\n",
        "[[team.data.oncall.override]]\nperson = \"ben\"\nfrom = \"2026-12-01\"\n",
    ));
    assert_snapshot!(said(&folder.refusal(&[])), @"
    error: `Berlin` is not a time zone
    hint: did you mean Europe/Berlin?
    error: `9` in `9 to 5` is not a time from 00:00-24:00
    hint: write for example Mon-Fri 09:00-17:00
    error: `Monday` is not a date with a time
    hint: write for example 2026-11-02T09:00
    error: `weekly` is not a duration
    hint: write for example 30s, 10m, 2h or 1d
    error: there is no key `rota` in `[team.data.oncall]`
    hint: it takes `override`, `pagerduty` or `opsgenie`
    error: `until` is missing in `[[team.data.oncall.override]]`
    ");
    let folder = Folder::with(concat!(
        "[team.data]\nmembers = [\"slack:U012AB3CD\", \"ada\", \"ada\"]\nlead = \"Ada Lovelace\"\n",
        "channels = [\"slack:#data\", \"discord:data\", \"web:data\", \"C012AB3CD\"]\n",
        "[team.data.oncall]\npeople = [\"ada\", \"@ben\"]\n",
        "[[team.data.oncall.override]]\nperson = \"\"\nfrom = \"2026-12-02\"\nuntil = \"2026-12-01T09:00\"\n",
        "[team.web.oncall]\nsince = \"2026-11-02\"\nevery = \"1m\"\n[person.ada]\nopsgenie = \" \"\n",
    ));
    assert_snapshot!(said(&folder.refusal(&[])), @r#"
    error: `#data` is not the id of a conversation of Slack
    hint: write an id, not a name: slack:C012AB3CD
    error: `data` is not the id of a channel of Discord
    hint: write an id, not a name: discord:81384788765712384
    error: `web:data`: there are no conversations of several people on web
    hint: there are slack, discord
    error: `C012AB3CD` does not say which platform it is of
    hint: write platform and id: slack:C012AB3CD
    error: `slack:U012AB3CD` is an identity on slack, not the name of a person
    hint: write a name, such as ada, and [person.ada] identities = ["slack:U012AB3CD"]
    error: `ada` is in the list twice
    hint: keep one of them
    error: `Ada Lovelace` is not the name of a person
    hint: write a name, such as ada
    error: `@ben` is not the name of a person
    hint: write a name, such as ada
    error: it is not said when they take turns
    hint: give since = "2026-11-02T09:00" and every = "1w"
    error: `` is not the name of a person
    hint: write a name, such as ada
    error: it ends at 2026-12-01T09:00, before it begins
    hint: write a time after `from`
    error: it is not said who takes turns
    hint: give people = ["ada", "ben"]
    error: a turn of 1m is too short
    hint: write 1h or more; 1w is usual
    error: nobody is called that there
    hint: write the id that the service has for them, or leave the key out
    "#);
    let right = Folder::with(concat!(
        "[team.data]\nmembers = [\"ada\", \"per_01k\"]\nlead = \"ada\"\nchannels = [\"slack:C012AB3CD\"]\n",
        "zone = \"Europe/Berlin\"\nhours = \"Mon-Thu 08:00-16:30, Fri 08:00-12:00\"\n",
        "[team.data.oncall]\npeople = [\"ada\", \"ben\"]\nsince = \"2026-11-02T09:00\"\nevery = \"1w\"\n",
        "[[team.data.oncall.override]]\nperson = \"ben\"\nfrom = \"2026-12-01\"\nuntil = \"2026-12-02 12:00\"\n",
        "[person.ada]\nzone = \"UTC\"\nhours = \"Mon 09:00-12:00\"\npagerduty = \"PXPGF42\"\n",
    ));
    assert_eq!(right.load(&[]).expect("a configuration").team["data"].oncall.overrides.len(), 1);
}

#[test]
fn help_has_a_last_team_and_times() {
    let folder = Folder::with(concat!(
        "[team.platform]\n[escalation]\nteam = \"platfrom\"\n[escalation.claim]\nbest_effort = \"1d\"\n",
        "business-hours = \"5s\"\n[pagerduty]\napi_url = \"pagerduty\"\nevents_url = \"https://events.example.org/\"\n",
    ));
    assert_snapshot!(said(&folder.refusal(&[])), @"
    error: there is no key `best_effort` in `[escalation.claim]`
    hint: did you mean `best-effort`?
    ");
    let folder = Folder::with(concat!(
        "[team.platform]\n[escalation]\nteam = \"platfrom\"\n[escalation.claim]\n",
        "business-hours = \"5s\"\n[pagerduty]\napi_url = \"pagerduty\"\nevents_url = \"https://events.example.org/\"\n",
    ));
    assert_snapshot!(said(&folder.refusal(&[])), @"
    error: there is no team `platfrom`
    hint: did you mean platform?
    error: nobody can take it so soon
    hint: write 1m or more
    error: this is not the address of an API
    hint: write for example https://api.eu.pagerduty.com
    error: paths are put behind this address, so it has no slash at its end
    hint: leave out the slash at its end: https://events.example.org
    ");
}

#[test]
fn secrets_of_paging_services_are_never_shown() {
    let folder = Folder::with(concat!(
        "[team.data.oncall]\npagerduty = { schedule = \" \", routing_key = \"hush1\", id = 1 }\n",
        "[team.web.oncall]\nopsgenie.key = [\"hush2\"]\n[pagerduty]\ntoken = { hush3 = 1 }\n[opsgenie]\nkey = \"hush4\n",
    ));
    let refusal = folder.refusal(&[("STATIONMASTER_OPSGENIE__APIKEY", "hush5")]);
    assert!(!refusal.contains("hush"), "{refusal}");
    assert_snapshot!(refusal, @r#"
    The configuration has 5 mistakes.

    error: there is no key `id` in `pagerduty`
    --> DIR/stationmaster.toml:2:54

    error: `key` takes text in quotes
    --> DIR/stationmaster.toml:4:16

    error: `token` takes text in quotes
    --> DIR/stationmaster.toml:6:9

    error: this text is not closed
    --> DIR/stationmaster.toml:8:13
     = hint: end it with "

    STATIONMASTER_OPSGENIE__APIKEY: there is no such setting
    hint: there are key, api_url
    "#);
    let folder = Folder::with(concat!(
        "[team.data.oncall]\npagerduty = { schedule = \" \", routing_key = \"hush 1\" }\n",
        "[team.web.oncall.opsgenie]\nkey = \"xoxb-hush2\"\n[pagerduty]\ntoken = \"changeme\"\n",
    ));
    let refusal = folder.refusal(&[("STATIONMASTER_OPSGENIE__KEY", " ")]);
    assert!(!refusal.contains("hush"), "{refusal}");
    assert_snapshot!(refusal, @"
    The configuration has 4 mistakes.

    error: this is no schedule
    --> DIR/stationmaster.toml:2:26
     = hint: write its id, or leave the key out

    team.data.oncall.pagerduty.routing_key: this secret has white space in it
    hint: copy it from the service's page, or leave the key out

    pagerduty.token: this is a sample, not a secret
    hint: copy it from the service's page, or leave the key out

    STATIONMASTER_OPSGENIE__KEY: this secret is empty
    hint: copy it from the service's page, or leave the key out
    ");
    let folder = tempfile::tempdir().expect("a folder");
    let key = folder.path().join("key");
    std::fs::write(&key, "hush6\n").expect("written");
    let file = [
        ("STATIONMASTER_TEAM__DATA__ONCALL__PAGERDUTY__ROUTING_KEY_FILE", key.to_str().expect("a path")),
        ("STATIONMASTER_TEAM__DATA__ONCALL__PAGERDUTY__SCHEDULE", "PI7DH85"),
    ];
    let config = by_environment(&file).expect("a configuration");
    assert!(!format!("{config:?}").contains("hush"));
    let pagerduty = config.team["data"].oncall.pagerduty.as_ref().expect("a schedule");
    assert_eq!(pagerduty.routing_key.as_ref().expect("a key").expose_secret(), "hush6");
}

#[test]
fn personas_are_persons_whom_the_page_can_tell() {
    let folder = Folder::with(concat!(
        "[web]\nlisten = \"0.0.0.0:80\"\npage = false\npersonas = [\"ada\", \"ben\", \"cleo\"]\n",
        "[person.ada]\nidentities = [\"web:ada\"]\n[person.ben]\nidentities = [\"terminal:ben\"]\n",
    ));
    assert_snapshot!(said(&folder.refusal(&[])), @r#"
    error: whoever reaches 0.0.0.0:80 could speak as somebody else
    hint: leave this out where others than this machine reach the page
    error: the page cannot tell that `web:ben` is ben
    hint: add [person.ben] with identities = ["web:ben"]
    error: the page cannot tell that `web:cleo` is cleo
    hint: add [person.cleo] with identities = ["web:cleo"]
    "#);
    let right = "[web]\npersonas = [\"ada\"]\n[person.ada]\nidentities = [\"web:ada\"]\n";
    Folder::with(right).load(&[]).expect("a configuration");
}
