//! Approvals: what people are asked, what they answer, and what whoever waits reads of it.

use super::scene::{Asked, set};
use crate::fields::fill;
use crate::stage::{On, play};

#[tokio::test(flavor = "multi_thread")]
async fn what_two_people_agree_to_runs_after_a_question_was_answered() {
    play(
        async |on| set(on, Asked::Directly).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("ada", "/db create name=orders").await;
            let card = wire.read("ada", "waiting for approval").await;
            assert!(card.contains("Approved: 0 of 2") && card.contains("[Cancel]"), "{card}");
            let card = wire.read("ben", "may it run?").await;
            for shown in ["/db create name=orders", "[Approve]", "[Deny…]", "[Ask…]"] {
                assert!(card.contains(shown), "{shown}: {card}");
            }
            wire.read("cleo", "may it run?").await;

            wire.press("ben", "Ask…").await;
            fill(&stage, "ben", &[("question", "For how long?")]).await;
            wire.read("ben", "You are told when there is an answer.").await;
            wire.read("ada", "wants to know something").await;
            wire.read("ada", "asks: For how long?").await;
            wire.read("cleo", "asks: For how long?").await;
            wire.press("ada", "Answer ben…").await;
            fill(&stage, "ada", &[("answer", "Until the end of the year")]).await;
            wire.read("ada", "Who asked has been told").await;
            wire.read("ada", "You answered: Until the end of the year").await;
            wire.read("ben", "has answered").await;
            wire.read("ben", "answers: Until the end of the year").await;
            wire.read("cleo", "answers: Until the end of the year").await;

            wire.press("ben", "Approve").await;
            wire.read("ben", "Your approval counts").await;
            wire.read("cleo", "Approved: 1 of 2").await;
            wire.press("cleo", "Approve").await;
            wire.read("cleo", "That was the last one that it needed.").await;
            wire.read("ada", "Database orders is there.").await;
            for who in ["ben", "cleo"] {
                let card = wire.read(who, "Create a database – approved").await;
                assert!(!card.contains("[Approve]"), "{card}");
            }
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_no_says_why_and_what_is_called_off_or_too_late_loses_its_buttons() {
    play(
        async |on| set(on, Asked::Directly).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("ada", "/db grow name=orders").await;
            wire.read("ben", "may it run?").await;
            wire.press("ben", "Deny…").await;
            fill(&stage, "ben", &[("reason", "no")]).await;
            let form = wire.read("ben", "! Say a little more").await;
            assert!(form.to_lowercase().contains("reason = no"), "{form}");
            wire.fill("ben", "reason", "Clean up first").await;
            wire.submit("ben").await;
            wire.read("ben", "You said no").await;
            let card = wire.read("ada", "Give a database more room – not approved").await;
            assert!(card.contains("Clean up first"), "{card}");
            wire.read("ada", "ben said no\nClean up first").await;
            for who in ["ben", "cleo"] {
                // In the channel they see the card of the request too.
                let card = wire.read(who, "Denied by: ben: Clean up first").await;
                assert!(!card.contains("[Approve]"), "{card}");
            }

            wire.say("ada", "/db grow name=orders").await;
            wire.read("ada", "waiting for approval").await;
            wire.read("ben", "may it run?").await;
            wire.press("ada", "Cancel").await;
            wire.read("ada", "Give a database more room – cancelled").await;
            for who in ["ben", "cleo"] {
                let card = wire.read(who, "Give a database more room – called off").await;
                assert!(!card.contains("[Approve]"), "{card}");
            }

            wire.say("ada", "/db hurry").await;
            wire.read("ada", "Ask for something quickly – expired").await;
            for who in ["ben", "cleo"] {
                wire.read(who, "Ask for something quickly – not decided in time").await;
                wire.read(who, "nobody approved it in time").await;
            }
            // That nobody decided in time is itself something that the team is asked about.
            wire.press("ben", "Claim").await;
            wire.read("ben", "It is yours").await;
            wire.read("ben", "Now: ben is looking at it").await;
            wire.read("cleo", "Now: ben is looking at it").await;
            wire.read("ada", "is looking at it").await;
            wire.read("ada", "is looking at it").await;
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_buttons_work_after_a_restart_and_of_two_who_press_at_once_one_is_the_last() {
    play(
        async |on| set(on, Asked::Directly).await,
        |mut stage| async move {
            stage.wire.say("ada", "/db grow name=orders").await;
            stage.wire.read("ada", "waiting for approval").await;
            stage.wire.read("ben", "may it run?").await;
            stage.wire.read("cleo", "may it run?").await;
            stage.restart().await;
            let wire = &stage.wire;
            tokio::join!(wire.press("ben", "Approve"), wire.press("cleo", "Approve"));
            wire.read("ada", "Database orders has more room.").await;
            // The one reads that it was the last approval, the other who was faster; both see the card that tells it.
            for who in ["ben", "cleo"] {
                wire.read(who, "pproved").await;
                wire.read(who, "pproved").await;
            }
            stage.close();
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_in_a_channel_strangers_and_whoever_asked_are_told_that_others_decide() {
    play(
        async |on| set(on, Asked::InChannel).await,
        |stage| async move {
            let wire = &stage.wire;
            wire.say("ada", "/db grow name=orders").await;
            wire.read("ada", "waiting for approval").await;
            // The page has no conversation of several people, so that nobody else sees it there.
            wire.read("ben", "may it run?").await;
            if stage.on == On::Page {
                wire.read("cleo", "may it run?").await;
            } else {
                wire.press("eve", "Approve").await;
                wire.read("eve", "Only the team data can decide about this, and you are not among them.").await;
                wire.press("ada", "Approve").await;
                wire.read("ada", "This is your own request, so somebody else decides about it.").await;
                wire.press("eve", "Ask…").await;
                wire.read("eve", "you are not among them.").await;
            }
            wire.press("ben", "Approve").await;
            wire.read("ben", "That was the last one that it needed.").await;
            wire.read("ada", "Database orders has more room.").await;
            wire.read("ben", "Give a database more room – approved").await;
            if stage.on == On::Page {
                wire.read("cleo", "Give a database more room – approved").await;
            }
            stage.close();
        },
    )
    .await;
}
