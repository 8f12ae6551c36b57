//! A survey after an event: one tap, once, and within the budget.

use stationmaster::clock::Span;

use super::stage::{DAY, HOUR, Stage};
use crate::engine::{On, on_both};
use crate::house::{House, button, card_of, read};

const WORK: &str = r#"
[capability]
name = "work"
title = "Work"
need = "As a tester I want work to be done so that I can be asked about it"
owner = "platform"
maturity = "ga"
[[command]]
name = "work"
summary = "Do nothing, well"
[[command.step]]
name = "do"
[command.step.process]
program = "/bin/sh"
args = ["-c", "true"]
"#;

pub const TAP: &str = r#"
[survey]
name = "tap"
title = "How was this?"
purpose = "We see from it what is a pleasure"
owner = "platform"
anonymous = true
audience = { teams = ["*"] }
groups = ["command"]
minimum = 3
reminders = []
[survey.event]
after = "request"
command = "work"
nth = 2
[[survey.question]]
name = "satisfied"
type = "csat5"
text = "How satisfied are you with how it went?"
low = "not at all"
high = "very"
"#;

async fn work(house: &House, who: &str) {
    house.say(who, "/work").await;
    // The step is a program, which takes a moment by the clock on the wall.
    loop {
        house.settle().await;
        let person = house.app.store.person_of("web", who).await.expect("read").expect("seen");
        let requests = house.app.store.requests_of(&person.id, 1).await.expect("read");
        if requests.iter().all(|request| request.state.is_end()) {
            return house.settle().await;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_second_use_is_asked_about_with_one_tap() {
    on_both(|on| async move {
        let stage = Stage::with(on, vec![WORK, TAP], 8).await;
        stage.plan().await;
        stage.plan().await;
        for who in ["p0", "p1", "p2"] {
            work(&stage.house, who).await;
            assert!(stage.cards(who).is_empty(), "the first is not asked about");
            work(&stage.house, who).await;
        }
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&stage.cards("p0")[0]), @"
            [waiting] How was this?
              We see from it what is a pleasure.
              How satisfied are you with how it went?
              Anonymous. Nobody can see what you answer, and nobody is told whether you did. What you say is stored only together with the answers of at least 2 others, and shown only for 3 people or more.
              Takes: a minute, one question
              Results: after Thu 31 Dec, 00:00 UTC, to all who are asked
              [1 – not at all] [2] [3] [4] [5 – very] [Not now] [Never ask me this] [How this is kept anonymous]
              (Asked by the team platform)
            ");
        }
        for (who, label) in [("p0", "5 – very"), ("p1", "4"), ("p2", "1 – not at all")] {
            let thanks = stage.house.press(who, &button(&stage.cards(who)[0], label)).await;
            assert_eq!(card_of(&thanks).title, "Thank you");
        }
        let answers = stage.house.app.store.answers(&stage.wave().await.id).await.expect("read");
        assert_eq!(answers.iter().map(|answer| answer.value.as_str()).collect::<Vec<_>>(), ["1", "4", "5"]);
        let again = stage.house.press("p0", &button(&stage.cards("p0")[0], "4")).await;
        assert_eq!(card_of(&again).title, "You have answered already");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_asked_at_night_nor_by_an_event_that_another_survey_leaves_no_room_for() {
    let stage = Stage::with(On::Sqlite, vec![WORK, TAP, super::stage::PULSE], 16).await;
    stage.plan().await;
    stage.plan().await;
    stage.pass(10 * HOUR).await;
    assert_eq!(stage.cards("p0").len(), 1, "the pulse was asked at ten");
    let asked = stage.cards("p0").len();
    work(&stage.house, "p0").await;
    work(&stage.house, "p0").await;
    assert_eq!(stage.cards("p0").len(), asked, "it is night, and the pulse was today");
    stage.house.clock.advance(Span::from_secs(DAY - 6 * HOUR));
    work(&stage.house, "p1").await;
    work(&stage.house, "p1").await;
    assert_eq!(stage.cards("p1").len(), asked, "the pulse was yesterday");
}
