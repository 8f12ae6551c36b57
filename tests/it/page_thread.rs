//! Details on the page: folded under their card, live, and without moving who reads.

use serde_json::{Value, json};
use stationmaster::chat::{Card, Platform as _};
use thirtyfour::prelude::Key;

use crate::browser::Scheme;
use crate::page::{FLAWS, news, opened};
use crate::scripted::to;

/// How far something has moved, in pixels; a browser scrolls by whole ones only.
fn moved(before: &Value, after: &Value) -> f64 {
    (before.as_f64().expect("a number") - after.as_f64().expect("a number")).abs()
}

#[tokio::test(flavor = "multi_thread")]
async fn details_are_folded_under_their_card_and_move_nobody() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    let place = page.place();
    for number in 1..=30 {
        page.chat.post(to(&place, &format!("msg_{number}")), &news(&format!("News {number}."))).await.expect("posted");
    }
    browser.sees("News 30.").await;
    assert_eq!(browser.eval("document.querySelectorAll('details.thread').length").await, 0);

    // Who reads is not moved by details that come above, nor by unfolding them at the end of the conversation.
    browser.driver.execute("log.scrollTop = 900", vec![]).await.expect("scrolled");
    browser.until("log.scrollTop === 900").await;
    // What has just arrived still moves by itself.
    browser.until("document.getAnimations().every((moving) => moving.animationName !== 'arrive')").await;
    let seen = "[...document.querySelectorAll('.entry')].find((e) => e.getBoundingClientRect().top > 100)";
    let top = browser.eval(&format!("(window.seen = {seen}).getBoundingClientRect().top")).await;
    let (first, last) = (format!("{place}/msg_1"), format!("{place}/msg_30"));
    for (thread, key) in [(&first, "msg_a"), (&last, "msg_b"), (&last, "msg_c")] {
        let said = Card { body: "```\nline 1\nline 2\n```".into(), ..news(&format!("Said {key}")) };
        page.chat.post(to(thread, key), &said).await.expect("posted");
    }
    browser.until("document.querySelectorAll('details.thread').length === 2").await;
    browser.until("document.querySelectorAll('.detail').length === 3").await;
    let by = moved(&top, &browser.eval("window.seen.getBoundingClientRect().top").await);
    assert!(by < 1.0, "who reads is moved by {by}");
    assert_eq!(browser.eval("document.querySelectorAll('.entry').length").await, 30, "details are no entries");
    assert!(!browser.eval("document.body.innerText").await.to_string().contains("Said msg_a"), "they are folded");

    browser.driver.execute("log.scrollTop = log.scrollHeight", vec![]).await.expect("scrolled");
    let summary = "document.querySelector('#e-msg_30 summary')";
    let top = browser.eval(&format!("{summary}.getBoundingClientRect().top")).await;
    browser.focus("#e-msg_30 summary").await;
    browser.keys(Key::Enter + "").await;
    browser.until("document.querySelector('#e-msg_30 details').open").await;
    browser.picture("details").await;
    let by = moved(&top, &browser.eval(&format!("{summary}.getBoundingClientRect().top")).await);
    assert!(by < 1.0, "what was unfolded is moved by {by}");
    assert_eq!(browser.eval(FLAWS).await, json!([]));

    // Changed while it is unfolded, it stays so, at its place.
    page.chat.edit(&last, "msg_b", &news("Said otherwise")).await.expect("edited");
    browser.sees("Said otherwise").await;
    assert_eq!(browser.eval("document.querySelector('#e-msg_30 details').open").await, true);
    page.chat.edit(&place, "msg_30", &news("News 30, changed.")).await.expect("edited");
    browser.sees("News 30, changed.").await;
    browser.sees("Said msg_c").await;
    assert_eq!(browser.eval("document.querySelectorAll('#e-msg_30 .detail').length").await, 2);
    browser.reload().await;
    browser.until("document.querySelectorAll('#e-msg_30 .detail').length === 2").await;

    // Of a card that is not there, or of a detail, something still comes of it.
    page.chat.post(to(&format!("{place}/gone"), "msg_d"), &news("Alone")).await.expect("posted");
    page.chat.post(to(&format!("{last}/x"), "msg_e"), &news("Alone too")).await.expect("posted");
    page.chat.post(to(&format!("{place}/msg_c"), "msg_f"), &news("Deeper")).await.expect("posted");
    page.chat.post(to(&format!("@{place}"), "msg_g"), &news("In private")).await.expect("posted");
    browser.sees("In private").await;
    browser.until("document.querySelectorAll('#e-msg_30 .detail').length === 3").await;
    assert_eq!(browser.eval("document.querySelectorAll('.entry').length").await, 33);
    browser.close().await;
}
