//! Cards in the dress of Slack and Discord, as the page draws them from what those platforms are sent.

use serde_json::json;
use stationmaster::chat::{Action, Button, Card, Platform as _, Style, Token, Tone};

use crate::browser::{Browser, Scheme};
use crate::page::{FLAWS, Page, news, opened};
use crate::scripted::{hostile, results, to, working};

fn button(label: &str, style: Style) -> Button {
    Button { label: label.into(), action: Action::Press(Token::new("x", label)), style }
}

/// The cards that are looked at, by name.
fn cards() -> Vec<(&'static str, Card)> {
    let facts = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())).collect::<Vec<_>>()
    };
    let log = (1..=14).map(|n| format!("12:00:{n:02} step {n}: <ok> *not bold* `x`")).collect::<Vec<_>>().join("\n");
    vec![
        ("running", working("/db create orders environment=dev", 64)),
        (
            "failed",
            Card {
                tone: Tone::Bad,
                title: "The database could not be created".into(),
                body: format!(
                    "The step **provision** failed after 3 attempts: `connection refused`.\n\n```\n{log}\n```\n\n> It was taken back."
                ),
                facts: facts(&[("Took", "1m 12s"), ("Owner", "data-platform"), ("Environment", "prod"), ("Size", "small")]),
                buttons: vec![button("Try again", Style::Primary), button("Ask a human", Style::Plain)],
                footnote: Some("req_01k9z".into()),
                ..Card::default()
            },
        ),
        (
            "plan",
            Card {
                title: "What /db create would do".into(),
                body: "Nothing is done yet.\n\n1. **provision**: PUT <https://api.example.org/databases/orders>\n   - waits until it is ready\n   - is tried 5 times\n2. **grant**: run `grant.sh orders`\n\n---\n\n- no approval\n- see [the documentation](https://docs.example.org/databases)".into(),
                facts: facts(&[("Key", "dev/orders"), ("Limit", "5 an hour")]),
                buttons: vec![button("Do it", Style::Primary)],
                ..Card::default()
            },
        ),
        ("long", long()),
        ("turned", hostile()),
        (
            "hebrew",
            Card {
                tone: Tone::Good,
                title: "בסיס הנתונים מוכן".into(),
                body: "בסיס הנתונים **orders** מוכן לשימוש ב־`dev`.".into(),
                facts: facts(&[("בעלים", "צוות הנתונים"), ("סביבה", "dev")]),
                buttons: vec![button("שוב", Style::Plain)],
                footnote: Some("req_01k9z".into()),
                ..Card::default()
            },
        ),
        ("results", results()),
        ("empty", Card::default()),
    ]
}

fn long() -> Card {
    let word = "a-very-long-name-that-nobody-would-choose-but-somebody-will-".repeat(6);
    Card {
        tone: Tone::Waiting,
        title: word.clone(),
        body: format!("{}\n\n`{word}`", "A sentence that goes on and on. ".repeat(300)),
        facts: (1..=30).map(|n| (format!("Fact {n}"), format!("{n} {}", "words ".repeat(n)))).collect(),
        buttons: (1..=30).map(|n| button(&format!("Button {n}"), Style::Plain)).collect(),
        footnote: Some(word),
        ..Card::default()
    }
}

/// Shows a card of the conversation as something else.
async fn wear(browser: &Browser, entry: &str, dress: &str) {
    let menu = format!("#{entry} > .meta .dress");
    browser.eval(&format!("document.querySelector('{menu}').scrollIntoView({{ block: 'center' }})")).await;
    if browser.eval(&format!("document.querySelector('{menu}').open")).await == false {
        browser.click(&format!("{menu} summary")).await;
    }
    browser.click(&format!("{menu} [data-dress={dress}]")).await;
    browser.until(&format!("document.querySelector('#{entry} > .preview .{dress}')")).await;
}

