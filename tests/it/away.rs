//! Being away, and who decides meanwhile; and who is on call.

use std::collections::BTreeMap;

use stationmaster::chat::PlatformName::{Slack, Web};
use stationmaster::chat::{Form, Intent, PlatformName, Reply, Standing, Token};
use stationmaster::clock::Span;
use stationmaster::config::{Config, Person, Team};

use crate::engine::{On, START, on_both};
use crate::house::{House, button, card_of, read};

const HOUR: Span = Span::from_secs(3600);

fn configure(config: &mut Config) {
    let mut person = |name: &str, identities: &[&str], zone: Option<&str>| {
        let identities = identities.iter().map(|identity| (*identity).to_owned()).collect();
        let zone = zone.map(|zone| zone.parse().expect("a zone"));
        config.person.insert(name.to_owned(), Person { identities, zone, ..Person::default() });
    };
    person("ada", &["web:ada"], Some("Europe/Berlin"));
    person("ben", &["slack:U0BEN"], None);
    person("cleo", &["slack:U0CLEO"], None);
    let team = "members = ['ada', 'ben']\nzone = 'Europe/Berlin'\nchannels = ['slack:C0DATA']\n\
                oncall = { people = ['ada', 'ben'], since = '2026-11-23T09:00', every = '1w' }\n";
    config.team.insert("data".into(), toml::from_str(team).expect("a team"));
    config.team.insert("web".into(), Team { members: vec!["cleo".into()], ..Team::default() });
    config.team.insert("quiet".into(), Team { channels: vec!["slack:C0QUIET".into()], ..Team::default() });
    config.team.insert("empty".into(), Team::default());
    let later = "members = ['cleo']\noncall = { people = ['ada'], since = '2026-12-31T09:00' }\n";
    config.team.insert("later".into(), toml::from_str(later).expect("a team"));
}

async fn house(on: On) -> House {
    let house = House::configured(on, &[], configure).await.everywhere();
    let zone = Some("America/New_York".to_owned());
    house.slack.stand("U0BEN", Standing { name: Some("Ben".into()), zone, ..Standing::default() });
    // Whoever was never seen can be reached nowhere.
    for who in ["U0BEN", "U0CLEO"] {
        house.say_on(Slack, who, "/home").await;
    }
    house
}

fn form_of(reply: Reply) -> Form {
    match reply {
        Reply::Form(form) => form,
        other => panic!("no form: {other:#?}"),
    }
}

/// A form as it reads: the title, and each field with its value and its error.
fn shown(form: &Form) -> String {
    let field = |field: &stationmaster::chat::Field| {
        let value = field.value.as_ref().and_then(|value| value.as_str()).unwrap_or_default();
        let error = field.error.as_ref().map(|error| format!(" ! {error}")).unwrap_or_default();
        format!("{}{}: {value}{error}", field.name, if field.required { "*" } else { "" })
    };
    let fields: Vec<String> = form.fields.iter().map(field).collect();
    format!("{}\n{}", form.title, fields.join("\n"))
}

async fn sends(house: &House, who: &str, values: &[(&str, &str)]) -> Reply {
    let values = values.iter().map(|(name, value)| ((*name).to_owned(), (*value).into()));
    let token = Token::new("away", "");
    let reply = house.does(who, Intent::Submit { token, values: values.collect::<BTreeMap<_, _>>() }).await;
    house.settle().await;
    reply
}

