//! What cannot be done as it was asked for is told to who asked, who can mend it, and to nobody else.

use serde_json::json;
use wiremock::ResponseTemplate;

use super::stage::Stage;
use crate::engine::on_both;
use crate::house::read;

#[tokio::test(flavor = "multi_thread")]
async fn what_the_requester_can_mend_asks_nobody_and_breaks_no_promise() {
    on_both(|on| async move {
        let stage = Stage::with(on, ("slo = { success = 0.99, p90 = '5m' }", ""), |_| {}).await;
        let taken = ResponseTemplate::new(409).set_body_json(json!({"message": "the name orders is taken"}));
        stage.answers("POST", "/catalog/db-7", taken).await;
        for _ in 0..25 {
            stage.fails("ada").await;
        }
        let card = read(&stage.card("ada"));
        assert!(card.contains("It cannot be done like this: ") && card.contains("the name orders is taken"), "{card}");
        assert!(card.contains("What was done before has been taken back."), "{card}");
        assert!(!card.contains("was asked for help"), "{card}");
        assert!(stage.open().await.is_empty(), "neither for the step nor for the promise");
        assert!(stage.told("ben").is_empty());
    })
    .await;
}
