//! Escalations: who is asked for help, what they do, and what whoever waits reads of it.

use super::scene::{Asked, set};
use crate::fields::{field, fill};
use crate::stage::{Stage, play};

const RESOLVED: [(&str, &str); 4] =
    [("new_category", "Full disk"), ("minutes", "15"), ("outcome", "Made room on the disk"), ("automatable", "yes")];

/// ben wants to know something of ada before he goes on.
async fn ask_and_answer(stage: &Stage) {
    let wire = &stage.wire;
    wire.press("ben", "Ask…").await;
    fill(stage, "ben", &[("text", "May I drop the old copies?")]).await;
    wire.read("ben", "The question is sent").await;
    wire.read("ada", "asks you").await;
    wire.press("ada", "Answer…").await;
    wire.read("ada", "Your answer").await;
    wire.fill("ada", "text", "Yes, all of them").await;
    wire.submit("ada").await;
    wire.read("ada", "The answer is on its way.").await;
    wire.read("ben", "ada answers\nYes, all of them").await;
    wire.read("ben", "answers: Yes, all of them").await;
    wire.read("cleo", "answers: Yes, all of them").await;
}

/// What ben has done by hand becomes an idea.
async fn file_an_idea(stage: &Stage) {
    let wire = &stage.wire;
    wire.say("ben", "/toil").await;
    let toil = wire.read("ben", "What people did by hand").await;
    assert!(toil.contains("Full disk: 15m, once"), "{toil}");
    wire.press("ben", "File as an idea: Full disk").await;
    fill(stage, "ben", &[("title", "Disks that grow"), ("need", "As a developer I want room so that I can work")])
        .await;
    wire.read("ben", "Filed: Disks that grow").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_failed_is_claimed_asked_about_and_resolved() {
    play(
        async |on| set(on, Asked::Directly).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("ada", "/db mend name=orders").await;
            for who in ["ben", "cleo"] {
                let card = wire.read(who, "Mend a database – a step failed").await;
                assert!(card.contains("the disk is full") && card.contains("[Claim]"), "{card}");
            }
            wire.read("ada", "The team data was asked for help.").await;
            wire.read("ada", "The log of mend").await;

            wire.press("ben", "Claim").await;
            wire.read("ben", "Nobody else is asked any more.").await;
            let card = wire.read("ben", "Now: ben is looking at it").await;
            assert!(card.contains("[Resolve…]") && card.contains("[Hand over…]") && card.contains("[Ask…]"), "{card}");
            wire.read("cleo", "Now: ben is looking at it").await;
            wire.read("ada", "is looking at it").await;
            wire.read("ada", "is looking at it").await;

            ask_and_answer(&stage).await;

            wire.press("ben", "Resolve…").await;
            fill(&stage, "ben", &[("new_category", ""), ("minutes", "none"), ("outcome", "Made room")]).await;
            wire.read("ben", "! ").await;
            for (name, value) in RESOLVED {
                wire.fill("ben", field(&stage, name), value).await;
            }
            wire.submit("ben").await;
            wire.read("ben", "It is resolved").await;
            wire.read("ada", "Made room on the disk").await;
            wire.read("ada", "Made room on the disk").await;
            for who in ["ben", "cleo"] {
                let card = wire.read(who, "has resolved it: Made room on the disk").await;
                assert!(card.contains("It was: Full disk") && !card.contains("[Claim]"), "{card}");
            }

            file_an_idea(&stage).await;
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_tell_of_is_told_by_who_has_looked() {
    play(
        async |on| set(on, Asked::Directly).await,
        |mut stage| async move {
            stage.wire.say("ada", "/db move").await;
            stage.wire.read("ada", "half way").await;
            stage.restart().await;
            let wire = &stage.wire;
            for who in ["ben", "cleo"] {
                let card = wire.read(who, "Move a database – did it happen?").await;
                assert!(card.contains("Nobody can tell whether the step move happened"), "{card}");
            }
            wire.read("ada", "Move a database – uncertain").await;
            wire.press("ben", "Claim").await;
            wire.read("ben", "Nobody else is asked any more.").await;
            let card = wire.read("ben", "[It did not]").await;
            assert!(card.contains("is looking at it"), "{card}");
            wire.press("ben", "It did not").await;
            fill(&stage, "ben", &RESOLVED).await;
            wire.read("ben", "It is resolved").await;
            wire.read("ada", "ben has looked at it\nMade room on the disk").await;
            wire.read("ada", "Move a database – not done").await;
            wire.read("ada", "is looking at it").await;
            for who in ["ben", "cleo"] {
                wire.read(who, "has resolved it: Made room on the disk").await;
            }
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_that_finds_nothing_reaches_a_human_who_hands_it_over() {
    play(
        async |on| set(on, Asked::Directly).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("ada", "/help zzyzx").await;
            wire.read("ada", "No command does that.").await;
            wire.press("ada", "Ask a human").await;
            fill(&stage, "ada", &[("need", "A road to Zzyzx by Friday")]).await;
            wire.read("ada", "The team platform is asked").await;
            let card = wire.read("dan", "no command does that").await;
            assert!(card.contains("A road to Zzyzx by Friday"), "{card}");
            wire.read("ada", "You asked for a human").await;
            wire.say("dan", "/escalations").await;
            wire.read("dan", "What waits for you").await;
            wire.press("dan", "Claim").await;
            wire.read("dan", "Nobody else is asked any more.").await;
            wire.read("dan", "Now: dan is looking at it").await;
            // The card that she has says so, and its thread tells it.
            wire.read("ada", "dan is looking at it").await;
            wire.read("ada", "dan is looking at it").await;
            wire.press("dan", "Hand over…").await;
            fill(&stage, "dan", &[("to", "team:data")]).await;
            wire.read("dan", "It is handed to data").await;
            wire.read("ada", "dan has handed it to data").await;
            for who in ["ben", "cleo"] {
                wire.read(who, "A road to Zzyzx by Friday").await;
            }
            wire.press("cleo", "Claim").await;
            wire.read("cleo", "Nobody else is asked any more.").await;
            wire.read("ada", "cleo is looking at it").await;
            wire.read("ada", "cleo is looking at it").await;
            wire.press("cleo", "Resolve…").await;
            fill(&stage, "cleo", &RESOLVED).await;
            wire.read("cleo", "It is resolved").await;
            for who in ["ben", "cleo", "dan"] {
                wire.read(who, "has resolved it: Made room on the disk").await;
            }
            wire.read("ada", "Made room on the disk").await;
            wire.read("ada", "Made room on the disk").await;
            stage.close();
        },
    )
    .await;
}
