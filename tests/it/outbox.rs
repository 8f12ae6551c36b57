//! The outbox against a platform that has its own mind: budgets, silences, closed conversations, refusals, details.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use stationmaster::chat::{
    Card, Event, Health, Inbox, Intent, Platform, PlatformName, Post, Reply, Token, Undelivered,
};
use stationmaster::clock::{Millis, Span};
use stationmaster::desk;
use stationmaster::desk::outbox;
use stationmaster::error::Result;
use stationmaster::store::pace::Pace;
use tokio_util::sync::CancellationToken;

use crate::engine::{On, on_both};
use crate::house::House;

/// What the platform was told: what, where, and the card's title.
type Told = (&'static str, String, String);

/// A platform that answers as it was told to, and otherwise takes everything.
#[derive(Default)]
struct Stern {
    told: Mutex<Vec<Told>>,
    /// What it answers next.
    next: Mutex<VecDeque<Undelivered>>,
    refused: Mutex<bool>,
    tried_at: Mutex<Vec<Option<Millis>>>,
}

#[async_trait]
impl Platform for Stern {
    fn name(&self) -> PlatformName {
        PlatformName::Slack
    }

    async fn run(&self, _: Arc<dyn Inbox>, _: CancellationToken) -> Result<()> {
        Ok(())
    }

    async fn reply(&self, _: &Event, _: &Reply) -> Result<()> {
        Ok(())
    }

    async fn post(&self, post: Post<'_>, card: &Card) -> Result<String> {
        self.tried_at.lock().expect("lock").push(post.tried_at);
        self.take("post", post.place, card)?;
        Ok(format!("m{}", self.told.lock().expect("lock").len()))
    }

    async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()> {
        self.take("edit", &format!("{place}#{message}"), card)
    }

    fn pace(&self) -> Pace {
        Pace { conversation: Span::from_secs(1), everywhere: Span::from_millis(0) }
    }

    fn health(&self) -> Health {
        if *self.refused.lock().expect("lock") {
            Health::Stopped("the token was revoked".into())
        } else {
            Health::Ready
        }
    }
}

impl Stern {
    fn take(&self, what: &'static str, place: &str, card: &Card) -> Result<()> {
        if let Some(error) = self.next.lock().expect("lock").pop_front() {
            *self.refused.lock().expect("lock") |= matches!(error, Undelivered::Refused(_));
            return Err(error.into());
        }
        self.told.lock().expect("lock").push((what, place.to_owned(), card.title.clone()));
        Ok(())
    }

    fn answers(&self, error: Undelivered) {
        self.next.lock().expect("lock").push_back(error);
    }

    /// What it was told since it was last asked.
    fn told(&self) -> Vec<String> {
        let told = std::mem::take(&mut *self.told.lock().expect("lock"));
        told.into_iter().map(|(what, place, title)| format!("{what} {place}: {title}")).collect()
    }
}

/// A command that waits to be confirmed.
pub const WAIT: &str = r#"
[capability]
name = "waiting"
title = "Waiting"
need = "As a tester I want work that does not move so that I can look at its card"
owner = "platform"
maturity = "ga"
[[command]]
name = "wait"
summary = "Wait to be confirmed"
confirm = "true"
[[command.step]]
name = "first"
[command.step.process]
program = "/bin/true"
[[command.step]]
name = "second"
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo the log; exit 0"]
"#;

/// A house on that platform, and the platform.
async fn house(on: On) -> (House, Arc<Stern>) {
    let stern = Arc::new(Stern::default());
    (House::on_platform(on, &[WAIT], stern.clone()).await, stern)
}

/// Somebody asks in a conversation.
pub async fn ask(house: &House, who: &str, place: &str) {
    let mut event = house.event(who, Intent::Say { words: "/wait".into() });
    (event.platform, event.place) = (PlatformName::Slack, place.into());
    assert_eq!(desk::handle(&house.app, &event).await, Reply::Nothing);
}

/// Says yes to the one request that the person has.
async fn confirm(house: &House, who: &str) {
    let person = house.app.store.person_of("slack", who).await.expect("reads").expect("somebody");
    let requests = house.app.store.requests_of(&person.id, 2).await.expect("reads");
    assert_eq!(requests.len(), 1);
    let mut event = house.event(who, Intent::Press { token: Token::new("confirm", &requests[0].id) });
    event.platform = PlatformName::Slack;
    assert_eq!(desk::handle(&house.app, &event).await, Reply::Nothing);
}

async fn deliver(house: &House) -> usize {
    outbox::deliver_next(&house.app, 64).await.expect("delivers")
}

#[tokio::test]
async fn a_conversation_has_a_budget_and_holds_up_nobody_else() {
    on_both(|on| async move {
        let (house, stern) = house(on).await;
        for _ in 0..10 {
            ask(&house, "ada", "C1").await;
        }
        ask(&house, "ben", "C2").await;
        // Four at once are a burst that the platform takes; then it is one a second.
        while deliver(&house).await > 0 {}
        let told = stern.told();
        assert_eq!(told.iter().filter(|line| line.contains("C1")).count(), 4, "{told:?}");
        assert_eq!(told.iter().filter(|line| line.contains("C2")).count(), 1, "{told:?}");
        for _ in 0..6 {
            house.clock.advance(Span::from_secs(1));
            deliver(&house).await;
            assert_eq!(stern.told().len(), 1);
        }
        house.clock.advance(Span::from_secs(5));
        assert_eq!(deliver(&house).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_wish_for_silence_is_kept_and_learnt_from() {
    on_both(|on| async move {
        let (house, stern) = house(on).await;
        ask(&house, "ada", "C1").await;
        ask(&house, "ben", "C2").await;
        stern.answers(Undelivered::Limited { wait: Span::from_secs(20), everywhere: true });
        stern.answers(Undelivered::Limited { wait: Span::from_secs(20), everywhere: true });
        deliver(&house).await;
        assert!(stern.told().is_empty());
        house.clock.advance(Span::from_secs(19));
        assert_eq!(deliver(&house).await, 0, "the silence is kept");
        house.clock.advance(Span::from_secs(2));
        deliver(&house).await;
        house.clock.advance(Span::from_secs(2));
        deliver(&house).await;
        assert_eq!(stern.told().len(), 2);
        assert!(stern.tried_at.lock().expect("lock").iter().all(Option::is_none), "a limit is no lost answer");
    })
    .await;
}

#[tokio::test]
async fn an_absurd_wish_is_cut_and_other_conversations_go_on() {
    on_both(|on| async move {
        let (house, stern) = house(on).await;
        ask(&house, "ada", "C1").await;
        stern.answers(Undelivered::Limited { wait: Span::from_secs(86_400), everywhere: false });
        deliver(&house).await;
        ask(&house, "ben", "C2").await;
        deliver(&house).await;
        assert_eq!(stern.told(), ["post C2: Are you sure?"]);
        house.clock.advance(Span::from_secs(310));
        deliver(&house).await;
        assert_eq!(stern.told(), ["post C1: Are you sure?"]);
    })
    .await;
}

#[tokio::test]
async fn after_a_refusal_nothing_is_sent_and_nothing_is_lost() {
    on_both(|on| async move {
        let (house, stern) = house(on).await;
        ask(&house, "ada", "C1").await;
        stern.answers(Undelivered::Refused("token_revoked".into()));
        deliver(&house).await;
        ask(&house, "ben", "C2").await;
        house.clock.advance(Span::from_secs(3600));
        assert_eq!(deliver(&house).await, 0, "no storm of retries");
        // Another token.
        *stern.refused.lock().expect("lock") = false;
        deliver(&house).await;
        assert_eq!(stern.told().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_closed_conversation_is_told_to_its_person_and_then_given_up() {
    on_both(|on| async move {
        let (house, stern) = house(on).await;
        ask(&house, "ada", "C1").await;
        stern.answers(Undelivered::Closed("not_in_channel".into()));
        deliver(&house).await;
        deliver(&house).await;
        assert_eq!(stern.told(), ["post @ada: Are you sure?"]);

        ask(&house, "ben", "C1").await;
        stern.answers(Undelivered::Closed("is_archived".into()));
        stern.answers(Undelivered::Closed("user_disabled".into()));
        deliver(&house).await;
        deliver(&house).await;
        house.clock.advance(Span::from_secs(3600));
        assert_eq!(deliver(&house).await, 0, "it is not tried for ever");
        assert!(stern.told().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_message_that_is_gone_is_posted_anew_and_a_lost_answer_is_looked_for() {
    on_both(|on| async move {
        let (house, stern) = house(on).await;
        ask(&house, "ada", "C1").await;
        deliver(&house).await;
        confirm(&house, "ada").await;
        stern.answers(Undelivered::Gone);
        house.clock.advance(Span::from_secs(5));
        deliver(&house).await;
        assert_eq!(
            stern.told(),
            ["post C1: Are you sure?".to_owned(), "post C1: Wait to be confirmed – accepted".to_owned()]
        );

        // The process dies between a post and its note: the next one knows that there may be a message.
        ask(&house, "ben", "C2").await;
        let claimed = outbox::claim_next(&house.app, 64).await.expect("claims");
        assert_eq!(claimed.len(), 1);
        drop(claimed);
        house.clock.advance(Span::from_secs(31));
        stern.tried_at.lock().expect("lock").clear();
        deliver(&house).await;
        assert!(stern.tried_at.lock().expect("lock")[0].is_some());
    })
    .await;
}

#[tokio::test]
async fn details_go_to_the_thread_of_the_card() {
    on_both(|on| async move {
        let (house, stern) = house(on).await;
        ask(&house, "ada", "C1").await;
        deliver(&house).await;
        confirm(&house, "ada").await;
        house.pass(Span::from_secs(5)).await;
        let told = stern.told();
        assert_eq!(told.first().map(String::as_str), Some("post C1: Are you sure?"));
        assert!(told.iter().any(|line| line == "edit C1#m1: Wait to be confirmed – done"), "{told:?}");
        assert_eq!(told.last().map(String::as_str), Some("post C1/m1: What was done"), "{told:?}");
        house.finish().await;
    })
    .await;
}
