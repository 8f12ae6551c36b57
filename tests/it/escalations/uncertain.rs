//! A step of which nobody can tell: somebody looks, says so once, and the request goes on.

use stationmaster::chat::Token;
use stationmaster::clock::Span;
use stationmaster::request::end;
use wiremock::ResponseTemplate;

use super::stage::{Stage, form_of, made};
use crate::engine::{On, on_both};
use crate::house::{card_of, read};

/// The answer to the second step is lost.
async fn lost(on: On) -> Stage {
    let stage = Stage::new(on).await;
    stage.answers_once("POST", "/catalog/db-7", ResponseTemplate::new(504)).await;
    stage.answers("POST", "/catalog/db-7", ResponseTemplate::new(200)).await;
    stage.fails("ada").await;
    assert!(stage.card("ada").title.ends_with("uncertain"), "{}", stage.card("ada").title);
    stage.press("ben", "claim").await;
    stage
}

#[tokio::test(flavor = "multi_thread")]
async fn it_happened_and_the_request_goes_on_after_it() {
    on_both(|on| async move {
        let stage = lost(on).await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&stage.channel()[0]), @"");
        }
        let form = form_of(stage.press("ben", "happened").await);
        assert_eq!(stage.card("ada").title, "Create a database – done");
        assert_eq!(stage.calls("POST", "/catalog/db-7").await, 1, "it is not done twice");
        let values =
            [("new_category", "Lost answer"), ("automatable", "partly"), ("minutes", "5"), ("outcome", "Looked")];
        stage.submit("ben", (&form, &values)).await;
        assert!(stage.open().await.is_empty());
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_did_not_and_what_was_before_is_taken_back_without_a_second_call() {
    on_both(|on| async move {
        let stage = lost(on).await;
        let form = form_of(stage.press("ben", "not-happened").await);
        assert_eq!(stage.calls("DELETE", "/databases/db-7").await, 1);
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&stage.card("ada")), @"");
        }
        assert_eq!(stage.one().await.reason, "uncertain");
        let values = [("new_category", "Lost answer"), ("automatable", "no"), ("minutes", "5"), ("outcome", "Looked")];
        stage.submit("ben", (&form, &values)).await;
        assert!(stage.open().await.is_empty());
        stage.click("ada", (&stage.card("ada"), "Try again from there")).await;
        assert_eq!(stage.card("ada").title, "Create a database – done");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_is_run_again_as_a_fresh_attempt_even_days_later() {
    on_both(|on| async move {
        let stage = lost(on).await;
        stage.later(Span::from_secs(5 * 24 * 3600)).await;
        stage.press("ben", "again").await;
        assert_eq!(stage.card("ada").title, "Create a database – done");
        assert_eq!(stage.calls("POST", "/catalog/db-7").await, 2);
        assert_eq!(stage.calls("POST", "/databases").await, 1, "what was done before is not done again");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_verdicts_one_counts_also_across_a_crash() {
    on_both(|on| async move {
        let stage = lost(on).await;
        let id = stage.one().await.id;
        let (again, happened) = (Token::new("again", &id), Token::new("happened", &id));
        let both = futures::future::join(stage.house.press("ben", &again), stage.house.press("cleo", &happened)).await;
        let refused = [both.0, both.1].into_iter().filter_map(|reply| match reply {
            stationmaster::chat::Reply::Card(card) => Some(card.title),
            _ => None,
        });
        let said = "It is not uncertain any more: somebody has said what happened.";
        assert_eq!(refused.collect::<Vec<_>>(), [said]);
        let stage = stage.reopened().await;
        stage.house.settle().await;
        assert_eq!(stage.card("ada").title, "Create a database – done");
        assert_eq!(card_of(&stage.pressed("ben", &again).await).title, said);
        assert!(stage.calls("POST", "/catalog/db-7").await <= 2);
        let request = stage.one().await.request.expect("a request");
        let trail = stage.trail(&request).await;
        assert_eq!(trail.iter().filter(|action| *action == "cleared").count(), 1, "{trail:?}");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d8_what_crashes_the_work_again_and_again_is_put_to_a_human() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.house.say("ada", "/db create orders").await;
        let app = &stage.house.app;
        let claims = stationmaster::serve::work_next(app, 1).await.expect("claims");
        let request = claims[0].payload.split('"').find(|part| part.starts_with("req_")).expect("an id").to_owned();
        let held = claims[0].clone();
        let dies = app.store.write(move |tx| Box::pin(async move { tx.fail_job(&held, "it crashed", None).await }));
        dies.await.expect("writes");
        end::give_up(app, &request).await;
        stage.house.settle().await;
        let one = stage.one().await;
        assert_eq!((one.reason.as_str(), one.request.as_deref()), ("uncertain", Some(request.as_str())));
        stage.answers("POST", "/catalog/db-7", ResponseTemplate::new(200)).await;
        stage.press("ben", "claim").await;
        stage.press("ben", "again").await;
        assert_eq!(stage.card("ada").title, "Create a database – done");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_after_a_verdict_is_the_same_call_for_help() {
    on_both(|on| async move {
        let stage = Stage::new(on).await;
        stage.answers_once("POST", "/databases", ResponseTemplate::new(504)).await;
        stage.fails("ada").await;
        let one = stage.one().await;
        stage.press("ben", "claim").await;
        stage.answers_once("POST", "/databases", made()).await;
        stage.press("ben", "again").await;
        assert!(stage.card("ada").title.ends_with("not done"), "the second step fails");
        assert_eq!(stage.one().await.id, one.id);
        assert_eq!(stage.told("ben").len(), 1, "ben has it already");
        stage.resolve("ben", ("Quota", "Raised it")).await;
        assert!(stage.open().await.is_empty());
        stage.house.finish().await;
    })
    .await;
}
