//! What escalations teach: figures with what they are shares of, trends in words, and the idea that each kind is.

use stationmaster::clock::Span;
use wiremock::ResponseTemplate;

use super::stage::{Stage, form_of};
use crate::engine::on_both;
use crate::house::{card_of, read};

#[tokio::test(flavor = "multi_thread")]
async fn toil_is_ranked_with_a_trend_and_becomes_an_idea_once() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        let none = read(&card_of(&stage.house.say("ada", "/toil").await));
        assert!(none.contains("Nothing was resolved by hand in these 30 days."), "{none}");
        stage.fails("ada").await;
        stage.resolve("ben", ("Full disk", "Freed some room")).await;
        stage.later(Span::from_secs(31 * 24 * 3600)).await;
        for who in ["ada", "abe"] {
            stage.fails(who).await;
            stage.resolve("ben", ("full disk", "Freed some room")).await;
        }
        stage.fails("amy").await;
        stage.resolve("cleo", ("Quota", "Raised it")).await;
        stage.answers("POST", "/catalog/db-7", ResponseTemplate::new(200)).await;
        stage.fails("ada").await;
        let toil = card_of(&stage.house.say("ada", "/toil").await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&toil), @"");
        }
        let form = form_of(stage.click("ada", (&toil, "File as an idea: Full disk")).await);
        let proposed: Vec<_> = form.fields.iter().filter_map(|field| field.value.as_ref()?.as_str()).collect();
        assert_eq!(
            proposed,
            [
                "Full disk by self-service",
                "As a developer I want Full disk to be done by self-service so that I need not wait for a human",
            ]
        );
        let need = "As a developer I want more room so that I can go on";
        let again = form_of(stage.submit("ada", (&form, &[("title", ""), ("need", need)])).await);
        assert_eq!(again.fields[0].error.as_deref(), Some("This is needed."));
        assert_eq!(again.fields[1].value, Some(need.into()));
        let values = [("title", "Room on demand"), ("need", need)];
        let filed = card_of(&stage.submit("ada", (&form, &values)).await);
        assert_eq!(filed.title, "Filed: Room on demand");
        let twice = card_of(&stage.submit("abe", (&form, &values)).await);
        assert_eq!(twice.title, "ada has filed this already: Room on demand");
        let toil = card_of(&stage.house.say("ada", "/toil 90d").await);
        let labels: Vec<_> = toil.buttons.iter().map(|button| button.label.as_str()).collect();
        assert_eq!(labels, ["File as an idea: Quota", "The last 30 days"]);
        let wrong = card_of(&stage.house.say("ada", "/toil 7d").await);
        assert_eq!(wrong.title, "7d is no window that there are figures for.");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn open_escalations_are_counted_for_who_watches() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.fails("ada").await;
        let count = || async { stage.house.app.store.count_escalations().await.expect("reads") };
        assert_eq!(count().await, [("step-failed".to_owned(), 1, 1)]);
        stage.press("ben", "claim").await;
        assert_eq!(count().await, [("step-failed".to_owned(), 1, 0)]);
    })
    .await;
}
