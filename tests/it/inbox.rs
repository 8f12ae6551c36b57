//! The inbox when the database is slow or away: an honest answer in time, and nothing that starts afterwards.

use std::time::{Duration, Instant};

use stationmaster::chat::{Inbox, Intent, Token};
use stationmaster::error::Result;
use stationmaster::serve;
use stationmaster::store::Store;

use crate::engine::on_both;
use crate::house::House;

const TOUCH: &str = r#"
[capability]
name = "touching"
title = "Touching"
need = "As a tester I want to see whether something was started"
owner = "platform"
maturity = "ga"
[[command]]
name = "touch"
summary = "Start something"
[[command.step]]
name = "touch"
[command.step.process]
program = "/bin/true"
"#;

/// A write that takes as long as on a slow disk.
async fn stall(store: Store) -> Result<()> {
    let slow = async {
        tokio::time::sleep(Duration::from_millis(3500)).await;
        Ok(())
    };
    store.write(move |_| Box::pin(slow)).await
}

#[tokio::test]
async fn what_is_not_kept_in_time_is_refused_in_time_and_never_starts() {
    on_both(|on| async move {
        let house = House::with(on, &[TOUCH]).await;
        let (store, event) = (house.app.store.clone(), house.event("ada", Intent::Say { words: "/touch".into() }));
        let (app, _folder) = house.into_app();
        let open = serve::House::open(app).await.expect("opens");

        let stalled = tokio::spawn(stall(store.clone()));
        tokio::time::sleep(Duration::from_millis(50)).await;
        let began = Instant::now();
        let refused = open.desk.accept(event.clone()).await.expect_err("it cannot be kept");
        assert!(began.elapsed() < Duration::from_millis(2900), "{:?}", began.elapsed());
        assert!(refused.to_string().starts_with("This could not be taken, and nothing was started."), "{refused}");

        let _ = stalled.await.expect("ends");
        // The refusal comes behind the stall; the same delivery again is known by then, and answered already.
        while store.count_events().await.expect("counts") < 1 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(!open.desk.accept(event).await.expect("answers"), "the same delivery again is no other");
        assert_eq!(open.desk.sweep_next().await.expect("sweeps"), 0);
        assert!(store.count_requests().await.expect("counts").is_empty());
        open.close().await;
    })
    .await;
}

/// More at once than are answered at a time: the clock stands still here, so nothing is taken up because it was held for
/// too long.
#[tokio::test]
async fn d13_what_there_is_no_room_for_is_taken_up_as_soon_as_there_is() {
    on_both(|on| async move {
        let house = House::with(on, &[TOUCH]).await;
        let says = |number: usize| house.event(&format!("u{number}"), Intent::Say { words: "/touch".into() });
        let events: Vec<_> = (0..300).map(says).collect();
        let store = house.app.store.clone();
        let (app, _folder) = house.into_app();
        let open = serve::House::open(app).await.expect("opens");
        let accepted = events.into_iter().map(|event| open.desk.accept(event));
        for accepted in futures::future::join_all(accepted).await {
            assert!(accepted.expect("it is kept"));
        }
        let began = Instant::now();
        loop {
            let requests = store.count_requests().await.expect("counts");
            let count: i64 = requests.iter().map(|(_, count)| count).sum();
            if count == 300 {
                break;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "only {count} were answered");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        open.close().await;
    })
    .await;
}

#[tokio::test]
async fn e1_what_is_sealed_is_answered_and_kept_nowhere() {
    on_both(|on| async move {
        let house = House::with(on, &[TOUCH]).await;
        let press = |who: &str| house.event(who, Intent::Press { token: Token::new("pulse", "inv_1") });
        let (first, second, store, chat) = (press("ada"), press("ben"), house.app.store.clone(), house.chat.clone());
        let (app, _folder) = house.into_app();
        let open = serve::House::open(app).await.expect("opens");
        assert!(open.desk.accept(first.clone()).await.expect("answers"));
        assert!(open.desk.accept(first).await.expect("answers"), "nobody can know that it came before");
        assert!(open.desk.accept(second).await.expect("answers"));
        let began = Instant::now();
        while chat.replies.lock().expect("lock").len() < 3 {
            assert!(began.elapsed() < Duration::from_secs(10), "they are told nothing");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(store.count_events().await.expect("counts"), 0);
        open.close().await;
        let drafts = store.drafts();
        drafts.put_sealed("d1", "five".into());
        assert_eq!(drafts.clone().get("d1").await.expect("reads").as_deref(), Some("five"));
        assert_eq!(store.drafts().get("d1").await.expect("reads"), None, "it is in memory only");
        drafts.discard("d1").await.expect("forgets");
        assert_eq!(drafts.get("d1").await.expect("reads"), None);
    })
    .await;
}
