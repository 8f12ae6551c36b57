//! Surveys on the page: what is filled in is in the browser alone until it is taken, and what was typed is not lost there.

use stationmaster::chat::{Action, Button, Card, Platform as _, SEALED, Style, Token};

use crate::browser::{Browser, Scheme};
use crate::page::{Page, opened};
use crate::scripted::to;

/// Asks whoever looks, and opens the form for them.
async fn ask(page: &Page, browser: &Browser) {
    let answer = Action::Press(Token::new(SEALED, "inv_1"));
    let button = Button { label: "Answer".into(), action: answer, style: Style::Primary };
    let card = Card { title: "You are asked".into(), buttons: vec![button], ..Card::default() };
    page.chat.post(to(&page.place(), "msg_1"), &card).await.expect("posted");
    browser.sees("You are asked").await;
    browser.click(".entry .primary").await;
    browser.until("document.querySelector('.form')").await;
    browser.click("[name='f.flow'][value='3']").await;
    browser.click("[name='f.load'][value='1']").await;
    browser.focus("textarea").await;
    browser.keys("Ask Ben").await;
}

const FILLED: &str = "document.querySelector('[name=\"f.flow\"]:checked')?.value === '3' && \
                      document.querySelector('[name=\"f.load\"]:checked')?.value === '1' && \
                      document.querySelector('textarea')?.value === 'Ask Ben'";

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_back_with_a_warning_is_as_it_was() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    ask(&page, &browser).await;
    browser.click(".form .primary").await;
    browser.sees("What is marked may tell who you are.").await;
    browser.until(FILLED).await;
    browser.focus("textarea").await;
    browser.keys(" not").await;
    browser.click(".form .primary").await;
    browser.sees("Thank you").await;
    browser.until("!document.querySelector('.form')").await;
    assert!(!page.stored().await.contains("Ask Ben"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_away_stays_in_the_browser() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    ask(&page, &browser).await;
    browser.click("[formaction]").await;
    browser.until("document.querySelector('.aside') && !document.querySelector('.form')").await;
    let stored = page.stored().await;
    assert!(
        stored.contains("How is it here?")
            && !stored.contains("Ask Ben")
            && !stored.contains("\"value\":\"3\",\"error"),
        "{stored}"
    );
    browser.click(".aside button").await;
    browser.until(FILLED).await;
    browser.reload().await;
    browser.click(".aside button").await;
    browser.until(FILLED).await;
    browser.close().await;
}
