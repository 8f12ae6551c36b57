//! Readiness, as whatever watches the process asks for it, with platforms that come and go.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use stationmaster::chat::{Card, Event, Health, Inbox, Platform, PlatformName, Post, Reply};
use stationmaster::clock::Span;
use stationmaster::error::Result;
use stationmaster::web::readiness::Readiness;
use tokio_util::sync::CancellationToken;

use crate::engine::{On, on_both};
use crate::house::House;

/// A platform of which is said how it is.
struct Patient(Mutex<Health>);

#[async_trait]
impl Platform for Patient {
    fn name(&self) -> PlatformName {
        PlatformName::Slack
    }

    async fn run(&self, _: Arc<dyn Inbox>, _: CancellationToken) -> Result<()> {
        Ok(())
    }

    async fn reply(&self, _: &Event, _: &Reply) -> Result<()> {
        Ok(())
    }

    async fn post(&self, _: Post<'_>, _: &Card) -> Result<String> {
        anyhow::bail!("not now")
    }

    async fn edit(&self, _: &str, _: &str, _: &Card) -> Result<()> {
        anyhow::bail!("not now")
    }

    fn health(&self) -> Health {
        self.0.lock().expect("lock").clone()
    }
}

impl Patient {
    fn is(&self, health: Health) {
        *self.0.lock().expect("lock") = health;
    }
}

async fn report(readiness: &Readiness) -> Value {
    serde_json::to_value(readiness.report().await).expect("JSON")
}

fn waiting(why: &str) -> Health {
    Health::Waiting(why.into())
}

#[tokio::test]
async fn a_process_is_ready_once_its_platform_was_and_until_it_is_stopped() {
    let patient = Arc::new(Patient(Mutex::new(waiting("no answer"))));
    let house = House::on_platform(On::Sqlite, &[], patient.clone()).await;
    let stop = CancellationToken::new();
    let readiness = Readiness::new(house.app.clone(), stop.clone());
    assert_eq!(
        report(&readiness).await,
        json!({"ready": false, "reason": "slack could not be used yet: no answer",
            "platforms": {"slack": {"state": "waiting", "reason": "no answer"}}})
    );
    patient.is(Health::Ready);
    assert_eq!(
        report(&readiness).await,
        json!({"ready": true, "reason": null, "platforms": {"slack": {"state": "ready", "reason": null}}})
    );
    // A connection that is lost for a while comes back by itself: the rest goes on.
    patient.is(waiting("the socket was lost"));
    assert_eq!(
        report(&readiness).await,
        json!({"ready": true, "reason": null,
            "platforms": {"slack": {"state": "waiting", "reason": "the socket was lost"}}})
    );
    patient.is(Health::Stopped("the token was revoked".into()));
    assert_eq!(
        report(&readiness).await,
        json!({"ready": false, "reason": "slack: the token was revoked",
            "platforms": {"slack": {"state": "stopped", "reason": "the token was revoked"}}})
    );
    patient.is(Health::Ready);
    assert_eq!(report(&readiness).await["ready"], true, "a token that is good again is");
    stop.cancel();
    assert_eq!(report(&readiness).await["reason"], "it is stopping");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_to_be_sent_is_counted_from_when_it_fell_behind() {
    on_both(|on| async move {
        let patient = Arc::new(Patient(Mutex::new(Health::Ready)));
        let house = House::on_platform(on, &[crate::outbox::WAIT], patient.clone()).await;
        let waiting = async || house.app.store.count_waiting().await.expect("counted");
        assert!(waiting().await.is_empty());
        let began = house.clock.now();
        crate::outbox::ask(&house, "ada", "C1").await;
        house.clock.advance(Span::from_secs(30));
        crate::outbox::ask(&house, "ben", "C2").await;
        assert_eq!(waiting().await, [("slack".to_owned(), 2, began)]);
        // What cannot be sent has waited since then, however often it was tried.
        stationmaster::desk::outbox::deliver_next(&house.app, 8).await.expect("tried");
        house.clock.advance(Span::from_secs(600));
        assert_eq!(waiting().await, [("slack".to_owned(), 2, began)]);
    })
    .await;
}
