//! The page, as people meet it: in a real browser.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::response::IntoResponse as _;
use serde_json::{Value, json};
use stationmaster::chat::web::{WebChat, router};
use stationmaster::chat::{Card, Intent, Platform as _, Tone};
use stationmaster::clock::Clock;
use stationmaster::store::Store;
use thirtyfour::prelude::Key;
use tokio::task::JoinHandle;

use crate::browser::{Browser, Driver, Scheme};
use crate::scripted::{Scripted, to, working};

/// A page on a free port, with a scripted desk behind it.
pub struct Page {
    /// Where it is.
    pub url: String,
    /// The adapter.
    pub chat: Arc<WebChat>,
    /// What answers.
    pub desk: Arc<Scripted>,
    /// Where its conversations are.
    pub store: Store,
    address: SocketAddr,
    /// While it is set, requests are carried out and their answers are lost.
    answers_lost: Arc<AtomicBool>,
    server: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Page {
    /// Opens a page.
    pub async fn open() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/page.db", folder.path().display());
        let store = Store::open(&url, Clock::system()).await.expect("a store");
        let (chat, desk) = (Arc::new(WebChat::new(store.conversations())), Arc::new(Scripted::default()));
        desk.answer_by(chat.clone());
        let mut page = Self {
            url: String::new(),
            chat,
            desk,
            store,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            answers_lost: Arc::default(),
            server: tokio::spawn(async {}),
            _folder: folder,
        };
        page.serve().await;
        page
    }

    /// Serves it, on the port that it had.
    async fn serve(&mut self) {
        let listener = tokio::net::TcpListener::bind(self.address).await.expect("a port");
        self.address = listener.local_addr().expect("an address");
        self.url = format!("http://{}/", self.address);
        let lost = self.answers_lost.clone();
        let router = router(self.chat.clone(), self.desk.clone()).layer(axum::middleware::from_fn(
            move |request: axum::extract::Request, next: axum::middleware::Next| {
                let lost = lost.clone();
                async move {
                    let is_post = request.method() == axum::http::Method::POST;
                    let response = next.run(request).await;
                    let is_lost = is_post && lost.load(Ordering::SeqCst);
                    if is_lost { axum::http::StatusCode::BAD_GATEWAY.into_response() } else { response }
                }
            },
        ));
        // One connection per task, so that ending the tasks cuts them all.
        self.server = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let service = hyper_util::service::TowerToHyperService::new(router.clone());
                let io = hyper_util::rt::TokioIo::new(stream);
                connections.spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
            }
        });
    }

    /// Cuts every connection and takes no more.
    async fn cut(&mut self) {
        self.server.abort();
        let _ = (&mut self.server).await;
    }

    /// The lines that were heard.
    pub fn said(&self) -> Vec<String> {
        let heard = self.desk.heard();
        let said = heard.into_iter().filter_map(|event| match event.intent {
            Intent::Say { words } => Some(words),
            _ => None,
        });
        said.collect()
    }

    /// The conversation of whoever spoke or looked first.
    pub fn place(&self) -> String {
        self.desk.heard()[0].place.clone()
    }

    /// What is stored of that conversation.
    pub async fn stored(&self) -> String {
        let (entries, _) = self.store.conversations().before(&self.place(), i64::MAX).await.expect("entries");
        entries.into_iter().map(|entry| entry.content).collect()
    }
}

/// A page, and a browser that looks at it.
pub async fn opened(scheme: Scheme) -> (Page, Driver, Browser) {
    let (page, driver) = (Page::open().await, Driver::start());
    let browser = driver.open(&page.url, scheme).await;
    browser.sees("What can I get you?").await;
    (page, driver, browser)
}

