//! The clock: who is told when, within their hours, once, whatever dies in between.

use proptest::prelude::*;
use stationmaster::clock::{Millis, Span};
use stationmaster::config::Config;
use stationmaster::desk;
use stationmaster::serve;

use super::stage::{HOUR, MINUTE, Stage};
use crate::engine::{On, on_both};
use crate::house::read;

fn at(text: &str) -> Millis {
    text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
}

/// Lets the clock stand at an instant, and does what is due.
async fn until(stage: &Stage, text: &str) {
    let time = Span::from_millis(at(text) - stage.house.clock.now());
    assert!(time.millis() >= 0, "{text} is past");
    stage.later(time).await;
}

/// Who was called so far: on call, the team's conversation, the lead, the platform team.
fn called(stage: &Stage) -> [usize; 4] {
    [stage.told("ben").len(), stage.channel().len(), stage.told("dora").len(), stage.told("eve").len()]
}

fn berlin(config: &mut Config) {
    for team in ["data", "platform"] {
        let team = config.team.get_mut(team).expect("a team");
        team.zone = Some("Europe/Berlin".parse().expect("a zone"));
    }
    for person in config.person.values_mut() {
        person.zone = Some("Europe/Berlin".parse().expect("a zone"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_claims_goes_to_the_lead_and_then_to_the_platform_team_each_once() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        assert_eq!(called(&stage), [1, 1, 0, 0]);
        stage.later(Span::from_secs(3599)).await;
        assert_eq!(called(&stage), [1, 1, 0, 0], "there is a second left");
        stage.later(Span::from_secs(1)).await;
        assert_eq!(called(&stage), [1, 1, 1, 0]);
        assert!(stage.thread("ada").contains(&"The lead of the team data was asked as well".to_owned()));
        stage.later(HOUR).await;
        assert_eq!(called(&stage), [1, 1, 1, 1]);
        assert!(stage.thread("ada").contains(&"The platform team was asked as well".to_owned()));
        stage.later(Span::from_secs(30 * 24 * 3600)).await;
        assert_eq!(called(&stage), [1, 1, 1, 1]);
        let id = stage.one().await.id;
        assert_eq!(stage.trail(&id).await, ["opened", "told", "told", "told"]);
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn claimed_is_silence() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.press("cleo", "claim").await;
        stage.later(Span::from_secs(30 * 24 * 3600)).await;
        assert_eq!(called(&stage), [1, 1, 0, 0]);
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_told_at_night_and_the_requester_is_told_when() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        until(&stage, "2026-12-04T19:00:00Z").await;
        stage.fails("ada").await;
        assert_eq!(called(&stage), [0, 0, 0, 0], "it is Friday evening");
        let waits = "The team **data** is asked for help when its day begins: Mon 7 Dec, 09:00 UTC.";
        assert!(stage.card("ada").body.contains(waits), "{}", stage.card("ada").body);
        until(&stage, "2026-12-07T08:59:59Z").await;
        assert_eq!(called(&stage), [0, 0, 0, 0]);
        until(&stage, "2026-12-07T09:00:00Z").await;
        assert_eq!(called(&stage), [1, 1, 0, 0]);
        assert!(stage.card("ada").body.contains("The team **data** was asked for help."));
        stage.press("ben", "claim").await;
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_hours_alone_count_unless_somebody_helps_around_the_clock() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        until(&stage, "2026-12-01T16:30:00Z").await;
        stage.fails("ada").await;
        until(&stage, "2026-12-02T09:29:59Z").await;
        assert_eq!(called(&stage), [1, 1, 0, 0], "of the hour half was in the evening, and half is in the morning");
        until(&stage, "2026-12-02T09:30:00Z").await;
        assert_eq!(called(&stage), [1, 1, 1, 0]);

        let stage = Stage::with(on, ("support = 'around-the-clock'", ""), |_| {}).await;
        until(&stage, "2026-12-05T03:00:00Z").await;
        stage.fails("ada").await;
        assert_eq!(called(&stage), [1, 1, 0, 0], "on a Saturday at three");
        until(&stage, "2026-12-05T03:15:00Z").await;
        assert_eq!(called(&stage), [1, 1, 1, 0]);
        until(&stage, "2026-12-05T03:30:00Z").await;
        assert_eq!(called(&stage), [1, 1, 1, 1]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d12_a_morning_is_a_morning_on_both_days_on_which_clocks_are_changed() {
    on_both(|on| async move {
        // The clocks are set ahead on Sunday, 28 March 2027, and back on Sunday, 31 October 2027.
        for (evening, before, morning, words) in [
            ("2027-03-26T18:00:00Z", "2027-03-29T06:59:59Z", "2027-03-29T07:00:00Z", "Mon 29 Mar, 09:00"),
            ("2027-10-29T18:00:00Z", "2027-11-01T07:59:59Z", "2027-11-01T08:00:00Z", "Mon 1 Nov, 09:00"),
        ] {
            let stage = Stage::with(on, ("", ""), berlin).await;
            until(&stage, evening).await;
            stage.fails("ada").await;
            assert!(read(&stage.card("ada")).contains("when its day begins"), "{words}");
            until(&stage, before).await;
            assert_eq!(called(&stage), [0, 0, 0, 0], "{words}");
            until(&stage, morning).await;
            assert_eq!(called(&stage), [1, 1, 0, 0], "{words}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_what_was_slept_through_is_made_up_for_once() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        let stage = stage.reopened().await;
        stage.house.clock.advance(Span::from_secs(2 * 24 * 3600));
        stage.house.settle().await;
        assert_eq!(called(&stage), [1, 1, 1, 0], "the lead has their own hour");
        let stage = stage.reopened().await;
        stage.house.settle().await;
        assert_eq!(called(&stage), [1, 1, 1, 0]);
        stage.later(HOUR).await;
        assert_eq!(called(&stage), [1, 1, 1, 1]);
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_a_process_that_dies_with_the_clock_in_its_hands_tells_nobody_twice() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.house.clock.advance(HOUR);
        let held = serve::work_next(&stage.house.app, 16).await.expect("claims");
        assert_eq!(held.len(), 1, "the clock of the one escalation");
        let stage = stage.reopened().await;
        stage.house.settle().await;
        assert_eq!(called(&stage), [1, 1, 1, 0]);
        // The dead process was only asleep, and goes on with what it held.
        desk::perform(&stage.house.app, &held[0]).await;
        stage.house.settle().await;
        assert_eq!(called(&stage), [1, 1, 1, 0], "d11");
        let id = stage.one().await.id;
        assert_eq!(stage.trail(&id).await, ["opened", "told", "told"]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_a_claim_and_the_clock_in_the_same_moment_are_one_outcome() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        stage.house.clock.advance(HOUR);
        let held = serve::work_next(&stage.house.app, 16).await.expect("claims");
        stage.press("ben", "claim").await;
        desk::perform(&stage.house.app, &held[0]).await;
        stage.house.settle().await;
        assert_eq!(called(&stage), [1, 1, 0, 0], "who has claimed it is not passed over");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_without_anybody_is_passed_over_at_once() {
    on_both(|on| async move {
        let nobody = |config: &mut Config| {
            let data = config.team.get_mut("data").expect("a team");
            (data.members, data.channels, data.lead) = (Vec::new(), Vec::new(), None);
            data.oncall = stationmaster::config::Oncall::default();
        };
        let stage = Stage::with(on, ("", ""), nobody).await;
        stage.fails("ada").await;
        assert_eq!(called(&stage), [0, 0, 0, 1]);

        let stage = Stage::with(on, ("", ""), |config| {
            nobody(config);
            config.escalation.team = None;
        });
        let stage = stage.await;
        stage.fails("ada").await;
        assert!(stage.card("ada").body.contains("Nobody could be asked for help"));
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_is_not_told_but_who_stands_in_is_and_may() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.house.say("ben", "/away until 2026-12-10 to eve").await;
        stage.house.settle().await;
        let before = stage.told("eve").len();
        stage.fails("ada").await;
        assert!(stage.told("ben").is_empty());
        assert_eq!(stage.told("eve").len(), before + 1);
        stage.press("eve", "claim").await;
        assert_eq!(stage.one().await.holder.as_deref(), Some("eve"));
        stage.later(MINUTE).await;
    })
    .await;
}

/// The hours that the law below is tried with.
fn hours() -> impl Strategy<Value = (&'static str, &'static str)> {
    let zones = prop_oneof![Just("Europe/Berlin"), Just("America/New_York"), Just("Asia/Kolkata"), Just("UTC")];
    let hours = prop_oneof![Just("Mon-Fri 09:00-17:00"), Just("Sat 22:00-24:00"), Just("Mon-Sun 01:00-04:00")];
    (zones, hours)
}

/// Whoever is told is told within their hours and once, whenever somebody looks; and sooner or later all are.
#[test]
fn the_law_of_the_clock() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let config = ProptestConfig { cases: 12, ..ProptestConfig::default() };
    proptest!(config, |((zone, hours) in hours(), start in 0i64..365 * 24, steps in prop::collection::vec(1i64..200, 60))| {
        runtime.block_on(async {
            let stage = Stage::with(On::Sqlite, ("", ""), |config| {
                for team in config.team.values_mut() {
                    team.zone = Some(zone.parse().expect("a zone"));
                    team.hours = Some(hours.parse().expect("hours"));
                }
                for person in config.person.values_mut() {
                    person.zone = Some(zone.parse().expect("a zone"));
                    person.hours = Some(hours.parse().expect("hours"));
                }
            });
            let stage = stage.await;
            stage.later(Span::from_secs(start * 3600)).await;
            stage.fails("ada").await;
            let roster = stage.house.app.roster().await.expect("reads");
            let open = roster.calendar_of_team("data");
            let mut last = called(&stage);
            for step in steps {
                stage.later(Span::from_secs(step * 600)).await;
                let next = called(&stage);
                prop_assert!(next == last || open.is_open(stage.house.clock.now()), "{next:?} outside {hours}");
                last = next;
            }
            for _ in 0..12 {
                let opens = open.next_open(stage.house.clock.now());
                stage.later(Span::from_millis(opens - stage.house.clock.now())).await;
                stage.later(Span::from_secs(1800)).await;
            }
            prop_assert_eq!(called(&stage), [1, 1, 1, 1]);
            Ok(())
        })?;
    });
}
