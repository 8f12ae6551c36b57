//! Who may what, over all platforms: by name and by group, as member and as guest, and never by what is not known.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::json;
use stationmaster::chat::{Action, Event, Input, Intent, PlatformName, Reply, Standing, Token};
use stationmaster::clock::Span;
use stationmaster::config::{Config, Person, Role, Team};
use stationmaster::desk::{self, acquaintance};

use crate::engine::{On, on_both};
use crate::house::{House, button, card_of, read};

/// One command for each kind of rule; they do nothing.
const RULES: &str = r#"
    [capability]
    name = "rules"
    title = "Rules"
    need = "As a developer I want rules so that I know what I may"
    owner = "data"
    maturity = "ga"
    [[command]]
    name = "anybody"
    summary = "For anybody"
    [[command]]
    name = "guests"
    summary = "For guests too"
    allow = { guests = true }
    [[command]]
    name = "data"
    summary = "For the team data"
    allow = { teams = ["data"] }
    [[command]]
    name = "admin"
    summary = "For administrators"
    allow = { roles = ["admin"] }
    [[command]]
    name = "careful"
    summary = "For anybody but administrators"
    allow = { except = ["admin"] }
    [[command]]
    name = "sure"
    summary = "Asks whether you are sure"
    confirm = "true"
    allow = { teams = ["data"] }
    [[command.param]]
    name = "what"
    type = "string"
    [[command]]
    name = "ada"
    summary = "For ada"
    allow = { people = ["ada"], guests = true }
"#;

fn configure(config: &mut Config) {
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let data = Team {
        members: words(&["ada"]),
        groups: words(&["slack:S0DATA", "discord:100000000000000001"]),
        ..Team::default()
    };
    config.team.insert("data".into(), data);
    config.role.insert("admin".into(), Role { groups: words(&["slack:S0ADMIN", "discord:100000000000000002"]) });
    let ada = Person { identities: words(&["slack:U0ADA", "web:ada"]), roles: words(&["lead"]), ..Person::default() };
    config.person.insert("ada".into(), ada);
}

async fn house(on: On) -> House {
    House::configured(on, &[RULES], configure).await.everywhere()
}

/// The commands that somebody can run, by trying each.
async fn runs(house: &House, platform: PlatformName, who: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in house.app.catalogue.load().commands.keys() {
        let said = house.say_on(platform, who, &format!("/{name} --dry-run")).await;
        match said {
            Reply::Card(card) if card.title.starts_with("What /") => found.push(name.clone()),
            Reply::Form(_) => found.push(name.clone()),
            Reply::Card(card) => assert!(card.title.starts_with("You cannot use"), "{card:#?}"),
            other => panic!("{other:#?}"),
        }
    }
    found
}

