//! What has a human asked, and what never does.

use std::sync::atomic::Ordering;

use stationmaster::chat::{Reply, Token};
use stationmaster::clock::Span;
use wiremock::ResponseTemplate;

use super::stage::{HOUR, MINUTE, Stage, form_of};
use crate::engine::on_both;
use crate::house::{button, card_of, read};

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_is_put_to_who_is_on_call_and_the_team_with_all_that_is_known() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&stage.card("ada")), @"
            [bad] Create a database – not done
              /db create name=orders
              The step register failed: POST 127.0.0.1: 404 Not Found
              What was done before has been taken back.
              The team data was asked for help.
              Time: 0s
              [Try again from there] [Start over] [Tell them more]
              (Asked by ada · req_…)
            ");
            assert_eq!(stage.told("ben").len(), 1);
            insta::assert_snapshot!(read(&stage.told("ben")[0]), @"
            [waiting] Create a database – a step failed
              /db create name=orders
              The step register failed: POST 127.0.0.1: 404 Not Found
              • provision: done – 201 Created
              • provision taken back: done – 204 No Content
              • register: failed – POST 127.0.0.1: 404 Not Found
              Now: nobody has claimed it yet
              For: ada
              Since: Tue 1 Dec, 09:00 UTC, 0s
              provision.id: db-7
              [Claim]
              (req_… · esc_…)
            ");
        }
        assert_eq!(stage.channel(), stage.told("ben"), "the team sees the same card");
        assert!(stage.told("cleo").is_empty() && stage.told("dora").is_empty() && stage.told("eve").is_empty());
        let card = format!("{:?}", stage.told("ben"));
        assert!(!card.contains("hunter2"), "c9: what the reply would not show is not shown here");

        let taken = card_of(&stage.click("ben", (&stage.told("ben")[0], "Claim")).await);
        assert_eq!(taken.title, "It is yours");
        assert!(stage.card("ada").body.contains("**ben** is looking at it"));
        assert_eq!(stage.thread("ada"), ["What was done", "ben is looking at it"]);
        let done = stage.resolve("ben", ("Quota", "Raised the quota")).await;
        assert_eq!(done.title, "It is resolved");
        let (team, asker) = (read(&stage.channel()[0]), read(&stage.card("ada")));
        assert!(team.contains("ben has resolved it: Raised the quota") && team.contains("It was: Quota"), "{team}");
        assert!(asker.contains("ben has looked at it: Raised the quota") && asker.contains("[Get a human]"), "{asker}");
        assert!(stage.open().await.is_empty());
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d6_what_could_not_be_taken_back_is_told() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.answers_once("DELETE", "/databases/db-7", ResponseTemplate::new(403)).await;
        stage.fails("ada").await;
        let card = read(&stage.told("ben")[0]);
        assert!(card.contains("provision taken back: failed"), "{card}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_requester_calls_off_or_mistypes_asks_nobody() {
    on_both(|on| async move {
        let stage = Stage::with(on, ("", "confirm = 'true'"), |_| {}).await;
        stage.house.say("ada", "/db create orders").await;
        stage.house.settle().await;
        stage.click("ada", (&stage.card("ada"), "No")).await;
        assert!(matches!(stage.house.say("ada", "/db create nothing=1").await, Reply::Form(_)));
        stage.house.say("ada", "/dbb create").await;
        stage.house.settle().await;
        assert!(stage.open().await.is_empty());
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_that_expires_asks_the_owner() {
    on_both(|on| async move {
        let policy = "approval = { by = 'owner', expires = '1h' }";
        let stage = Stage::with(on, ("", policy), |_| {}).await;
        stage.house.say("ada", "/db create orders").await;
        stage.house.settle().await;
        stage.later(HOUR).await;
        let one = stage.one().await;
        assert_eq!((one.reason.as_str(), one.team.as_str()), ("approval-expired", "data"));
        assert!(read(&stage.called()).contains("Those who had to approve did not answer"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_in_vain_can_ask_a_human_who_is_the_platform_team() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        let missed = card_of(&stage.house.say("ada", "/help reset my quantum flux").await);
        let ask = button(&missed, "Ask a human");
        let stranger = card_of(&stage.pressed("abe", &ask).await);
        assert_eq!(stranger.title, "You have no such request.", "b1");
        let form = form_of(stage.pressed("ada", &ask).await);
        assert_eq!(form.fields[0].value.as_ref().and_then(|v| v.as_str()), Some("reset my quantum flux"));
        let again = form_of(stage.submit("ada", (&form, &[("need", "  ")])).await);
        assert_eq!(again.fields[0].error.as_deref(), Some("This is needed."));
        let asked = card_of(&stage.submit("ada", (&form, &[("need", "My flux is stuck")])).await);
        assert_eq!(asked.title, "The team platform is asked");
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&stage.told("eve")[0]), @"
            [waiting] reset my quantum flux – no command does that
              /help reset my quantum flux
              My flux is stuck
              Now: nobody has claimed it yet
              For: ada
              Since: Tue 1 Dec, 09:00 UTC, 0s
              [Claim]
              (esc_…)
            ");
            insta::assert_snapshot!(read(&stage.told("ada")[0]), @"
            [waiting] You asked for a human
              My flux is stuck
              The team platform was asked.
              (esc_…)
            ");
        }
        stage.submit("ada", (&form, &[("need", "And it is urgent")])).await;
        assert_eq!(stage.one().await.reason, "no-such-command");
        assert!(read(&stage.told("eve")[0]).contains("ada: And it is urgent"));
        stage.press("eve", "claim").await;
        stage.resolve("eve", ("Flux", "Unstuck it")).await;
        let card = stage.told("ada").into_iter().find(|card| card.title == "You asked for a human").expect("a card");
        assert!(read(&card).contains("eve has looked at it: Unstuck it"), "{}", read(&card));
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_waits_long_can_get_a_human() {
    on_both(|on| async move {
        let stage = Stage::with(on, ("", "approval = { by = 'owner' }"), |_| {}).await;
        stage.house.say("ada", "/db create orders").await;
        stage.house.settle().await;
        assert!(!stage.card("ada").buttons.iter().any(|button| button.label == "Get a human"));
        stage.later(MINUTE).await;
        stage.later(HOUR).await;
        let form = form_of(stage.click("ada", (&stage.card("ada"), "Get a human")).await);
        stage.submit("ada", (&form, &[("need", "I need it today")])).await;
        let one = stage.one().await;
        assert_eq!((one.reason.as_str(), one.team.as_str()), ("asked-for-human", "data"));
        assert!(read(&stage.called()).contains("I need it today"));
        let more = form_of(stage.click("ada", (&stage.card("ada"), "Tell them more")).await);
        stage.submit("ada", (&more, &[("need", "By noon")])).await;
        assert_eq!(stage.open().await.len(), 1);
        assert!(read(&stage.called()).contains("ada: By noon"));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn asking_for_a_human_about_what_somebody_looks_at_already_joins_that() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        let before = stage.one().await;
        let form = form_of(stage.click("ada", (&stage.card("ada"), "Tell them more")).await);
        stage.submit("ada", (&form, &[("need", "It worked yesterday")])).await;
        assert_eq!(stage.one().await.id, before.id);
        let card = read(&stage.told("ben")[0]);
        assert!(card.contains("ada: It worked yesterday") && !card.contains("The same"), "{card}");
        assert_eq!(stage.told("ben").len(), 1, "nobody is called twice");
        stage.resolve("cleo", ("Quota", "Done")).await;
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_look_alike_are_one_and_the_next_one_knows_how_it_went() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.fails("abe").await;
        let root = stage.one().await;
        assert_eq!((stage.told("ben").len(), stage.channel().len()), (1, 1), "no new card for the second");
        assert!(read(&stage.channel()[0]).contains("The same: 1 more: abe"));
        stage.press("cleo", "claim").await;
        for who in ["ada", "abe"] {
            assert!(stage.card(who).body.contains("**cleo** is looking at it"), "{who}");
            assert!(stage.thread(who).contains(&"cleo is looking at it".to_owned()), "{who}");
        }
        stage.resolve("cleo", ("Full disk", "Freed some room")).await;
        assert!(stage.open().await.is_empty());
        assert_eq!(stage.trail(&root.id).await, ["opened", "told", "claimed", "resolved", "said so"]);
        assert!(read(&stage.card("abe")).contains("cleo has looked at it: Freed some room"));
        stage.fails("amy").await;
        let card = read(&stage.channel()[1]);
        assert!(card.contains("Before: 1 like it, the last 0s ago (Full disk): Freed some room"), "{card}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_well_meanwhile_needs_nobody_any_more() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.fails("abe").await;
        stage.answers("POST", "/catalog/db-7", ResponseTemplate::new(200)).await;
        let root = stage.one().await;
        let claim = Token::new("claim", &root.id);
        stage.click("ada", (&stage.card("ada"), "Try again from there")).await;
        assert_eq!(stage.one().await.id, root.id, "abe still waits");
        stage.click("abe", (&stage.card("abe"), "Try again from there")).await;
        assert!(stage.open().await.is_empty());
        assert!(read(&stage.channel()[0]).contains("It went well meanwhile: It was tried again and went well."));
        let late = card_of(&stage.pressed("ben", &claim).await);
        assert_eq!(late.title, "It went well meanwhile.");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_has_claimed_stays_theirs_when_it_goes_well() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.press("ben", "claim").await;
        stage.answers("POST", "/catalog/db-7", ResponseTemplate::new(200)).await;
        stage.click("ada", (&stage.card("ada"), "Try again from there")).await;
        assert_eq!(stage.card("ada").title, "Create a database – done");
        assert_eq!(stage.one().await.holder.as_deref(), Some("ben"));
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_is_not_kept_is_said_once_and_not_again_for_a_day() {
    on_both(|on| async move {
        let stage = Stage::with(on, ("slo = { success = 0.9, p90 = '5m' }", ""), |_| {}).await;
        stage.answers("POST", "/catalog/db-7", ResponseTemplate::new(200)).await;
        for _ in 0..17 {
            stage.house.say("ada", "/db create orders").await;
            stage.house.settle().await;
        }
        let fail = || stage.answers_once("POST", "/catalog/db-7", ResponseTemplate::new(403));
        let breaches = || async {
            let all = stage.open().await;
            all.into_iter().filter(|one| one.reason == "slo-breached").collect::<Vec<_>>()
        };
        for _ in 0..2 {
            fail().await;
            stage.fails("ada").await;
        }
        assert!(breaches().await.is_empty(), "19 are too few to tell");
        fail().await;
        stage.fails("ada").await;
        let breach = breaches().await.pop().expect("17 of 20 are less than 90 %");
        assert_eq!((breach.subject.as_str(), breach.team.as_str()), ("databases", "data"));
        let card = stage.channel().into_iter().find(|card| card.title.contains("promised")).expect("a card");
        assert!(read(&card).contains("Of 20 requests in 7 days 17 succeeded (85.0 %), where 90.0 % were promised"));
        resolve(&stage, &breach.id).await;
        fail().await;
        stage.fails("ada").await;
        assert!(breaches().await.is_empty(), "what was done about it needs time to show");
        stage.later(Span::from_secs(24 * 3600)).await;
        fail().await;
        stage.fails("ada").await;
        assert_eq!(breaches().await.len(), 1);
    })
    .await;
}

async fn resolve(stage: &Stage, id: &str) {
    let token = Token::new("resolve", id);
    let form = form_of(stage.pressed("ben", &token).await);
    let values = [("new_category", "Quota"), ("automatable", "no"), ("minutes", "5"), ("outcome", "Raised it")];
    stage.submit("ben", (&form, &values)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_cards_without_a_place_are_told_to_the_platform_team_once_a_day() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        let day = Span::from_secs(24 * 3600);
        stage.house.slack.is_closed.store(true, Ordering::SeqCst);
        stage.fails("ada").await;
        let failing = || async {
            let all = stage.open().await;
            all.into_iter().filter(|one| one.reason == "delivery-failing").collect::<Vec<_>>()
        };
        let first = failing().await.pop().expect("the team's conversation is closed");
        assert_eq!((first.subject.as_str(), first.team.as_str()), ("slack", "platform"));
        let card = read(&stage.told("eve")[0]);
        assert!(card.contains("One card has no place to go to") && card.contains("it was archived"), "{card}");
        stage.pressed("eve", &Token::new("claim", &first.id)).await;
        let form = form_of(stage.pressed("eve", &Token::new("resolve", &first.id)).await);
        let values = [("new_category", "Archived"), ("automatable", "no"), ("minutes", "5"), ("outcome", "Opened it")];
        stage.submit("eve", (&form, &values)).await;
        stage.house.say("ada", "/db create carts").await;
        stage.later(MINUTE).await;
        assert!(failing().await.is_empty(), "not twice a day");
        stage.later(day).await;
        stage.answers_once("POST", "/databases", ResponseTemplate::new(403)).await;
        stage.fails("abe").await;
        assert_eq!(failing().await.len(), 1);
    })
    .await;
}
