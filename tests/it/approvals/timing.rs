//! The time of an approval: reminders in working hours, the next level, delegation, and one end whatever comes together.

use stationmaster::chat::PlatformName;
use stationmaster::clock::Span;
use stationmaster::desk;
use stationmaster::serve;
use stationmaster::store::approval::state;
use stationmaster::store::request::State;

use super::stage::{PEOPLE, Stage, text, title};
use crate::engine::{On, on_both};

/// An instant as jiff reads it, in milliseconds.
fn at(text: &str) -> i64 {
    text.parse::<jiff::Timestamp>().expect("an instant").as_millisecond()
}

/// Moves the clock to an instant and does what is due then.
async fn go(stage: &Stage, text: &str) {
    let ahead = at(text) - stage.house.clock.now();
    assert!(ahead >= 0, "{text} has passed");
    stage.house.clock.advance(Span::from_millis(ahead));
    stage.house.settle().await;
}

/// How many reminders ben has had; they hang in the thread of his card.
fn reminders(stage: &Stage) -> usize {
    stage.threads("ben").iter().filter(|title| title.starts_with("Still waiting")).count()
}

fn in_berlin() -> String {
    PEOPLE.replace("[team.data]", "[team.data]\nzone = \"Europe/Berlin\"\nhours = \"Mon-Fri 09:00-17:00\"")
}

