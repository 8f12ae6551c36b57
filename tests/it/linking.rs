//! One person on several platforms: said on one, agreed to on the other, and never by a code alone.

use std::collections::BTreeMap;

use stationmaster::catalogue::resolve::{Asked, Asker, Resolved};
use stationmaster::chat::PlatformName::{Discord, Slack, Web};
use stationmaster::chat::{Card, PlatformName, Reply, Token};
use stationmaster::clock::Span;
use stationmaster::config::{Config, Person, Team};
use stationmaster::request::{self, Accepted, Origin};

use crate::engine::{On, on_both};
use crate::house::{House, button, card_of, read};

const FILE: &str = r#"
    [capability]
    name = "things"
    title = "Things"
    need = "As a developer I want things so that I have them"
    owner = "data"
    maturity = "ga"
    [[command]]
    name = "thing"
    summary = "Make a thing"
    confirm = "true"
    [[command]]
    name = "data"
    summary = "For the team data"
    allow = { teams = ["data"] }
"#;

type Who = (PlatformName, &'static str);

const ADA: Who = (Slack, "U0ADA");
const BEN: Who = (Discord, "100000000000000009");
const EVE: Who = (Web, "eve");

/// Declares these identities as persons of their own.
fn configure(config: &mut Config, declared: &[(&str, Who)]) {
    let data = Team { groups: vec!["slack:S0DATA".into()], ..Team::default() };
    config.team.insert("data".into(), data);
    for (name, (platform, id)) in declared {
        let identities = vec![format!("{platform}:{id}")];
        config.person.insert((*name).to_owned(), Person { identities, ..Person::default() });
    }
}

async fn house(on: On) -> House {
    house_of(on, &[]).await
}

/// A house whose configuration declares these persons.
async fn house_of(on: On, declared: &[(&str, Who)]) -> House {
    let house = House::configured(on, &[FILE], |config| configure(config, declared)).await.everywhere();
    house.slack.call(ADA.1, "Ada");
    house.discord.call(BEN.1, "ben_99");
    house
}

async fn says(house: &House, (platform, id): Who, words: &str) -> Card {
    card_of(&house.say_on(platform, id, words).await)
}

async fn presses(house: &House, (platform, id): Who, token: &Token) -> Reply {
    let reply = house.press_on(platform, id, token).await;
    house.settle().await;
    reply
}

async fn person(house: &House, (platform, id): Who) -> String {
    house.app.store.person_of(&platform.to_string(), id).await.expect("reads").expect("was seen").id
}

/// A new code, without its hyphen.
async fn code(house: &House, who: Who) -> String {
    let card = says(house, who, "/link").await;
    card.title.trim_start_matches("Your code is ").replace('-', "")
}

/// What somebody is shown directly.
fn told(house: &House, (platform, id): Who) -> Vec<Card> {
    house.cards_at(platform, &format!("@{id}"))
}

/// A card as it reads, whatever its code.
fn reads(card: &Card) -> String {
    let code = regex::Regex::new("[A-HJKMNP-Z2-9]{4}-[A-HJKMNP-Z2-9]{4}").expect("a pattern");
    code.replace_all(&read(card), "CODE-CODE").into_owned()
}

/// Both sides agree.
async fn link(house: &House, first: Who, other: Who) {
    let code = code(house, first).await;
    let sure = button(&says(house, other, &format!("/link {code}")).await, "Yes, that is me");
    presses(house, other, &sure).await;
    let yes = Token::new("link-yes", &code);
    assert_eq!(presses(house, first, &yes).await, Reply::Nothing);
    assert_eq!(person(house, first).await, person(house, other).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_a_code_shows_who_asks_and_gives_nothing() {
    on_both(|on| async move {
        let house = house(on).await;
        let offered = says(&house, ADA, "/link").await;
        let code = offered.title.trim_start_matches("Your code is ").to_owned();
        let checked = says(&house, BEN, &format!("/link {}", code.to_lowercase())).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&offered), @"
            [waiting] Your code is CODE-CODE
              Say this where you want to be the same person, on Slack, on Discord or on the web page:
              /link CODE-CODE
              It is good once, for 10 minutes. Keep it to yourself: whoever says it may become you, once you have agreed.
              (Your rights count there only after both sides have agreed)
            ");
            insta::assert_snapshot!(reads(&checked), @"
            [waiting] Are you Ada on Slack?
              You are about to become the same person. Whoever is Ada there will be able to do all that you may, see your requests and cancel them.
              Go on only if you asked for this code yourself.
              Name: Ada
              On: Slack
              Id: U0ADA
              [Yes, that is me] [No]
            ");
        }
        let dropped = card_of(&presses(&house, BEN, &button(&checked, "No")).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&dropped), @"
            [neutral] Nothing was changed
              You are still two persons here. Whoever gave you that code: do not use it again.
            ");
        }
        assert!(told(&house, ADA).is_empty(), "nobody is asked anything");
        assert_ne!(person(&house, ADA).await, person(&house, BEN).await, "a code alone gives nothing");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b6_two_identities_become_one_person_when_both_sides_agree() {
    on_both(|on| async move {
        let house = house(on).await;
        house.slack.put(ADA.1, &["S0DATA"]);
        let code = code(&house, ADA).await;
        let checked = says(&house, BEN, &format!("/link {code}")).await;
        let sent = presses(&house, BEN, &button(&checked, "Yes, that is me")).await;
        let asked = told(&house, ADA).remove(0);
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&card_of(&sent)), @"
            [waiting] Now say yes on Slack
              A question waits there for Ada, for 10 minutes. Until it is answered, nothing changes.
            ");
            insta::assert_snapshot!(reads(&asked), @"
            [waiting] Are you ben_99 on Discord?
              Somebody signed in as ben_99 on Discord said your code and wants to be the same person as you. They will be able to do all that you may, see your requests and cancel them.
              Name: ben_99
              On: Discord
              Id: 100000000000000009
              [Yes, it is me] [No]
              (The question stands for 10 minutes)
            ");
        }
        assert_ne!(person(&house, ADA).await, person(&house, BEN).await, "one side alone gives nothing");
        let denied = says(&house, BEN, "/data").await;
        assert_eq!(denied.title, "You cannot use `/data` here. It is for the team data.");

        assert_eq!(presses(&house, ADA, &button(&asked, "Yes, it is me")).await, Reply::Nothing);
        let (first, other) = (told(&house, ADA), told(&house, BEN));
        assert_eq!((first.len(), other.len()), (1, 1), "the question is answered in place");
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&first[0]), @"
            [good] You are one person now
              Here and as ben_99 on Discord: your requests, teams and roles are the same in both places.
              (/whoami shows all of you, /unlink parts you again)
            ");
            insta::assert_snapshot!(reads(&other[0]), @"
            [good] You are one person now
              Here and as Ada on Slack: your requests, teams and roles are the same in both places.
              (/whoami shows all of you, /unlink parts you again)
            ");
        }
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_either_did_and_may_is_both_s_once_they_are_one() {
    on_both(|on| async move {
        let house = house(on).await;
        house.slack.put(ADA.1, &["S0DATA"]);
        house.say_on(BEN.0, BEN.1, "/thing").await;
        house.settle().await;
        link(&house, ADA, BEN).await;
        let trail = house.app.store.audit_of(&person(&house, BEN).await).await.expect("reads");
        let linked = trail.iter().find(|entry| entry.action == "linked").expect("on the record");
        assert!(linked.detail.contains("slack:U0ADA and discord:100000000000000009"), "{linked:?}");
        assert_eq!(house.say_on(BEN.0, BEN.1, "/data").await, Reply::Nothing);
        let home = says(&house, ADA, "/home").await;
        assert_eq!(presses(&house, ADA, &button(&home, "Yes: thing")).await, Reply::Nothing);
        assert_eq!(house.cards_at(Discord, &format!("place-{}", BEN.1))[0].title, "Make a thing – done");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_code_that_does_not_serve_says_why() {
    let house = house(On::Sqlite).await;
    let title = async |who: Who, code: &str| says(&house, who, &format!("/link {code}")).await.title;
    let first = code(&house, ADA).await;
    assert_eq!(title(ADA, &first).await, "This code is your own: it was shown to you, right here.");
    assert_eq!(title(BEN, "2222-2222").await, "There is no such code.");
    assert_eq!(title(BEN, "' or 1=1 --").await, "There is no such code.");
    let second = code(&house, ADA).await;
    assert_eq!(title(BEN, &first).await, "There is no such code.", "a newer one takes its place");
    house.clock.advance(Span::from_secs(600));
    assert_eq!(title(BEN, &second).await, "The time of this code is over.");
    link(&house, ADA, BEN).await;
    let used = code(&house, ADA).await;
    assert_eq!(title(BEN, &used).await, "You are one person already.");
    let sure = button(&says(&house, EVE, &format!("/link {used}")).await, "Yes, that is me");
    presses(&house, EVE, &sure).await;
    presses(&house, ADA, &Token::new("link-yes", &used)).await;
    assert_eq!(title((Web, "someone"), &used).await, "This code was used already.");
    let refused = code(&house, ADA).await;
    let mallory = (Web, "mallory");
    presses(&house, mallory, &button(&says(&house, mallory, &format!("/link {refused}")).await, "Yes, that is me"))
        .await;
    presses(&house, ADA, &Token::new("link-no", &refused)).await;
    assert_eq!(title(mallory, &refused).await, "The answer to this code was no.");
    insta::assert_snapshot!(reads(&told(&house, mallory)[0]), @"
    [neutral] The answer was no
      Here and Ada on Slack stay two persons. Nothing was changed.
    ");
    assert_ne!(person(&house, mallory).await, person(&house, ADA).await);
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn codes_cannot_be_guessed_for_long() {
    on_both(|on| async move {
        let house = house(on).await;
        let right = code(&house, ADA).await;
        for number in 2..=6 {
            let card = says(&house, EVE, &format!("/link 2222222{number}")).await;
            assert_eq!(card.title, "There is no such code.");
        }
        let refused = says(&house, EVE, &format!("/link {right}")).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&refused), @"
            [bad] Too many codes were wrong.
              Hint: try again in 10m
            ");
        }
        assert_eq!(says(&house, BEN, &format!("/link {right}")).await.title, "Are you Ada on Slack?");
        house.clock.advance(Span::from_secs(599));
        assert_eq!(says(&house, EVE, "/link 22222222").await.title, "Too many codes were wrong.");
        house.clock.advance(Span::from_secs(1));
        assert_eq!(says(&house, EVE, "/link 22222222").await.title, "There is no such code.");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_nobody_answers_for_somebody_else() {
    let house = house(On::Sqlite).await;
    let code = code(&house, ADA).await;
    let sure = button(&says(&house, BEN, &format!("/link {code}")).await, "Yes, that is me");
    for verb in ["link-yes", "link-no"] {
        let early = presses(&house, ADA, &Token::new(verb, &code)).await;
        assert_eq!(card_of(&early).title, "There is no such code.", "nobody has said it yet");
    }
    presses(&house, BEN, &sure).await;
    for who in [BEN, EVE] {
        for verb in ["link-yes", "link-no"] {
            let reply = presses(&house, who, &Token::new(verb, &code)).await;
            assert_eq!(card_of(&reply).title, "There is no such code.");
        }
    }
    let late = presses(&house, EVE, &sure).await;
    assert_eq!(card_of(&late).title, "This code was used already.");
    house.clock.advance(Span::from_secs(600));
    let over = presses(&house, ADA, &Token::new("link-yes", &code)).await;
    assert_eq!(card_of(&over).title, "The time of this code is over.");
    assert_ne!(person(&house, ADA).await, person(&house, BEN).await);
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_who_say_it_at_once_and_two_answers_at_once_are_one_link() {
    on_both(|on| async move {
        let house = house(on).await;
        let code = code(&house, ADA).await;
        for who in [BEN, EVE] {
            says(&house, who, &format!("/link {code}")).await;
        }
        let sure = Token::new("link-sure", &code);
        let both = [BEN, EVE].map(|(platform, id)| house.press_on(platform, id, &sure));
        let titles: Vec<String> =
            futures::future::join_all(both).await.iter().map(|reply| card_of(reply).title).collect();
        assert!(titles.contains(&"Now say yes on Slack".into()), "{titles:?}");
        assert!(titles.contains(&"This code was used already.".into()), "{titles:?}");
        house.settle().await;
        let yes = Token::new("link-yes", &code);
        let no = Token::new("link-no", &code);
        let answers = [&yes, &yes, &no].map(|token| house.press_on(ADA.0, ADA.1, token));
        futures::future::join_all(answers).await;
        house.settle().await;
        let winner = if titles[0].starts_with("Now") { BEN } else { EVE };
        let is_one = person(&house, ADA).await == person(&house, winner).await;
        let (said, told) = (&told(&house, ADA)[0].title, &told(&house, winner)[0].title);
        assert_eq!(said, told);
        assert_eq!(said == "You are one person now", is_one, "{said}");
        assert_ne!(person(&house, BEN).await, person(&house, EVE).await);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_the_configuration_declares_stays_and_two_of_those_are_never_one() {
    on_both(|on| async move {
        let house = house_of(on, &[("ada", ADA), ("ben", BEN)]).await;
        let from_ada = code(&house, ADA).await;
        let refused = says(&house, BEN, &format!("/link {from_ada}")).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&refused), @"
            [bad] The configuration says that ada and ben are two persons.
              Hint: ask the platform team if that is wrong
            ");
        }
        // Also where the one who is not declared was shown the code.
        link(&house, EVE, BEN).await;
        assert_eq!(person(&house, EVE).await, "ben");
        let from_eve = code(&house, EVE).await;
        let refused = says(&house, ADA, &format!("/link {from_eve}")).await;
        assert_eq!(refused.title, "The configuration says that ben and ada are two persons.");
        let pressed = presses(&house, ADA, &Token::new("link-sure", &from_eve)).await;
        assert_eq!(card_of(&pressed).title, refused.title);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_linked_can_be_unlinked_but_for_what_is_declared() {
    on_both(|on| async move {
        let house = house_of(on, &[("ada", ADA)]).await;
        house.slack.put(ADA.1, &["S0DATA"]);
        let alone = says(&house, BEN, "/unlink").await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&alone), @"
            [neutral] Your identities
              • ben_99 on Discord (100000000000000009): this is where you are
              There is nothing to unlink: you have one identity. /link adds another.
              (What was requested so far stays with the person that an identity leaves)
            ");
        }
        house.say_on(BEN.0, BEN.1, "/thing").await;
        link(&house, ADA, BEN).await;
        let listed = says(&house, BEN, "/unlink").await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&listed), @"
            [neutral] Your identities
              • ben_99 on Discord (100000000000000009): this is where you are
              • Ada on Slack (U0ADA), by the configuration
              [Unlink ben_99 on Discord]
              (What was requested so far stays with the person that an identity leaves)
            ");
        }
        let declared = presses(&house, BEN, &Token::new("unlink", "slack:U0ADA")).await;
        assert_eq!(card_of(&declared).title, "The configuration says that this identity is you.");
        let unlink = button(&listed, "Unlink ben_99 on Discord");
        let stranger = presses(&house, EVE, &unlink).await;
        assert_eq!(card_of(&stranger).title, "You have no such identity.");
        let parted = card_of(&presses(&house, ADA, &unlink).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(reads(&parted), @"
            [neutral] ben_99 on Discord is a person of its own again
              • Ada on Slack (U0ADA), by the configuration: this is where you are
              There is nothing to unlink: you have one identity. /link adds another.
              (What was requested so far stays with the person that an identity leaves)
            ");
        }
        let again = presses(&house, ADA, &unlink).await;
        assert_eq!(card_of(&again).title, "You have no such identity.");
        let alone = person(&house, BEN).await;
        assert!(alone.starts_with("per_"));
        assert_eq!(says(&house, BEN, "/data").await.title, "You cannot use `/data` here. It is for the team data.");
        for subject in ["ada", &alone] {
            let trail = house.app.store.audit_of(subject).await.expect("reads");
            assert!(trail.iter().any(|entry| entry.action == "unlinked"), "{subject}: {trail:?}");
        }
        assert_eq!(house.app.store.requests_of("ada", 9).await.expect("reads").len(), 1, "it stays where it was made");
        let last = presses(&house, BEN, &Token::new("unlink", &format!("discord:{}", BEN.1))).await;
        assert_eq!(card_of(&last).title, "This is your only identity, so it is a person of its own already.");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b5_a_linked_platform_that_does_not_answer_is_no_right() {
    let house = house(On::Sqlite).await;
    house.slack.put(ADA.1, &["S0DATA"]);
    link(&house, ADA, BEN).await;
    assert_eq!(house.say_on(BEN.0, BEN.1, "/data").await, Reply::Nothing);
    house.slack.is_mute.store(true, std::sync::atomic::Ordering::SeqCst);
    let refused = says(&house, BEN, "/data").await;
    assert!(refused.title.starts_with("Your rights cannot be established at the moment"), "{refused:#?}");
    house.slack.is_mute.store(false, std::sync::atomic::Ordering::SeqCst);
    house.slack.put(ADA.1, &[]);
    assert_eq!(says(&house, BEN, "/data").await.title, "You cannot use `/data` here. It is for the team data.");
    house.settle().await;
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_repeats_its_order_after_the_link_means_the_same_request() {
    on_both(|on| async move {
        let house = house(on).await;
        says(&house, BEN, "/whoami").await;
        let ben = person(&house, BEN).await;
        house.app.store.create_token(&ben, "pipeline", "hash".into()).await.expect("a token");
        let ordered = order(&house, &ben).await;
        assert!(ordered.fresh);
        house.settle().await;
        link(&house, ADA, BEN).await;
        let ada = person(&house, ADA).await;
        assert_ne!(ada, ben);
        let known = house.app.store.person_of_token("hash").await.expect("reads").expect("is valid");
        assert_eq!(known.id, ada, "the token is the same person's");
        let again = order(&house, &ada).await;
        assert!(!again.fresh && again.request.id == ordered.request.id);
        house.finish().await;
    })
    .await;
}

/// A program orders a thing for a person, by a key of its own.
async fn order(house: &House, id: &str) -> Accepted {
    let person = house.app.person(id).await.expect("a person");
    let asker = Asker::member(PlatformName::Api, person.clone(), "api");
    let asked = Asked::Named { command: "thing".into(), input: BTreeMap::new(), dry_run: false };
    let catalogue = house.app.catalogue.load_full();
    let resolved = catalogue.resolve(asked, &asker, &house.app.choices).await.expect("resolves");
    let Resolved::Call(call) = resolved else { panic!("no call") };
    let origin = Origin {
        source: format!("api:{id}:build-7"),
        person,
        platform: PlatformName::Api,
        place: "api".into(),
        thread: None,
        identity: id.to_owned(),
        confirmed: true,
    };
    request::accept(&house.app, &call, &origin).await.expect("accepted")
}