/// Looks at an entry in both dresses; `name` is the picture's.
async fn look_at(browser: &Browser, entry: &str, name: &str) {
    for dress in ["slack", "discord"] {
        wear(browser, entry, dress).await;
        browser.eval(&format!("document.querySelector('#{entry} .mock').scrollIntoView()")).await;
        browser
            .until("[...document.querySelectorAll('img')].every((e) => e.complete && e.naturalWidth === 1040)")
            .await;
        browser.picture(&format!("as-{dress}-{entry}-{name}")).await;
        assert_eq!(browser.eval(FLAWS).await, json!([]), "{dress} {entry} {name}");
        let wide = "[...document.querySelectorAll('.mock, .mock *')].filter((e) => e.scrollWidth > e.clientWidth + 1 && \
                    getComputedStyle(e).display !== 'inline').map((e) => e.className)";
        assert_eq!(browser.eval(wide).await, json!([]), "{dress} {entry} {name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_card_can_be_seen_as_in_slack_and_as_in_discord() {
    for (scheme, name) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        let (page, _driver, browser) = opened(scheme).await;
        browser.resize(1000, 1400).await;
        let place = page.place();
        for (key, card) in cards() {
            page.chat.post(to(&place, key), &card).await.expect("posted");
        }
        browser.until("document.querySelector('#e-empty')").await;
        browser.driver.execute("log.scrollTop = 0", vec![]).await.expect("scrolled");
        let entries = cards().into_iter().map(|(key, _)| format!("e-{key}"));
        for (width, narrow) in [(1000, ""), (360, "-narrow")] {
            browser.resize(width, 1400).await;
            for entry in entries.clone() {
                look_at(&browser, &entry, &format!("{name}{narrow}")).await;
            }
        }
        // C1, C2, A14: what a card says is text there as well.
        assert_eq!(browser.eval("window.broken ?? null").await, serde_json::Value::Null);
        assert_eq!(
            browser
                .eval("document.querySelectorAll('.preview :is(img:not(.shown), script, [style], [onclick])').length")
                .await,
            0
        );
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_says_what_does_not_fit_and_shows_its_json() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    let place = page.place();
    page.chat.post(to(&place, "long"), &long()).await.expect("posted");
    browser.until("document.querySelector('#e-long')").await;
    wear(&browser, "e-long", "discord").await;
    browser.sees("is shortened").await;
    browser.sees("5 buttons do not fit and are left out.").await;
    let json = browser.eval("JSON.parse(document.querySelector('#e-long .whole').textContent)").await;
    assert_eq!(json["allowed_mentions"], json!({"parse": []}), "it is what is sent");
    wear(&browser, "e-long", "slack").await;
    let json = browser.eval("JSON.parse(document.querySelector('#e-long .whole').textContent)").await;
    assert_eq!(json["blocks"][0]["type"], "header");
    browser.click("#e-long [data-dress=web]").await;
    browser.until("!document.querySelector('#e-long .mock')").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_changes_with_its_card_and_the_home_has_one() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    let place = page.place();
    page.chat.post(to(&place, "run"), &working("x", 10)).await.expect("posted");
    page.chat.post(to(&format!("{place}/run"), "log"), &news("Said")).await.expect("posted");
    browser.until("document.querySelector('#e-log')").await;
    wear(&browser, "e-run", "slack").await;
    browser.click("#e-run > .preview .raw:last-child summary").await;
    page.chat.edit(&place, "run", &working("x", 80)).await.expect("edited");
    browser.until("document.querySelector('#e-run > .preview .mock').textContent.includes('80 %')").await;
    assert_eq!(browser.eval("document.querySelector('#e-run > .preview .raw:last-child').open").await, true);
    browser.click("#e-run .thread > summary").await;
    wear(&browser, "e-log", "discord").await;

    browser.click(".home .dress summary").await;
    browser.click(".home [data-dress=slack]").await;
    browser.until("document.querySelector('.home .mock')").await;
    browser.picture("as-slack-home").await;
    browser.click(".home [data-dress=discord]").await;
    browser.until("document.querySelector('.home .discord')").await;
    browser.picture("as-discord-home").await;
    assert_eq!(browser.eval(FLAWS).await, json!([]));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preview_is_for_whose_card_it_is_and_works_without_the_script() {
    let (page, driver, ada) = opened(Scheme::Light).await;
    page.chat.post(to(&page.place(), "mine"), &news("Mine alone")).await.expect("posted");
    ada.until("document.querySelector('#e-mine')").await;
    let address = |page: &Page| format!("{}chat/preview?entry=mine&dress=slack", page.url);
    ada.driver.goto(&address(&page)).await.expect("opens");
    ada.sees("Mine alone").await;
    ada.picture("as-slack-alone").await;
    let ben = driver.open(&page.url, Scheme::Light).await;
    ben.driver.goto(&address(&page)).await.expect("opens");
    ben.sees("not there any more").await;
    for browser in [ada, ben] {
        browser.close().await;
    }
}