#[tokio::test(flavor = "multi_thread")]
async fn reminders_come_in_working_hours_also_when_the_clock_is_set_back() {
    on_both(|on| async move {
        let policy = "approval = { by = 'owner', expires = '6d' }\ndeadline = '9d'";
        let stage = Stage::with_people(on, policy, &in_berlin()).await;
        // Berlin's clocks go ahead on Sunday 28 March 2027, at 02:00.
        go(&stage, "2027-03-25T16:30:00Z").await;
        stage.asked("/db create orders").await;
        go(&stage, "2027-03-28T16:30:00Z").await;
        assert_eq!(reminders(&stage), 0, "half of the time is over on a Sunday");
        go(&stage, "2027-03-29T06:59:59Z").await;
        assert_eq!(reminders(&stage), 0, "it is one second to nine");
        go(&stage, "2027-03-29T07:00:00Z").await;
        assert_eq!(reminders(&stage), 1, "nine in summer time");
        go(&stage, "2027-03-30T06:59:59Z").await;
        assert_eq!(reminders(&stage), 1);
        go(&stage, "2027-03-30T07:00:00Z").await;
        assert_eq!(reminders(&stage), 2, "three quarters were over at night");
        go(&stage, "2027-03-31T15:30:00Z").await;
        assert_eq!(reminders(&stage), 2, "two are enough");
        go(&stage, "2027-03-31T16:30:00Z").await;
        assert_eq!(stage.state().await, State::Expired);
        stage.has_no_timer().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_after_a_long_silence_one_reminder_comes_and_not_two() {
    on_both(|on| async move {
        let stage = Stage::with_people(on, "approval = { by = 'owner', expires = '20h' }", &in_berlin()).await;
        go(&stage, "2026-12-02T08:00:00Z").await;
        stage.asked("/db create orders").await;
        go(&stage, "2026-12-03T03:59:00Z").await;
        assert_eq!(reminders(&stage), 0);
        let stage = Stage::with_people(on, "approval = { by = 'owner', expires = '20h' }", &in_berlin()).await;
        go(&stage, "2026-12-01T22:00:00Z").await;
        stage.asked("/db create orders").await;
        go(&stage, "2026-12-02T14:00:00Z").await;
        assert_eq!(reminders(&stage), 1, "both were due meanwhile");
        go(&stage, "2026-12-02T15:59:00Z").await;
        assert_eq!(reminders(&stage), 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_level_is_asked_when_the_first_has_had_its_share() {
    on_both(|on| async move {
        let policy = "approval = { by = 'owner', then = ['team:security'], expires = '10h' }";
        let stage = Stage::set(on, policy).await;
        let approval = stage.asked("/db create orders").await;
        let refused = title(&stage.press("eve", "approve", &approval.id).await);
        assert_eq!(refused, "Only the team data can decide about this, and you are not among them.");
        stage.house.clock.advance(Span::from_secs(5 * 3600));
        stage.house.settle().await;
        assert_eq!(stage.direct("eve").len(), 1, "security is asked as well");
        assert!(text(&stage, &stage.direct("ben")[0]).contains("Decides: the team data or the team security"));
        stage.press("eve", "approve", &approval.id).await;
        stage.house.settle().await;
        assert_eq!(stage.runs().await, 1);
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_cannot_decide_is_not_waited_for() {
    on_both(|on| async move {
        let people = PEOPLE.replace("[\"ben\", \"cleo\", \"dan\"]", "[\"ada\", \"ben\"]");
        let policy = "approval = { by = 'owner', then = ['team:security'], quorum = 2, expires = '10h' }";
        let stage = Stage::with_people(on, policy, &people).await;
        let approval = stage.asked("/db create orders").await;
        assert_eq!((approval.level, stage.direct("ben").len(), stage.direct("eve").len()), (1, 1, 1));
        assert!(!text(&stage, &stage.house.card("ada")).contains("There is nobody"));
        let alone = people.replace("[\"eve\"]", "[]");
        let stage = Stage::with_people(on, policy, &alone).await;
        stage.asked("/db create orders").await;
        let card = text(&stage, &stage.house.card("ada"));
        assert!(card.contains("There is nobody at the moment who can approve it"), "{card}");
        stage.house.clock.advance(Span::from_secs(10 * 3600));
        stage.house.settle().await;
        assert_eq!((stage.state().await, stage.latest().await.state.as_str()), (State::Expired, state::EXPIRED));
        stage.has_no_timer().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stands_in_votes_for_somebody_who_is_away() {
    on_both(|on| async move {
        let stage = Stage::set(on, "approval = { by = 'person:ben' }").await;
        stage.house.say("ben", "/away until 2026-12-24 to eve").await;
        let approval = stage.asked("/db create orders").await;
        assert_eq!(
            stage.house.cards_at(PlatformName::Web, "@eve").iter().filter(|c| c.title.contains("may it run")).count(),
            1
        );
        assert_eq!(title(&stage.press("eve", "approve", &approval.id).await), "Approved");
        let vote = stage.house.app.store.votes(&approval.id).await.expect("reads").remove(0);
        assert_eq!((vote.person.as_str(), vote.on_behalf_of.as_deref()), ("eve", Some("ben")));
        stage.house.settle().await;
        assert_eq!(stage.runs().await, 1);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_a_delegation_from_or_to_who_asks_gives_nothing() {
    on_both(|on| async move {
        let stage = Stage::set(on, "approval = { by = 'person:ben' }").await;
        stage.house.say("ben", "/away until 2026-12-24 to ada").await;
        let approval = stage.asked("/db create orders").await;
        assert!(title(&stage.press("ada", "approve", &approval.id).await).starts_with("This is your own request"));
        stage.house.say("ada", "/away until 2026-12-24 to eve").await;
        let refused = title(&stage.press("eve", "approve", &approval.id).await);
        assert!(refused.starts_with("Only ben can decide"), "who asks does not choose who decides: {refused}");
        assert_eq!((stage.state().await, stage.runs().await), (State::AwaitingApproval, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_vote_for_each_who_is_away_and_one_for_each_who_votes() {
    let stage = Stage::set(On::Sqlite, "approval = { by = 'owner', quorum = 2 }").await;
    for who in ["ben", "cleo"] {
        stage.house.say(who, "/away until 2026-12-24 to eve").await;
    }
    let approval = stage.asked("/db create orders").await;
    assert_eq!(title(&stage.press("eve", "approve", &approval.id).await), "Your approval counts");
    assert!(title(&stage.press("eve", "approve", &approval.id).await).starts_with("You have approved this already."));
    stage.house.say("ben", "/away back").await;
    stage.press("ben", "approve", &approval.id).await;
    let left = stage.state().await;
    assert_eq!(left, State::AwaitingApproval, "eve voted for ben, who is back and has voted himself");
    assert_eq!(title(&stage.press("dan", "approve", &approval.id).await), "Approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn f20_timer_and_click_in_the_same_millisecond_have_one_outcome() {
    on_both(|on| async move {
        for _ in 0..8 {
            let stage = Stage::set(on, "approval = { by = 'owner', expires = '1h' }").await;
            let approval = stage.asked("/db create orders").await;
            stage.house.clock.advance(Span::from_millis(approval.expires_at - 1 - stage.house.clock.now()));
            let claims = serve::work_next(&stage.house.app, 16).await.expect("claims");
            let timers = futures::future::join_all(claims.iter().map(|claim| desk::perform(&stage.house.app, claim)));
            let expire = async {
                stage.house.clock.advance(Span::from_millis(1));
                stationmaster::request::end::expire_next(&stage.house.app).await.expect("expires")
            };
            let (pressed, ..) = futures::join!(stage.press("ben", "approve", &approval.id), expire, timers);
            stage.house.settle().await;
            let expected = match title(&pressed).as_str() {
                "Approved" => (State::Succeeded, state::APPROVED, 1),
                _ => (State::Expired, state::EXPIRED, 0),
            };
            let found = stage.latest().await.state;
            assert_eq!((stage.state().await, found.as_str(), stage.runs().await), expected, "{pressed:?}");
            stage.has_no_timer().await;
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_timer_whose_process_dies_fires_once_in_another() {
    on_both(|on| async move {
        let stage = Stage::set(on, "approval = { by = 'owner', then = ['team:security'], expires = '8h' }").await;
        stage.asked("/db create orders").await;
        stage.house.clock.advance(Span::from_secs(2 * 3600));
        let lost = serve::work_next(&stage.house.app, 16).await.expect("claims");
        assert_eq!(lost.len(), 1, "the reminder is due, and whoever took it dies");
        stage.house.settle().await;
        assert_eq!(reminders(&stage), 0);
        stage.house.clock.advance(Span::from_secs(16));
        stage.house.settle().await;
        assert_eq!(reminders(&stage), 1);
        // The dead process was only asleep.
        desk::perform(&stage.house.app, &lost[0]).await;
        stage.house.settle().await;
        assert_eq!(reminders(&stage), 1);
    })
    .await;
}
