//! Who is there and who is not: absences, and who is on call.

use super::scene::{Asked, set};
use crate::fields::fill;
use crate::stage::play;

#[tokio::test(flavor = "multi_thread")]
async fn who_is_away_names_who_decides_meanwhile() {
    play(
        async |on| set(on, Asked::Directly).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("cleo", "/oncall data").await;
            let card = wire.read("cleo", "Who is on call for data").await;
            assert!(card.contains("data: ben"), "{card}");
            wire.say("ben", "/away").await;
            fill(&stage, "ben", &[("until", "3d"), ("delegate", "dan"), ("because", "A long weekend")]).await;
            wire.read("ben", "You are away").await;
            let card = wire.read("dan", "is away, and you decide for them").await;
            assert!(card.contains("A long weekend"), "{card}");
            wire.say("cleo", "/oncall data").await;
            wire.read("cleo", "dan stands in").await;

            wire.say("ada", "/db grow name=orders").await;
            wire.read("ada", "waiting for approval").await;
            wire.read("cleo", "may it run?").await;
            wire.read("dan", "may it run?").await;
            wire.press("dan", "Approve").await;
            wire.read("dan", "That was the last one that it needed.").await;
            wire.read("ada", "Database orders has more room.").await;
            let card = wire.read("dan", "Give a database more room – approved").await;
            assert!(card.contains("dan, for ben"), "{card}");
            wire.read("cleo", "Give a database more room – approved").await;
            wire.say("ben", "/away back").await;
            wire.read("ben", "Welcome back").await;
            stage.close();
        },
    )
    .await;
}