async fn says(house: &House, (platform, who): (PlatformName, &str), words: &str) -> String {
    let reply = house.say_on(platform, who, words).await;
    house.settle().await;
    read(&card_of(&reply))
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_is_away_and_somebody_else_decides() {
    on_both(|on| async move {
        let house = house(on).await;
        let form = form_of(house.say("ada", "/away").await);
        let submit = (form.token.to_string(), form.submit.clone(), form.fields[1].label.clone());
        assert_eq!(submit, ("away:".into(), "I am away".into(), "Who decides for you".into()));
        let values = [("until", "2026-12-04"), ("delegate", "slack:U0BEN"), ("because", "a wedding")];
        let noted = card_of(&sends(&house, "ada", &values).await);
        let told = house.cards_at(Slack, "@U0BEN").iter().map(read).collect::<Vec<_>>().join("\n");
        let whoami = says(&house, (Web, "ada"), "/whoami").await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&noted), @"
            [waiting] You are away
              • Until Fri 4 Dec, 00:00 CET: ben decides for you (a wedding)
              [I am back] [Change it]
              (An absence ends by itself; /away back ends it early)
            ");
            insta::assert_snapshot!(told, @"
            [waiting] ada is away, and you decide for them
              What ada would be asked to decide comes to you until then.
              From: Tue 1 Dec, 04:00 EST
              Until: Thu 3 Dec, 18:00 EST
              Because: a wedding
              (If you cannot do it, tell ada: they can name somebody else)
            ");
            insta::assert_snapshot!(whoami, @"
            [neutral] You are ada
              • ada on the web page, by the configuration
              Id: ada
              Works: Mon-Fri 09:00-17:00, Europe/Berlin
              Away: until Fri 4 Dec, 00:00 CET; ben decides for you
              Team: data, by the configuration
              (/link makes an identity of yours on another platform the same person)
            ");
        }
        let roster = house.app.roster().await.expect("a roster");
        assert!(roster.is_away("ada", START) && !roster.is_away("ben", START));
        assert_eq!(roster.stand_ins("ada", START), ["ben"]);
        let back = button(&noted, "I am back");
        assert!(read(&card_of(&house.press_on(Slack, "U0BEN", &back).await)).contains("no absence of yours"));
        assert!(read(&card_of(&house.press("ada", &back).await)).contains("Welcome back"));
        assert!(read(&card_of(&house.press("ada", &back).await)).contains("no absence of yours"), "once is enough");
        assert!(!house.app.roster().await.expect("a roster").is_away("ada", START));
        let acts = house.app.store.audit_of(back.parts().1).await.expect("reads");
        let acts: Vec<String> =
            acts.iter().map(|entry| format!("{} {} {}", entry.actor, entry.action, entry.detail)).collect();
        assert_eq!(acts, ["ada away until 1796338800000; ben decides meanwhile", "ada back "]);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_absence_ends_by_itself_and_a_new_one_takes_its_place() {
    on_both(|on| async move {
        let house = house(on).await;
        says(&house, (Web, "ada"), "/away until 18:00 to ben").await;
        says(&house, (Web, "ada"), "/away from 2026-12-24 until 2026-12-27 to cleo because of holidays").await;
        let both = says(&house, (Web, "ada"), "/away").await;
        insta::allow_duplicates! { insta::assert_snapshot!(both, @"
        [waiting] You are away
          • Until Tue 1 Dec, 18:00 CET: ben decides for you
          • Thu 24 Dec, 00:00 CET to Sun 27 Dec, 00:00 CET: cleo decides for you (holidays)
          [I am back] [Call it off] [Change it]
          (An absence ends by itself; /away back ends it early)
        "); }
        says(&house, (Web, "ada"), "/away 3d").await;
        let absences = house.app.store.absences(START).await.expect("reads");
        let shown: Vec<_> = absences.iter().map(|absence| (absence.delegate.as_deref(), absence.until_at)).collect();
        assert_eq!(shown.len(), 2, "the first one was replaced, the holidays were not: {shown:?}");
        assert_eq!(shown[0], (None, START + 72 * HOUR.millis()));
        house.clock.advance(Span::from_secs(72 * 3600 - 1));
        let now = house.clock.now();
        assert!(house.app.roster().await.expect("a roster").is_away("ada", now));
        house.clock.advance(Span::from_secs(1));
        let now = house.clock.now();
        assert!(!house.app.roster().await.expect("a roster").is_away("ada", now));
        assert!(says(&house, (Web, "ada"), "/away back").await.contains("no absence of yours"));
        let planned = card_of(&house.say("ada", "/away").await);
        let off = house.press("ada", &button(&planned, "Call it off")).await;
        assert!(read(&card_of(&off)).contains("Welcome back"), "{off:?}");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delegate_who_is_away_too_is_said() {
    let house = house(On::Sqlite).await;
    says(&house, (Slack, "U0BEN"), "/away until 2026-12-03 to cleo").await;
    let first = says(&house, (Web, "ada"), "/away until 2026-12-05 to ben").await;
    assert!(first.contains("ben is away too, until Thu 3 Dec, 06:00 CET; until then cleo decides for you"), "{first}");
    let round = says(&house, (Slack, "U0CLEO"), "/away until 2026-12-03 to ada").await;
    assert!(round.contains("until then nobody decides for you"), "they wait for each other: {round}");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_stands_beside_its_field_and_nothing_typed_is_lost() {
    let house = house(On::Sqlite).await;
    let mut all = Vec::new();
    for line in [
        "/away until later to bne because of the sea",
        "/away until 2026-11-30 to ada",
        "/away from 2026-12-24 until 2026-12-23 to slack:U0EVE",
        "/away to ben",
        "/away until 2029-01-01 to Ben",
    ] {
        all.push(shown(&form_of(house.say("ada", line).await)));
    }
    let long = "x".repeat(301);
    let values = [("until", "3d"), ("because", long.as_str())];
    assert_eq!(form_of(sends(&house, "ada", &values).await).fields[3].value, Some(long.into()));
    assert!(house.app.store.absences(0).await.expect("reads").is_empty());
    insta::assert_snapshot!(all.join("\n\n"), @"
    Say that you are away
    until*: later ! `later` is not a time; write for example 2026-12-01, 2026-12-01 18:00, Monday or 3d
    delegate: bne ! Nobody here is known as `bne`; did you mean ben?
    from: 
    because: the sea

    Say that you are away
    until*: 2026-11-30 ! That is over already; write a time that is to come.
    delegate: ada ! That is you; name somebody else, or leave it empty.
    from: 
    because: 

    Say that you are away
    until*: 2026-12-23 ! That is before it begins; write a later time.
    delegate: slack:U0EVE ! Nobody here is known as `slack:U0EVE`; ask them to say /whoami here once, and write the id that it shows.
    from: 2026-12-24
    because: 

    Say that you are away
    until*:  ! This is needed: a date, a day of the week, or how long.
    delegate: ben
    from: 
    because: 

    Say that you are away
    until*: 2029-01-01 ! That is over a year; write an earlier time, and another absence when it comes.
    delegate: Ben ! Nobody here is known as `Ben`; did you mean ben?
    from: 
    because:
    ");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_on_call_is_said_with_until_when_and_how_that_is_known() {
    let house = house(On::Sqlite).await;
    insta::assert_snapshot!(says(&house, (Web, "ada"), "/oncall").await, @"
    [neutral] Who is on call
      • data: ben until Mon 7 Dec, 09:00 CET, then ada, by the rotation
      • empty: nobody is declared, and nobody can be asked: it has no channel, and none of its members is known anywhere
      • later: ada from Thu 31 Dec, 10:00 CET; until then nobody is declared, and its members are asked directly
      • quiet: nobody is declared, and the team's channel is asked
      • web: nobody is declared, and its members are asked directly
      (/away says that you are away; rotations are declared in the configuration)
    ");
    says(&house, (Slack, "U0BEN"), "/away until 2026-12-03 to cleo").await;
    insta::assert_snapshot!(says(&house, (Slack, "U0BEN"), "/oncall data").await, @"
    [neutral] Who is on call for data
      • data: ben until Mon 7 Dec, 03:00 EST, then ada, by the rotation. ben is away until Thu 3 Dec, 00:00 EST, and cleo stands in
      (/away says that you are away; rotations are declared in the configuration)
    ");
    let refused = says(&house, (Web, "ada"), "/oncall dta").await;
    assert!(refused.contains("There is no team") && refused.contains("did you mean /oncall data?"), "{refused}");
    let nobody = House::with(On::Sqlite, &[]).await;
    assert!(read(&card_of(&nobody.say("ada", "/oncall").await)).contains("There are no teams"));
    house.finish().await;
}
