//! Dealing with it: who may, two at once, putting off, handing over, asking.

use stationmaster::chat::{Reply, Token};

use super::stage::{HOUR, MINUTE, Stage, form_of};
use crate::engine::on_both;
use crate::house::{button, card_of, read};

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_claim_at_once_one_has_it_and_the_other_is_told_who() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        let claim = Token::new("claim", &stage.one().await.id);
        let both = futures::future::join(stage.house.press("ben", &claim), stage.house.press("cleo", &claim)).await;
        stage.house.settle().await;
        let mut titles = [card_of(&both.0).title, card_of(&both.1).title];
        titles.sort();
        let holder = stage.one().await.holder.expect("somebody has it");
        assert_eq!(titles, ["It is yours".to_owned(), format!("{holder} has claimed it already.")]);
        assert_eq!(stage.trail(&stage.one().await.id).await, ["opened", "told", "claimed"]);
        let again = card_of(&stage.pressed(&holder, &claim).await);
        assert_eq!(again.title, "You have it already.");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_nobody_deals_with_what_was_not_put_to_them() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        let id = stage.one().await.id;
        for verb in ["claim", "resolve", "hand-over", "snooze", "question", "escalation", "happened"] {
            for who in ["ada", "abe"] {
                let refused = card_of(&stage.pressed(who, &Token::new(verb, &id)).await);
                assert_eq!(refused.title, "This is for the team data and those whom it was put to.", "{verb}");
            }
        }
        for verb in ["resolve", "hand-over", "snooze", "question"] {
            let mut form = form_of(stage.pressed("ben", &Token::new(verb, &id)).await);
            form.fields.clear();
            let refused = card_of(&stage.submit("abe", (&form, &[])).await);
            assert_eq!(refused.title, "This is for the team data and those whom it was put to.", "{verb}");
        }
        let made_up = card_of(&stage.pressed("ben", &Token::new("claim", "esc_1")).await);
        assert_eq!(made_up.title, "There is no such call for help.");
        for who in ["cleo", "dora", "eve"] {
            assert!(matches!(stage.pressed(who, &Token::new("escalation", &id)).await, Reply::Card(_)), "{who}");
            form_of(stage.pressed(who, &Token::new("resolve", &id)).await);
        }
        assert_eq!(stage.trail(&id).await, ["opened", "told"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_comes_back_to_who_put_it_off_and_then_to_others() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.press("ben", "claim").await;
        let form = form_of(stage.press("ben", "snooze").await);
        let wrong = form_of(stage.submit("ben", (&form, &[("until", "soon")])).await);
        assert_eq!(wrong.fields[0].value.as_ref().and_then(|value| value.as_str()), Some("soon"));
        assert!(wrong.fields[0].error.as_deref().is_some_and(|error| error.contains("write for example")));
        let done = card_of(&stage.submit("ben", (&form, &[("until", "14:00")])).await);
        assert_eq!(done.title, "It comes back to you Tue 1 Dec, 14:00 UTC");
        assert!(stage.card("ada").body.contains("**ben** goes on with it later: Tue 1 Dec, 14:00 UTC."));
        let other = form_of(stage.press("cleo", "snooze").await);
        let held = card_of(&stage.submit("cleo", (&other, &[("until", "2h")])).await);
        assert_eq!(held.title, "ben has claimed it already.");
        stage.later(stationmaster::clock::Span::from_secs(5 * 3600 - 1)).await;
        assert_eq!(stage.told("ben").len(), 1);
        stage.later(MINUTE).await;
        let called = stage.told("ben").pop().expect("a card");
        assert!(read(&called).contains("You have put it off until now."), "{}", read(&called));
        assert_eq!(stage.told("ben").len(), 2);
        assert!(stage.told("dora").is_empty());
        stage.later(HOUR).await;
        assert_eq!(stage.told("dora").len(), 1, "nobody took it up, so the lead is asked");
        stage.press("ben", "claim").await;
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_handed_over_is_the_other_ones_turn_and_its_clock_begins_anew() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.press("ben", "claim").await;
        let form = form_of(stage.press("ben", "hand-over").await);
        let nobody = form_of(stage.submit("ben", (&form, &[("to", "zoe")])).await);
        assert_eq!(nobody.fields[0].error.as_deref(), Some("There is nobody of that name to hand it to."));
        let done = card_of(&stage.submit("ben", (&form, &[("to", "person:cleo")])).await);
        assert_eq!(done.title, "It is handed to cleo");
        assert_eq!(stage.told("cleo").len(), 1);
        assert!(stage.thread("ada").contains(&"ben has handed it to cleo".to_owned()));
        assert!(read(&stage.channel()[0]).contains("Now: it is cleo’s turn"));
        stage.later(HOUR).await;
        assert_eq!(stage.told("dora").len(), 1, "cleo has not taken it up");
        let form = form_of(stage.press("dora", "hand-over").await);
        stage.submit("dora", (&form, &[("to", "platform")])).await;
        assert_eq!(stage.one().await.team, "platform");
        assert_eq!(stage.told("eve").len(), 1);
        stage.click("eve", (&stage.told("eve")[0], "Claim")).await;
        let claimed = stage.one().await;
        assert_eq!(claimed.holder.as_deref(), Some("eve"));
        let trail = stage.trail(&claimed.id).await;
        assert_eq!(trail[2..], ["claimed", "handed over", "told", "told", "handed over", "told", "claimed"]);
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_goes_to_whoever_waits_and_the_answer_to_who_asked() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.press("ben", "claim").await;
        let form = form_of(stage.press("ben", "question").await);
        stage.submit("ben", (&form, &[("text", "Which region?")])).await;
        let posted = stage.house.chat.posted.lock().expect("lock").clone();
        let asked = posted.values().find(|(_, card)| card.title == "ben asks you").expect("a question").1.clone();
        assert_eq!(asked.body, "Which region?");
        let answer = button(&asked, "Answer…");
        let refused = card_of(&stage.pressed("abe", &answer).await);
        assert_eq!(refused.title, "This question is for whoever needs the help.");
        let form = form_of(stage.pressed("ada", &answer).await);
        let thanks = card_of(&stage.submit("ada", (&form, &[("text", "eu-1, please")])).await);
        assert_eq!(thanks.title, "Thank you");
        assert_eq!(stage.told("ben").pop().map(|card| card.title).as_deref(), Some("ada answers"));
        let card = read(&stage.channel()[0]);
        assert!(card.contains("ben asks: Which region?") && card.contains("ada answers: eu-1, please"), "{card}");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_of_it_is_asked_until_it_is_said() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.press("ben", "claim").await;
        stage.later(stationmaster::clock::Span::from_secs(24 * 3600)).await;
        let form = form_of(stage.press("ben", "resolve").await);
        let names: Vec<&str> = form.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["new_category", "automatable", "minutes", "outcome"], "no category was used before");
        let minutes = form.fields.iter().find(|field| field.name == "minutes").expect("a field");
        assert_eq!(minutes.value, Some(480.into()), "a day has eight hours");
        let values = [("new_category", "Quota"), ("minutes", "many"), ("outcome", "Raised it")];
        let again = form_of(stage.submit("ben", (&form, &values)).await);
        let wrong: Vec<&str> = again.fields.iter().filter(|f| f.error.is_some()).map(|f| f.name.as_str()).collect();
        assert_eq!(wrong, ["automatable", "minutes"]);
        assert_eq!(again.fields[3].value, Some("Raised it".into()), "what was typed is kept");
        stage.resolve("cleo", ("Quota", "Raised it")).await;
        let late = card_of(
            &stage
                .submit(
                    "ben",
                    (&form, &[("new_category", "Quota"), ("automatable", "no"), ("minutes", "1"), ("outcome", "x")]),
                )
                .await,
        );
        assert_eq!(late.title, "cleo has resolved it already.");
        stage.fails("abe").await;
        let form = form_of(stage.press("ben", "resolve").await);
        assert_eq!(form.fields[0].name, "category");
        stage.house.app.store.verify_audit().await.expect("the audit trail holds");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_finds_what_waits_for_them() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        let home = |who: &'static str| {
            let stage = &stage;
            async move { card_of(&stage.house.say(who, "/home").await).body }
        };
        assert!(home("ben").await.contains("one call for help waits"));
        assert!(home("cleo").await.contains("one call for help waits"));
        assert!(!home("dora").await.contains("call for help") && !home("ada").await.contains("call for help"));
        stage.press("cleo", "claim").await;
        assert!(!home("ben").await.contains("call for help"));
        assert!(home("cleo").await.contains("one call for help waits"));
        let list = |who: &'static str| {
            let stage = &stage;
            async move { read(&card_of(&stage.house.say(who, "/escalations").await)) }
        };
        let (of_cleo, of_ada) = (list("cleo").await, list("ada").await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(of_cleo, @"");
            insta::assert_snapshot!(of_ada, @"");
        }
        assert!(list("dora").await.contains("claimed"));
    })
    .await;
}