/// A card that says a thing.
pub fn news(title: &str) -> Card {
    Card { tone: Tone::Good, title: title.into(), ..Card::default() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_is_typed_and_becomes_a_card() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    browser.picture("home-light").await;

    browser.keys("/d").await;
    browser.until("document.querySelectorAll('#proposals li').length === 3").await;
    browser.keys(Key::Down + Key::Down + Key::Up).await;
    let active = "document.getElementById(words.getAttribute('aria-activedescendant'))";
    browser.until(&format!("{active}.ariaSelected === 'true' && words.ariaExpanded === 'true'")).await;
    browser.picture("proposals").await;
    browser.keys(Key::Enter).await;
    browser.until("words.value === '/db create'").await;
    assert!(page.said().is_empty(), "taking a proposal sends nothing");
    browser.keys(" orders").await;
    browser.keys(Key::Enter).await;
    browser.sees("Running /db create orders").await;
    assert_eq!(page.said(), ["/db create orders"]);
    browser.until("words.value === '' && document.activeElement === words").await;
    browser.until("document.querySelector('progress').value === 40").await;

    browser.click(".card.active .danger").await;
    browser.sees("Nothing was left behind.").await;
    assert_eq!(browser.eval("document.querySelectorAll('.heard').length").await, 1, "it changed in place");
    // The button that had the focus is gone: no other takes its place, and typing goes where one types.
    browser.until("document.activeElement.matches('.entry')").await;
    browser.keys("next").await;
    browser.until("words.value === 'next' && document.activeElement === words").await;
    browser.keys(Key::Control + "a").await;
    browser.keys(Key::Delete).await;

    browser.reload().await;
    browser.sees("Nothing was left behind.").await;
    browser.keys(Key::Up).await;
    browser.until("words.value === '/db create orders'").await;
    browser.keys(Key::Down).await;
    browser.until("words.value === ''").await;
    browser.keys("hello <b>bot</b>{{env.HOME}}").await;
    browser.keys(Key::Enter).await;
    browser.until("document.querySelectorAll('.heard').length === 2").await;
    assert_eq!(
        browser.eval("document.querySelectorAll('.heard')[1].querySelector('.text').textContent").await,
        "hello <b>bot</b>{{env.HOME}}"
    );
    browser.keys("/refused").await;
    browser.keys(Key::Enter).await;
    browser.sees("There is no such command.").await;
    browser.sees("hint: type /help").await;
    browser.close().await;
}

/// Opens the form of `/db`, fills in a name and a password, and sends it.
async fn send_form(browser: &Browser, name: &str) {
    browser.keys("/db").await;
    browser.keys(Key::Escape + Key::Enter).await;
    browser.until("document.activeElement.name === 'f.name'").await;
    browser.keys(name).await;
    browser.focus("[type=password]").await;
    browser.keys("hunter22" + Key::Enter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mistake_stands_beside_its_field() {
    let (_page, _driver, browser) = opened(Scheme::Light).await;
    send_form(&browser, "Orders").await;
    browser.sees("Lower case letters, digits and _ only").await;
    browser.until("document.activeElement.name === 'f.name'").await;
    browser.until("document.activeElement.ariaInvalid === 'true' && document.activeElement.value === 'Orders'").await;
    let described = "document.activeElement.getAttribute('aria-describedby').split(' ')";
    let described = browser.eval(&format!("{described}.map((id) => document.getElementById(id).textContent)")).await;
    assert!(described[0].as_str().is_some_and(|text| text.starts_with("Lower case letters")), "{described}");
    let password = browser.eval("document.querySelector('[type=password]').value").await;
    assert_eq!(password, "hunter22", "not to be typed again");
    browser.picture("form-with-mistake").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_keeps_what_was_typed() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    send_form(&browser, "Orders").await;
    browser.until("document.activeElement.ariaInvalid === 'true'").await;
    browser.keys(Key::End + "2").await;
    browser.click("[value=staging]").await;
    browser.click(".toggle").await;
    browser.reload().await;
    let filled = "document.querySelector('[name=\"f.name\"]').value === 'Orders2' && \
                  document.querySelector('[value=staging]').checked && document.querySelector('[type=checkbox]').checked";
    browser.until(filled).await;
    browser.until("document.querySelector('[type=password]').value === ''").await;
    assert!(!browser.eval("JSON.stringify(localStorage)").await.to_string().contains("hunter22"));

    // Put away and taken up again, it is as it was.
    browser.click("[formaction]").await;
    browser.until("document.querySelector('.aside') && !document.querySelector('.form')").await;
    browser.until("document.activeElement === words").await;
    browser.picture("form-aside").await;
    browser.reload().await;
    browser.click(".aside button").await;
    browser.until("document.activeElement.name === 'f.name'").await;
    browser.until(filled).await;
    assert!(!page.stored().await.contains("hunter22"));
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_that_was_taken_is_a_line_without_its_secrets() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    browser.keys("/db").await;
    browser.keys(Key::Escape + Key::Enter).await;
    browser.until("document.activeElement.name === 'f.name'").await;
    browser.keys("orders").await;
    browser.click("[value=staging]").await;
    browser.click("[name='f.owner']").await;
    browser.keys("pay").await;
    browser.until("document.querySelectorAll('.lookup li').length === 1").await;
    browser.picture("form-lookup").await;
    browser.keys(Key::Down + Key::Enter).await;
    browser.until("document.querySelector('[name=\"f.owner\"]').value === 'payments'").await;
    browser.focus("[type=password]").await;
    browser.keys("hunter22" + Key::Enter).await;
    browser.sees("Database orders is ready").await;
    browser.until("!document.querySelector('.form') && document.activeElement === words").await;
    browser.picture("form-sent").await;
    let sent = browser.eval("document.querySelector('.said dl').innerText").await.to_string();
    assert!(sent.contains("staging") && sent.contains("••••••") && !sent.contains("hunter22"), "{sent}");

    let submitted = page.desk.heard().into_iter().find_map(|event| match event.intent {
        Intent::Submit { values, token } => Some((token.to_string(), json!(values))),
        _ => None,
    });
    let values = json!({"name": "orders", "environment": "staging", "owner": "payments", "password": "hunter22",
        "backup": false});
    assert_eq!(submitted, Some(("invoke:db create".to_owned(), values)));
    assert!(!page.stored().await.contains("hunter22"), "c9: no secret is kept");
    assert_eq!(browser.eval("localStorage.length").await, 0, "no drafts are left");
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_browser_is_another_person() {
    let (page, driver, ada) = opened(Scheme::Light).await;
    ada.keys("something of ada").await;
    ada.keys(Key::Enter).await;
    ada.sees("I heard").await;
    ada.click(".bar .quiet").await;
    let name = ada.driver.find(thirtyfour::By::Id("name")).await.expect("the field");
    name.clear().await.expect("cleared");
    ada.picture("name").await;
    name.send_keys("Ada <i>\u{202e}x" + Key::Enter).await.expect("typed");
    ada.until("document.querySelector('.name').textContent.startsWith('Ada <i>')").await;
    ada.sees("something of ada").await;

    let ben = driver.open(&page.url, Scheme::Dark).await;
    ben.sees("Developer 2").await;
    ben.keys("something of ben" + Key::Enter).await;
    ben.sees("I heard").await;
    assert!(!ben.eval("document.body.innerText").await.to_string().contains("something of ada"));
    assert!(!ada.eval("document.body.innerText").await.to_string().contains("something of ben"));
    let cookie = ben.driver.get_all_cookies().await.expect("cookies").remove(0);
    assert_eq!(ben.eval("document.cookie").await, "", "the script cannot read it");
    assert!(!ben.eval("document.documentElement.outerHTML").await.to_string().contains(&cookie.value));

    let said = page.desk.heard().into_iter().filter(|event| matches!(event.intent, Intent::Say { .. }));
    let said: Vec<_> = said.collect();
    assert_ne!(said[0].person.id, said[1].person.id);
    assert_ne!(said[0].place, said[1].place);
    for browser in [ada, ben] {
        browser.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a14_another_site_can_lead_here_but_not_act() {
    let (page, _driver, browser) = opened(Scheme::Light).await;
    browser.keys("mine" + Key::Enter).await;
    browser.sees("I heard").await;
    let evil = format!(
        "<a id=link href='{0}'>go</a><form method=post action='{0}chat/say'><input name=delivery \
         value=6f1d2c1e-0000-4000-8000-000000000001><input name=words value=evil><button id=act>x</button></form>\
         <iframe src='{0}'></iframe>",
        page.url
    );
    let other = axum::Router::new().route("/", axum::routing::get(async move || axum::response::Html(evil)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    // Another name is another site, even of the same machine.
    let address = format!("http://localhost:{}/", listener.local_addr().expect("an address").port());
    tokio::spawn(async move { axum::serve(listener, other).await });

    browser.driver.goto(&address).await.expect("the other site opens");
    browser.click("#act").await;
    browser.sees("Only this page itself may send that.").await;
    browser.driver.goto(&address).await.expect("the other site opens");
    browser.click("#link").await;
    browser.sees("Developer 1").await;
    browser.sees("mine").await;
    assert_eq!(page.said(), ["mine"]);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_typed_survives_an_unreachable_server() {
    let (mut page, _driver, browser) = opened(Scheme::Light).await;
    page.cut().await;
    browser.keys("first" + Key::Enter).await;
    browser.sees("the server cannot be reached").await;
    browser.sees("The connection was lost").await;
    browser.picture("unreachable").await;
    assert_eq!(browser.eval("words.value").await, "first");
    page.serve().await;
    browser.until("banner.hidden").await;
    browser.click("#again").await;
    browser.until("words.value === '' && notice.hidden").await;
    assert_eq!(page.said(), ["first"]);

    // The line arrives, its answer does not: sent again, it is the same delivery.
    page.answers_lost.store(true, Ordering::SeqCst);
    browser.keys("second" + Key::Enter).await;
    browser.until("!notice.hidden").await;
    assert_eq!(page.said(), ["first", "second"]);
    page.answers_lost.store(false, Ordering::SeqCst);
    browser.reload().await;
    browser.until("words.value === 'second'").await;
    browser.click("#words").await;
    browser.keys(Key::Enter).await;
    browser.until("words.value === ''").await;
    assert_eq!(page.said(), ["first", "second"], "one delivery");
    assert_eq!(browser.eval("document.querySelectorAll('.said').length").await, 2);

    // Something else after a lost answer is another delivery.
    page.answers_lost.store(true, Ordering::SeqCst);
    browser.keys("third" + Key::Enter).await;
    browser.until("!notice.hidden").await;
    page.answers_lost.store(false, Ordering::SeqCst);
    browser.keys(" and more" + Key::Enter).await;
    browser.until("words.value === ''").await;
    assert_eq!(page.said(), ["first", "second", "third", "third and more"]);
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_elsewhere_is_seen_at_once_and_after_a_lost_connection() {
    let (mut page, _driver, browser) = opened(Scheme::Light).await;
    let place = page.place();
    let mut cards = Vec::new();
    for number in 1..=70 {
        let key = format!("msg_{number}");
        cards.push(page.chat.post(to(&place, &key), &news(&format!("News {number}."))).await.expect("posted"));
    }
    browser.sees("News 70.").await;
    browser.until("log.scrollHeight - log.scrollTop - log.clientHeight < 5").await;

    page.cut().await;
    page.chat.post(to(&place, "msg_away"), &news("While away")).await.expect("posted");
    page.chat.edit(&place, &cards[0], &news("News 1, changed.")).await.expect("edited");
    page.serve().await;
    browser.sees("While away").await;
    browser.sees("News 1, changed.").await;
    assert_eq!(browser.eval("document.querySelectorAll('.entry').length").await, 71);

    browser.driver.execute("log.scrollTop = 300", vec![]).await.expect("scrolled");
    browser.until("log.scrollTop === 300").await;
    page.chat.post(to(&place, "msg_elsewhere"), &working("elsewhere", 5)).await.expect("posted");
    browser.until("!jump.hidden").await;
    assert_eq!(browser.eval("log.scrollTop").await, 300, "who reads is not moved");
    browser.click("#jump").await;
    browser.until("jump.hidden && log.scrollHeight - log.scrollTop - log.clientHeight < 5").await;

    browser.reload().await;
    browser.until("document.querySelectorAll('.entry').length === 60").await;
    browser.driver.execute("log.scrollTop = 0", vec![]).await.expect("scrolled");
    browser.click("[data-earlier]").await;
    browser.until("document.querySelectorAll('.entry').length === 72").await;
    browser.until("!document.querySelector('[data-earlier]') && document.querySelector('.home')").await;
    assert!(browser.eval("log.scrollTop").await.as_f64() > Some(300.0), "what was read stays in view");
    browser.close().await;
}

/// What a person with a screen reader or without a mouse depends on, read from the page as the browser understands it.
pub const FLAWS: &str = r#"(() => {
  const flaws = [];
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  ids.filter((id, index) => ids.indexOf(id) !== index).forEach((id) => flaws.push(`twice: #${id}`));
  for (const name of ['aria-describedby', 'aria-labelledby', 'aria-controls', 'for'])
    for (const e of document.querySelectorAll(`[${name}]`))
      for (const id of e.getAttribute(name).split(' '))
        if (!document.getElementById(id)) flaws.push(`${name} of nothing: ${id}`);
  for (const e of document.querySelectorAll('input:not([type=hidden]), select, textarea'))
    if (![...e.labels].some((label) => label.textContent.trim())) flaws.push(`no label: ${e.name}`);
  for (const e of document.querySelectorAll('button, a'))
    if (!e.textContent.trim() && !e.ariaLabel) flaws.push(`no name: ${e.outerHTML}`);
  if (document.documentElement.scrollWidth > innerWidth) flaws.push('wider than the window');
  if (document.documentElement.scrollHeight > innerHeight) flaws.push('higher than the window');
  for (const e of document.querySelectorAll('.card, .bubble'))
    if (e.scrollWidth > e.clientWidth + 1) flaws.push(`wider than its place: ${e.textContent.slice(0, 60)}`);
  const rgb = (name) => {
    const c = document.createElement('canvas').getContext('2d');
    c.fillStyle = getComputedStyle(document.documentElement).getPropertyValue(name);
    c.fillRect(0, 0, 1, 1);
    return [...c.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const light = (name) => {
    const [r, g, b] = rgb(name).map((v) => v / 255).map((v) => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * r + .7152 * g + .0722 * b;
  };
  const pairs = {
    '--ink': ['--ground', '--surface', '--raised', '--sunk', '--bubble'], '--soft': ['--ground', '--surface', '--raised', '--bubble'],
    '--accent': ['--surface', '--ground'], '--on-accent': ['--accent'], '--bad': ['--surface', '--bad-ground', '--raised'],
  };
  for (const [ink, papers] of Object.entries(pairs)) for (const paper of papers) {
    const [a, b] = [light(ink), light(paper)].sort((x, y) => y - x);
    const contrast = (a + .05) / (b + .05);
    if (contrast < 4.5) flaws.push(`${ink} on ${paper}: ${contrast.toFixed(2)}`);
  }
  return flaws;
})()"#;

#[tokio::test(flavor = "multi_thread")]
async fn everything_is_legible_and_inert_in_every_dress() {
    let (page, driver) = (Page::open().await, Driver::start());
    for (scheme, name) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        let browser = driver.open(&page.url, scheme).await;
        browser.sees("What can I get you?").await;
        browser.picture(&format!("home-{name}")).await;
        browser.keys("/gallery\u{e007}").await;
        browser.sees("Every kind of question").await;
        let dark = browser.eval("matchMedia('(prefers-color-scheme: dark)').matches").await;
        assert_eq!(dark, scheme == Scheme::Dark);
        for (width, label) in [(1000, ""), (360, "-narrow")] {
            browser.resize(width, 1500).await;
            browser.until(&format!("innerWidth === {width}")).await;
            browser
                .until("[...document.querySelectorAll('img')].every((e) => e.complete && e.naturalWidth === 1040)")
                .await;
            assert_eq!(browser.eval(FLAWS).await, json!([]), "{name}{label}");
            for part in 0..8 {
                browser.eval(&format!("log.scrollTop = {part} * log.clientHeight * .95")).await;
                browser.picture(&format!("gallery-{name}{label}-{part}")).await;
            }
        }
        // C1, C2, C10, A14: text that wants to be more is text.
        assert_eq!(browser.eval("window.broken ?? null").await, Value::Null);
        assert_eq!(browser.eval("document.querySelectorAll('script').length").await, 1);
        assert_eq!(
            browser
                .eval("document.querySelectorAll('img:not(.picture), iframe, [onclick], [onerror], [style]').length")
                .await,
            0
        );
        assert_eq!(browser.eval("document.querySelectorAll('a[href^=\"javascript\" i]').length").await, 0);
        browser.click("[data-fill*=script]").await;
        assert_eq!(browser.eval("words.value").await, "\"><script>window.broken=1</script>");
        browser.close().await;
    }
}
