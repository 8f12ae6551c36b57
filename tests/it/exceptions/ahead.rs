//! What need not wait for an approval: a glass that is broken and looked at later, and a vote that was given ahead.

use super::scene::{Asked, set};
use crate::fields::fill;
use crate::stage::play;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_glass_starts_it_and_is_looked_at_by_somebody_else() {
    play(
        async |on| set(on, Asked::Directly).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("ada", "/db create name=orders").await;
            wire.read("ada", "waiting for approval").await;
            wire.read("ben", "may it run?").await;
            wire.press("ben", "Break glass…").await;
            fill(&stage, "ben", &[("reason", "Orders are being lost right now")]).await;
            wire.read("ben", "The glass is broken").await;
            wire.read("ada", "Database orders is there.").await;
            for who in ["ben", "cleo"] {
                let card = wire.read(who, "Create a database – approved").await;
                assert!(card.contains("Glass broken by") && card.contains("Orders are being lost right now"), "{card}");
                wire.read(who, "broke the glass").await;
            }
            wire.say("cleo", "/approvals").await;
            let list = wire.read("cleo", "Broken glasses to look at").await;
            assert!(list.contains("/db create name=orders"), "{list}");
            wire.press("cleo", "It was right…").await;
            fill(&stage, "cleo", &[("note", "Two people are too many at night")]).await;
            wire.read("cleo", "Everybody who was told of it can read what you said.").await;
            for who in ["ben", "cleo"] {
                let card = wire.read(who, "looked at it: it was right").await;
                assert!(
                    card.contains("Two people are too many at night") && !card.contains("[It was right…]"),
                    "{card}"
                );
            }
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vote_that_was_given_ahead_counts_until_it_is_taken_back() {
    play(
        async |on| set(on, Asked::Directly).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("ada", "/db grow name=orders").await;
            wire.read("ada", "waiting for approval").await;
            wire.read("ben", "may it run?").await;
            wire.press("ben", "Approve ahead…").await;
            fill(&stage, "ben", &[("time", "7d"), ("uses", "2")]).await;
            let card = wire.read("ben", "Approved ahead").await;
            assert!(card.contains("has your vote 2 times, for ada"), "{card}");
            wire.press("ben", "Approve this one too").await;
            wire.read("ben", "That was the last one that it needed.").await;
            wire.read("ada", "Database orders has more room.").await;
            wire.read("ben", "Give a database more room – approved").await;
            wire.read("cleo", "Give a database more room – approved").await;

            // Nobody is asked now.
            wire.say("ada", "/db grow name=orders").await;
            wire.read("ada", "Database orders has more room.").await;
            wire.say("ben", "/approvals").await;
            let list = wire.read("ben", "Approved ahead").await;
            assert!(list.contains("for ada: 1 use left"), "{list}");
            wire.press("ben", "Take back: /db grow for ada").await;
            wire.read("ben", "You have nothing to decide, to look at or to take back.").await;
            wire.say("ada", "/db grow name=orders").await;
            wire.read("ada", "waiting for approval").await;
            wire.read("ben", "may it run?").await;
            wire.read("cleo", "may it run?").await;
            wire.say("ben", "/approvals").await;
            wire.read("ben", "One approval waits for you").await;
            stage.close();
        },
    )
    .await;
}