/// The commands that a card names in a list.
fn listed(reply: &Reply) -> Vec<String> {
    let body = read(&card_of(reply));
    let lines = body.lines().filter_map(|line| line.trim().strip_prefix("• /"));
    lines.map(|line| line.split(" – ").next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_b9_who_may_what_where_and_nothing_else_is_shown() {
    let house = house(On::Sqlite).await;
    let guest = |groups: &[&str]| Standing {
        guest: true,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Standing::default()
    };
    house.slack.put("U0DATA", &["S0DATA"]);
    house.slack.put("U0BOTH", &["S0OTHER", "S0ADMIN", "S0DATA"]);
    house.slack.stand("U0GUEST", guest(&[]));
    house.slack.stand("U0GUESTDATA", guest(&["S0DATA"]));
    house.slack.stand("U0ADA", guest(&[]));
    house.discord.put("7", &["100000000000000002"]);
    // The ids of one platform are nothing on another.
    house.discord.put("8", &["S0DATA", "S0ADMIN"]);
    house.chat.put("visitor", &["S0DATA", "100000000000000001"]);
    let table = [
        (PlatformName::Slack, "U0NOBODY"),
        (PlatformName::Slack, "U0DATA"),
        (PlatformName::Slack, "U0BOTH"),
        (PlatformName::Slack, "U0GUEST"),
        (PlatformName::Slack, "U0GUESTDATA"),
        (PlatformName::Slack, "U0ADA"),
        (PlatformName::Discord, "7"),
        (PlatformName::Discord, "8"),
        (PlatformName::Discord, "U0ADA"),
        (PlatformName::Web, "ada"),
        (PlatformName::Web, "visitor"),
        (PlatformName::Web, "U0DATA"),
    ];
    let mut lines = Vec::new();
    for (platform, who) in table {
        let may = runs(&house, platform, who).await;
        assert_eq!(listed(&house.say_on(platform, who, "/help").await), may, "{who}: help shows what may be run");
        assert_eq!(listed(&house.does_on(platform, who, Intent::OpenHome).await), may, "{who}: home too");
        assert_eq!(proposed(&house, platform, who).await, may, "{who}: completion too");
        for found in listed(&house.say_on(platform, who, "/help for the team of administrators").await) {
            let name = found.split(' ').next().expect("a name").to_owned();
            assert!(may.contains(&name), "{who}: search finds {name}");
        }
        lines.push(format!("{:8} {who:12} {}", platform.to_string(), may.join(" ")));
    }
    insta::assert_snapshot!(lines.join("\n"), @"
    slack    U0NOBODY     anybody careful guests
    slack    U0DATA       anybody careful data guests sure
    slack    U0BOTH       admin anybody data guests sure
    slack    U0GUEST      guests
    slack    U0GUESTDATA  guests
    slack    U0ADA        ada guests
    discord  7            admin anybody guests
    discord  8            anybody careful guests
    discord  U0ADA        anybody careful guests
    web      ada          ada anybody careful data guests sure
    web      visitor      anybody careful guests
    web      U0DATA       anybody careful guests
    ");
    insta::assert_snapshot!(read(&card_of(&house.say_on(PlatformName::Slack, "U0GUEST", "/anybody").await)), @"[bad] You cannot use `/anybody` here. You are a guest here, and it is not open to guests.");
    insta::assert_snapshot!(read(&card_of(&house.say_on(PlatformName::Slack, "U0BOTH", "/careful").await)), @"[bad] You cannot use `/careful` here. You are on its list of exceptions.");
    house.finish().await;
}

async fn proposed(house: &House, platform: PlatformName, who: &str) -> Vec<String> {
    let token = Token::received("say");
    let suggest = Intent::Suggest { token, typed: "/".into(), values: BTreeMap::new() };
    let Reply::Choices(choices) = house.does_on(platform, who, suggest).await else { panic!("no proposals") };
    let names = choices.iter().map(|choice| choice.label.trim_start_matches('/').to_owned());
    names.filter(|name| house.app.catalogue.load().commands.contains_key(name)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_rights_that_cannot_be_established_are_none() {
    on_both(|on| async move {
        let house = house(on).await;
        house.slack.put("U0DATA", &["S0DATA"]);
        assert_eq!(house.say_on(PlatformName::Slack, "U0DATA", "/data").await, Reply::Nothing);
        house.slack.is_mute.store(true, Ordering::SeqCst);
        for words in ["/data", "/anybody", "/help", "/link"] {
            let refused = card_of(&house.say_on(PlatformName::Slack, "U0DATA", words).await);
            insta::allow_duplicates! {
                insta::assert_snapshot!(read(&refused), @"
                [bad] Your rights cannot be established at the moment, because Slack does not say who you are. Nothing was started.
                  Hint: try the same again in a minute
                ");
            }
        }
        let person = house.app.store.person_of("slack", "U0DATA").await.expect("reads").expect("known");
        assert_eq!(house.app.store.requests_of(&person.id, 9).await.expect("reads").len(), 1, "nothing was started");
        house.slack.is_mute.store(false, Ordering::SeqCst);
        house.slack.put("U0DATA", &[]);
        let left = card_of(&house.say_on(PlatformName::Slack, "U0DATA", "/data").await);
        assert_eq!(left.title, "You cannot use `/data` here. It is for the team data.");
        house.settle().await;
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_who_left_meanwhile_cannot_confirm() {
    let house = house(On::Sqlite).await;
    house.slack.put("U0DATA", &["S0DATA"]);
    house.say_on(PlatformName::Slack, "U0DATA", "/sure this").await;
    house.settle().await;
    let yes = button(&house.cards_at(PlatformName::Slack, "place-U0DATA")[0], "Yes, go ahead");
    house.slack.put("U0DATA", &[]);
    let refused = card_of(&house.press_on(PlatformName::Slack, "U0DATA", &yes).await);
    assert_eq!(refused.title, "You cannot use `/sure` any more. It is for the team data.");
    house.slack.put("U0DATA", &["S0DATA"]);
    assert_eq!(house.press_on(PlatformName::Slack, "U0DATA", &yes).await, Reply::Nothing);
    house.settle().await;
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_an_event_does_not_say_is_the_known_one() {
    let house = house(On::Sqlite).await;
    let silent = |who: &str| {
        let mut event = house.event(who, Intent::Say { words: "/whoami".into() });
        event.platform = PlatformName::Slack;
        event.person.name = String::new();
        event
    };
    let named = async |event: &Event| card_of(&desk::handle(&house.app, event).await).title;
    assert_eq!(named(&silent("U0BEN")).await, "You are U0BEN");
    house.slack.call("U0CAN", "Can");
    assert_eq!(named(&silent("U0CAN")).await, "You are Can");
    let mut event = silent("U0CAN");
    event.person.name = "Canan".into();
    assert_eq!(named(&event).await, "You are Canan");
    assert_eq!(named(&silent("U0CAN")).await, "You are Canan");
    event.person = stationmaster::chat::Sender { id: "U0ADA".into(), name: "Ada L.".into() };
    assert_eq!(named(&event).await, "You are ada", "the configuration's name");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_has_the_last_word_on_who_somebody_is() {
    on_both(|on| async move {
        let mut house = house(on).await;
        house.slack.put("U0NEW", &["S0DATA"]);
        house.say_on(PlatformName::Slack, "U0NEW", "/data").await;
        house.settle().await;
        let own = house.app.store.person_of("slack", "U0NEW").await.expect("reads").expect("known").id;
        assert!(own.starts_with("per_"));
        let app = std::sync::Arc::get_mut(&mut house.app).expect("nobody else has it");
        app.config.person.get_mut("ada").expect("ada").identities.push("slack:U0NEW".into());
        assert_eq!(house.say_on(PlatformName::Slack, "U0NEW", "/ada").await, Reply::Nothing);
        house.settle().await;
        let requests = house.app.store.requests_of("ada", 9).await.expect("reads");
        assert_eq!(requests.len(), 2, "what they did before is theirs");
        assert_eq!(house.app.store.audit_of("ada").await.expect("reads")[0].action, "linked");

        let app = std::sync::Arc::get_mut(&mut house.app).expect("nobody else has it");
        app.config.person.get_mut("ada").expect("ada").identities.pop();
        let refused = card_of(&house.say_on(PlatformName::Slack, "U0NEW", "/ada").await);
        assert_eq!(refused.title, "You cannot use `/ada` here. It is for a few named people.");
        let person = house.app.store.person_of("slack", "U0NEW").await.expect("reads").expect("known").id;
        assert!(person.starts_with("per_") && person != own);
        assert_eq!(house.app.store.requests_of("ada", 9).await.expect("reads").len(), 2);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoami_says_what_one_is_and_why() {
    let house = house(On::Sqlite).await;
    house.slack.call("U0ADA", "Ada Lind");
    house.slack.put("U0ADA", &["S0DATA", "S0ADMIN"]);
    house.say("ada", "/whoami").await;
    insta::assert_snapshot!(read(&card_of(&house.say_on(PlatformName::Slack, "U0ADA", "/whoami").await)), @"
    [neutral] You are ada
      • Ada Lind on Slack (U0ADA), by the configuration
      • ada on the web page, by the configuration
      Id: ada
      Works: Mon-Fri 09:00-17:00, UTC
      Team: data, by the configuration
      Team: data, by the group S0DATA of Slack
      Role: admin, by the group S0ADMIN of Slack
      Role: lead, by the configuration
      (/link makes an identity of yours on another platform the same person)
    ");
    house.slack.stand("U0GUEST", Standing { guest: true, ..Standing::default() });
    let guest = read(&card_of(&house.say_on(PlatformName::Slack, "U0GUEST", "/whoami").await));
    let own = regex::Regex::new("per_[0-9a-f]{32}").expect("a pattern");
    insta::assert_snapshot!(own.replace_all(&guest, "per_…"), @"
    [neutral] You are U0GUEST
      • U0GUEST on Slack
      You are a guest here: only what is open to guests is for you.
      You are in no team.
      Id: per_…
      Works: Mon-Fri 09:00-17:00, UTC
      (/link makes an identity of yours on another platform the same person)
    ");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn home_shows_what_waits_what_was_done_and_what_is_used() {
    on_both(|on| async move {
        let house = house(on).await;
        let empty = card_of(&house.does("ada", Intent::OpenHome).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&empty), @"
            [neutral] Hello, ada
              To begin with
              • /ada – For ada
              • /anybody – For anybody
              • /careful – For anybody but administrators
              • /data – For the team data
              • /guests – For guests too
              • /sure – Asks whether you are sure
              [/ada] [/anybody] [/careful] [/data] [/guests] [/sure] [Run a command] [Search]
            ");
        }
        for words in ["/anybody", "/data", "/data", "/sure 'a thing with a name that is so long that nobody reads it'"]
        {
            assert_eq!(house.say("ada", words).await, Reply::Nothing);
            house.settle().await;
            house.clock.advance(Span::from_secs(60));
        }
        let home = card_of(&house.does("ada", Intent::OpenHome).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&home), @"
            [neutral] Hello, ada
              Waiting for you
              • /sure a thing with a name that is so…: are you sure? Asked for 1m ago
              Your latest requests
              • /data: succeeded, 2m ago
              • /data: succeeded, 3m ago
              • /anybody: succeeded, 4m ago
              What you use most
              • /data – For the team data
              • /sure – Asks whether you are sure
              • /anybody – For anybody
              [Yes: sure a thing with a name that is so…] [No: sure a thing with a name that is so…] [Run again: data] [Run again: anybody] [/data] [/sure] [/anybody] [Run a command] [Search]
            ");
        }
        assert!(home.buttons.iter().any(|button| button.action == Action::Fill("/help ".into())));
        let yes = button(&home, "Yes: sure a thing with a name that is so…");
        assert_eq!(house.press("ada", &yes).await, Reply::Nothing);
        house.settle().await;
        house.clock.advance(Span::from_secs(91 * 24 * 3600));
        let later = read(&card_of(&house.does("ada", Intent::OpenHome).await));
        assert!(later.contains("To begin with") && !later.contains("What you use most"), "{later}");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn home_says_so_where_nothing_may_be_run() {
    let rules = RULES.replace("[[command]]", "[[command]]\nallow.teams = ['nobody']");
    let rules = rules.lines().filter(|line| !line.trim().starts_with("allow =")).collect::<Vec<_>>().join("\n");
    let house = House::configured(On::Sqlite, &[&rules], configure).await;
    insta::assert_snapshot!(read(&card_of(&house.does("ada", Intent::OpenHome).await)), @"
    [neutral] Hello, ada
      There is no command here that you may run yet. /whoami shows what you belong to.
      [Run a command] [Search]
    ");
}

#[tokio::test(flavor = "multi_thread")]
async fn any_command_can_be_begun_from_one_field() {
    let house = house(On::Sqlite).await;
    let start = button(&card_of(&house.does("ada", Intent::OpenHome).await), "Run a command");
    let Reply::Form(form) = house.press("ada", &start).await else { panic!("no form") };
    let field = &form.fields[0];
    assert_eq!((form.title.as_str(), form.submit.as_str(), form.fields.len()), ("Run a command", "Go on", 1));
    assert_eq!((field.name.as_str(), &field.input), ("line", &Input::Lookup(Token::received("say"))));
    let submit = |line: &str| Intent::Submit {
        token: form.token.clone(),
        values: BTreeMap::from([("line".to_owned(), json!(line))]),
    };
    let Reply::Form(next) = house.does("ada", submit("/sure")).await else { panic!("no form") };
    assert_eq!(next.token.to_string(), "run:sure");
    assert_eq!(card_of(&house.does("ada", submit("/help data")).await).title, "For “data”");
    assert_eq!(house.press("ada", &Token::received("say:/data")).await, Reply::Nothing);
    let invoke = |command: &str, name: &str, value: &str| Intent::Invoke {
        command: command.into(),
        input: BTreeMap::from([(name.to_owned(), json!(value))]),
        dry_run: false,
    };
    assert_eq!(card_of(&house.does("ada", invoke("help", "words", "data")).await).title, "For “data”");
    assert_eq!(card_of(&house.does("ada", invoke("link", "code", "ABCD")).await).title, "There is no such code.");
    house.settle().await;
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn platforms_are_offered_every_command_and_what_is_built_in() {
    let house = house(On::Sqlite).await;
    let offers = desk::offers(&house.app.catalogue.load());
    let lines = offers.iter().map(|offer| format!("/{} {} – {}", offer.name, offer.usage(), offer.summary));
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @"
    /ada  – For ada
    /admin  – For administrators
    /anybody  – For anybody
    /careful  – For anybody but administrators
    /data  – For the team data
    /guests  – For guests too
    /sure what – Asks whether you are sure
    /help [words] – Find a command by what you mean
    /home  – See what waits for you and what you asked for
    /requests  – See your latest requests
    /surveys  – See what you are asked, and what came of it
    /approvals  – See what waits for you to decide
    /escalations  – See who needs your help
    /toil [window] – See what people did by hand, and what needed nobody
    /whoami  – See who you are here, and what you belong to
    /link [code] – Be one person on several platforms
    /unlink  – Make one of your identities a person of its own again
    /away [until] – Say that you are away, and who decides for you
    /oncall [team] – See who is on call
    ");
    for offer in offers.iter().filter(|offer| !offer.plans) {
        let reply = house.say("ada", &format!("/{}", offer.name)).await;
        let is_answered = match &reply {
            Reply::Card(card) => card.tone != stationmaster::chat::Tone::Bad,
            other => matches!(other, Reply::Form(_)),
        };
        assert!(is_answered, "{reply:#?}");
    }
    let suggest = Intent::Suggest { token: Token::received("say"), typed: "/h".into(), values: BTreeMap::new() };
    let Reply::Choices(choices) = house.does("ada", suggest).await else { panic!("no proposals") };
    let proposed: Vec<&str> = choices.iter().map(|choice| choice.value.as_str()).collect();
    assert_eq!(proposed, ["/help ", "/home"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_groups_are_known_before_they_speak() {
    on_both(|on| async move {
        let house = house(on).await;
        house.slack.call("U0QUIET", "Quinn");
        house.slack.put("U0QUIET", &["S0DATA", "S0ELSE"]);
        house.slack.put("U0ADA", &["S0ADMIN"]);
        house.slack.put("U0OTHER", &["S0ELSE"]);
        let members = async |team: &str| {
            let roster = house.app.roster().await.expect("a roster");
            roster.members(team).iter().map(|person| person.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(members("data").await, ["ada"]);
        assert_eq!(acquaintance::refresh(&house.app).await.expect("asked"), 0);
        assert_eq!(members("data").await, ["ada", "Quinn"]);
        let quiet = house.app.store.person_of("slack", "U0QUIET").await.expect("reads").expect("is known");
        let roster = house.app.roster().await.expect("a roster");
        assert_eq!(roster.reach(&quiet.id)[0].place, "@U0QUIET");
        assert!(roster.person("ada").expect("is known").roles.contains(&"admin".to_owned()), "by a declared identity");
        assert!(house.app.store.person_of("slack", "U0OTHER").await.expect("reads").is_none(), "of no named group");
        // What a group gave is gone with it; groups that nobody names are as they were.
        house.slack.put("U0QUIET", &["S0ELSE"]);
        acquaintance::refresh(&house.app).await.expect("asked");
        assert_eq!(members("data").await, ["ada"]);
        let identity = &house.app.store.identities_of(&quiet.id).await.expect("reads")[0];
        assert_eq!(identity.groups(), ["S0ELSE"]);
        // Whoever does not say leaves everything as it is; whoever does not answer is asked again.
        house.slack.put("U0QUIET", &["S0DATA"]);
        house.slack.is_discreet.store(true, Ordering::SeqCst);
        acquaintance::refresh(&house.app).await.expect("asked");
        house.slack.is_mute.store(true, Ordering::SeqCst);
        assert!(acquaintance::refresh(&house.app).await.is_err());
        assert_eq!(members("data").await, ["ada"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_tells_where_somebody_is() {
    let house = house(On::Sqlite).await;
    let zone = |zone: &str| Standing { zone: Some(zone.to_owned()), ..Standing::default() };
    house.slack.stand("U0QUIET", zone("Asia/Tokyo"));
    assert!(
        read(&card_of(&house.say_on(PlatformName::Slack, "U0QUIET", "/whoami").await)).contains("17:00, Asia/Tokyo")
    );
    house.slack.stand("U0QUIET", zone("Europe/Berlin"));
    assert!(
        read(&card_of(&house.say_on(PlatformName::Slack, "U0QUIET", "/whoami").await)).contains("17:00, Europe/Berlin")
    );
    house.slack.stand("U0QUIET", Standing::default());
    let kept = read(&card_of(&house.say_on(PlatformName::Slack, "U0QUIET", "/whoami").await));
    assert!(kept.contains("17:00, Europe/Berlin"), "what was said last stays: {kept}");
}
