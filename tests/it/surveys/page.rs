//! The results as a page and as CSV.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use tower::ServiceExt as _;

use super::stage::{DAY, HOUR, Stage, values};
use crate::engine::On;

/// What is answered to a GET: the status, the kind of content, the text.
async fn get(stage: &Stage, path: &str, dest: &str) -> (StatusCode, String, String) {
    let router = stationmaster::web::surveys::router(stage.house.app.clone());
    let request = Request::get(path).header("sec-fetch-dest", dest).body(Body::empty()).expect("a request");
    let answer = router.oneshot(request).await.expect("an answer");
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let (status, kind) = (answer.status(), kind.to_owned());
    let body = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    (status, kind, String::from_utf8(body.to_vec()).expect("text"))
}

#[tokio::test(flavor = "multi_thread")]
async fn results_are_a_page_and_a_table_and_nothing_before_they_are_out() {
    let stage = Stage::open(On::Sqlite).await;
    let path = format!("/surveys/{}", stage.wave().await.id);
    assert_eq!(get(&stage, &path, "document").await.0, StatusCode::NOT_FOUND, "nothing is published");
    for (number, who) in stage.people().iter().enumerate() {
        let mut values = values(number);
        if number == 0 {
            values.insert("change".into(), "<script>alert(1)</script>".into());
        }
        stage.answer(who, values).await;
    }
    stage.pass(10 * DAY + HOUR).await;
    let (status, kind, page) = get(&stage, &path, "document").await;
    assert_eq!((status, kind.as_str()), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(page.contains("I can work without being interrupted") && page.contains("2.5 of 5"), "{page}");
    assert!(!page.contains("<script>") && page.contains("&#60;script&#62;"), "{page}");
    let (_, kind, table) = get(&stage, &format!("{path}.csv"), "empty").await;
    assert_eq!(kind, "text/csv; charset=utf-8");
    insta::assert_snapshot!(table.replace("\r\n", "\n"), @"
    survey,wave,question,version,group,shown,n,score,low,high,words
    How is it here?,1,I can work without being interrupted,794b4746731c8b49,everyone,value,16,2.5,1.8847,3.1153,2.5 of 5
    How is it here?,1,I can work without being interrupted,794b4746731c8b49,data,value,8,2.5,1.5008,3.4992,2.5 of 5
    How is it here?,1,I can work without being interrupted,794b4746731c8b49,web,value,8,2.5,1.5008,3.4992,2.5 of 5
    How is it here?,1,Would you recommend working here?,fcdd7f6f0ce4570a,everyone,value,16,-62.5,-85.6364,-19.6267,-63
    How is it here?,1,Would you recommend working here?,fcdd7f6f0ce4570a,data,value,8,-87.5,-99.474,-27.7988,-88
    How is it here?,1,Would you recommend working here?,fcdd7f6f0ce4570a,web,value,8,-37.5,-76.6569,22.1114,-38
    How is it here?,1,What stops you?,d09de6f8e4c53b6d,Builds,bound,16,,,,at least 9 of 16 did not
    How is it here?,1,What stops you?,d09de6f8e4c53b6d,Reviews,bound,16,,,,at least 9 of 16 did not
    How is it here?,1,What stops you?,d09de6f8e4c53b6d,Meetings,bound,16,,,,at least 9 of 16 did not
    How is it here?,1,What would you change?,7a7245765a901219,everyone,value,16,,,,
    ");
    assert_eq!(get(&stage, &path, "iframe").await.0, StatusCode::NOT_FOUND, "no other site draws it into itself");
    assert_eq!(get(&stage, "/surveys/wav_none", "document").await.0, StatusCode::NOT_FOUND);
}
