//! The page's routes, as programs and other sites meet them (hardening.md A7, A8, A14, B1, F3).

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, BodyDataStream, to_bytes};
use axum::http::{Request, Response, StatusCode, header};
use futures::StreamExt as _;
use stationmaster::chat::web::{WebChat, router};
use stationmaster::chat::{Card, Intent, Platform as _};
use stationmaster::clock::Clock;
use stationmaster::store::Store;
use tower::ServiceExt as _;

use crate::scripted::{Scripted, results, to};

const ONE: &str = "6f1d2c1e-0000-4000-8000-000000000001";
const TWO: &str = "6f1d2c1e-0000-4000-8000-000000000002";

struct Room {
    router: Router,
    chat: Arc<WebChat>,
    desk: Arc<Scripted>,
    _folder: tempfile::TempDir,
}

/// One browser's cookie.
type Cookie = String;

impl Room {
    async fn open() -> Self {
        Self::with_personas(&[]).await
    }

    async fn with_personas(personas: &[&str]) -> Self {
        let personas: Vec<String> = personas.iter().map(|name| (*name).to_owned()).collect();
        let folder = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite://{}/page.db", folder.path().display());
        let store = Store::open(&url, Clock::system()).await.expect("a store");
        let (chat, desk) =
            (Arc::new(WebChat::new(store.conversations()).with_personas(&personas)), Arc::new(Scripted::default()));
        desk.answer_by(chat.clone());
        Self { router: router(chat.clone(), desk.clone()), chat, desk, _folder: folder }
    }

    async fn send(&self, request: Request<Body>) -> Response<Body> {
        self.router.clone().oneshot(request).await.expect("infallible")
    }

    /// A browser that opened the page.
    async fn visit(&self) -> Cookie {
        let response = self.send(Request::get("/").body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::OK);
        let cookie = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
        assert!(cookie.contains("; HttpOnly; SameSite=Strict") && cookie.contains("Path=/"), "{cookie}");
        cookie.split(';').next().expect("a part").to_owned()
    }

    async fn post(&self, path: &str, cookie: &str, body: impl Into<Body>) -> Response<Body> {
        let request = Request::post(path)
            .header("sec-fetch-site", "same-origin")
            .header(header::COOKIE, cookie)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::ACCEPT, "text/x-fragment");
        self.send(request.body(body.into()).expect("a request")).await
    }

    /// Listens as the page does, until it is told something that contains `text`.
    async fn told(&self, cookie: &str, last: &str, text: &str) -> (String, BodyDataStream) {
        let listen = Request::get("/chat/live?after=0").header(header::COOKIE, cookie).header("last-event-id", last);
        let mut events = self.send(listen.body(Body::empty()).expect("a request")).await.into_body().into_data_stream();
        let mut told = String::new();
        while !told.contains(text) {
            told.push_str(&String::from_utf8_lossy(&events.next().await.expect("more").expect("no error")));
        }
        (told, events)
    }

    fn said(&self) -> usize {
        self.desk.heard().iter().filter(|event| matches!(event.intent, Intent::Say { .. })).count()
    }
}

async fn text(response: Response<Body>) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.expect("a body").to_vec()).expect("text")
}

#[tokio::test]
async fn a14_nothing_is_loaded_but_what_we_serve() {
    let room = Room::open().await;
    for path in ["/", "/chat/style.css", "/chat/script.js", "/chat/live"] {
        let response = room.send(Request::get(path).body(Body::empty()).expect("a request")).await;
        let policy = response.headers()["content-security-policy"].to_str().expect("text");
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{path}: {policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"), "{path}: {policy}");
    }
    let page = text(room.send(Request::get("/").body(Body::empty()).expect("a request")).await).await;
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="), "{page}");
}

#[tokio::test]
async fn a14_other_sites_neither_act_nor_listen() {
    let room = Room::open().await;
    let cookie = room.visit().await;
    let say = |name: &str, value: &str| {
        let request = Request::post("/chat/say").header(header::COOKIE, &cookie).header(header::HOST, "127.0.0.1:7070");
        let request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").header(name, value);
        request.body(Body::from(format!("delivery={ONE}&words=hello"))).expect("a request")
    };
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "http://127.0.0.1:7071"),
        ("origin", "null"),
        ("x-nothing", "said"),
    ] {
        assert_eq!(room.send(say(name, value)).await.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    let listen = Request::get("/chat/live").header(header::COOKIE, &cookie).header("sec-fetch-site", "cross-site");
    assert_eq!(room.send(listen.body(Body::empty()).expect("a request")).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(room.said(), 0);
    let own = room.send(say("origin", "http://127.0.0.1:7070")).await;
    assert_eq!(own.status(), StatusCode::SEE_OTHER, "a form without the script leads back to the page");
    assert_eq!(own.headers()[header::LOCATION], "/");
    assert_eq!(room.said(), 1);
}

#[tokio::test]
async fn a_link_from_another_site_does_not_make_another_person() {
    let room = Room::open().await;
    let request = Request::get("/").header("sec-fetch-site", "cross-site").body(Body::empty()).expect("a request");
    let response = room.send(request).await;
    assert!(!response.headers().contains_key(header::SET_COOKIE), "the browser may have a cookie that it did not send");
    assert!(text(response).await.contains("http-equiv=\"refresh\""));
}

#[tokio::test]
async fn strangers_and_made_up_cookies_are_nobody() {
    let room = Room::open().await;
    let made_up = format!("stationmaster={}", "0".repeat(64));
    for cookie in ["", "stationmaster=", "stationmaster=%00", made_up.as_str()] {
        let response = room.post("/chat/say", cookie, format!("delivery={ONE}&words=x")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{cookie}");
        let listen = Request::get("/chat/live").header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
        assert_eq!(room.send(listen).await.status(), StatusCode::UNAUTHORIZED, "{cookie}");
    }
    assert_eq!(room.said(), 0);
}

#[tokio::test]
async fn a7_a8_f3_what_the_page_would_not_send_is_refused() {
    let room = Room::open().await;
    let cookie = room.visit().await;
    let large = format!("delivery={ONE}&words={}", "x".repeat(70_000));
    assert_eq!(room.post("/chat/say", &cookie, large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    for body in [
        "",
        "words=x",
        "delivery=1&words=x",
        "delivery=6f1d2c1e-0000-4000-8000-000000000001",
        "delivery=6f1d2c1e-0000-4000-8000-000000000001&words=%20",
        "delivery=6f1d2c1e-0000-4000-8000-000000000001&words=a&words=b",
    ] {
        assert_eq!(room.post("/chat/say", &cookie, body).await.status(), StatusCode::BAD_REQUEST, "{body}");
    }
    for path in ["/chat/../Cargo.toml", "/chat/%2e%2e/Cargo.toml", "/chat/templates/page.html", "/chat/style.css/.."] {
        let response = room.send(Request::get(path).body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    assert_eq!(room.said(), 0);
    // NUL, invalid UTF-8 and line breaks are text like any other.
    let odd = room.post("/chat/say", &cookie, format!("delivery={ONE}&words=a%00b%ff%0D%0Ac%0Dd")).await;
    assert_eq!(odd.status(), StatusCode::OK);
    let (told, _) = room.told(&cookie, "0", "</article>").await;
    assert!(told.lines().all(|line| line.is_empty() || line.starts_with(':') || line.contains(": ")), "{told}");
}

#[tokio::test]
async fn the_same_delivery_is_one_event_and_one_line() {
    let room = Room::open().await;
    let (ada, ben) = (room.visit().await, room.visit().await);
    let body = format!("delivery={ONE}&words=hello");
    let [one, two] = [room.post("/chat/say", &ada, body.clone()), room.post("/chat/say", &ada, body.clone())];
    let (one, two) = futures::join!(one, two);
    assert_eq!(text(one).await, text(two).await);
    assert_eq!(room.said(), 1);
    assert_eq!(room.post("/chat/say", &ben, body).await.status(), StatusCode::OK);
    assert_eq!(room.said(), 2, "somebody else's delivery of the same id is another");
}

#[tokio::test]
async fn a_post_that_is_tried_again_is_one_message() {
    let room = Room::open().await;
    let cookie = room.visit().await;
    let place = room.desk.heard()[0].place.clone();
    let card = |title: &str| Card { title: title.into(), ..Card::default() };
    let first = room.chat.post(to(&place, "msg_1"), &card("running")).await.expect("done");
    assert_eq!(room.chat.post(to(&place, "msg_1"), &card("done")).await.expect("done"), first);
    let page = Request::get("/").header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    let page = text(room.send(page).await).await;
    assert!(page.contains("done") && !page.contains("running") && page.matches("<article").count() == 1, "{page}");
}

#[tokio::test]
async fn b1_a_form_of_another_person_is_not_there() {
    let room = Room::open().await;
    let (ada, ben) = (room.visit().await, room.visit().await);
    room.post("/chat/say", &ada, format!("delivery={ONE}&words=/db")).await;
    let place = room.desk.heard().pop().expect("there").place;
    let _ = room.told(&ada, "0", "/chat/submit").await;
    let entry = format!("re-{ONE}");
    let body = format!("delivery={TWO}&entry={entry}&f.name=orders");
    assert_eq!(room.post("/chat/submit", &ben, body.clone()).await.status(), StatusCode::NOT_FOUND);
    let taken = text(room.post("/chat/submit", &ada, body.clone()).await).await;
    assert!(taken.contains("Database orders is ready"), "{taken}");
    let again = text(room.post("/chat/submit", &ada, body).await).await;
    assert!(again.contains("You sent:") && !again.contains("is ready"), "sent twice, it is taken once: {again}");
    assert!(
        room.chat
            .edit(&place, "nothing", &Card::default())
            .await
            .expect_err("refused")
            .is::<stationmaster::chat::Undelivered>()
    );
}

#[tokio::test]
async fn a_lost_connection_is_taken_up_where_it_was() {
    let room = Room::open().await;
    let cookie = room.visit().await;
    let place = room.desk.heard()[0].place.clone();
    let card = |title: &str| Card { title: title.into(), ..Card::default() };
    let first = room.chat.post(to(&place, "msg_1"), &card("first")).await.expect("done");
    room.chat.post(to(&place, "msg_2"), &card("second")).await.expect("done");
    room.chat.edit(&place, &first, &card("first, changed")).await.expect("done");
    let (told, mut events) = room.told(&cookie, "1", "id: 3").await;
    let ids: Vec<&str> = told.lines().filter(|line| line.starts_with("id: ")).collect();
    assert_eq!(ids, ["id: 2", "id: 3"], "in the order of change, nothing twice");
    assert!(told.contains("first, changed") && told.contains("retry: "));

    // The process stops: the connection ends by itself.
    let stop = tokio_util::sync::CancellationToken::new();
    let run = room.chat.run(room.desk.clone(), stop.clone());
    stop.cancel();
    run.await.expect("done");
    while let Some(Ok(_)) = events.next().await {}
}

#[tokio::test]
async fn a_picture_is_for_whose_card_it_is_and_kept_as_long_as_it_is_the_same() {
    let room = Room::open().await;
    let ada = room.visit().await;
    let place = room.desk.heard()[0].place.clone();
    let ben = room.visit().await;
    room.chat.post(to(&place, "results"), &results()).await.expect("posted");
    room.chat.post(to(&place, "bare"), &Card::default()).await.expect("posted");
    let chart = results().picture.expect("a picture").chart;
    let get = async |cookie: &str, query: &str, site: &str| {
        let request = Request::get(format!("/chat/picture?{query}")).header("sec-fetch-site", site);
        room.send(request.header(header::COOKIE, cookie).body(Body::empty()).expect("a request")).await
    };
    let mine = format!("entry=results&key={}", chart.key());
    let response = get(&ada, &mine, "same-origin").await;
    let headers = response.headers().clone();
    assert_eq!((response.status(), &headers["content-type"]), (StatusCode::OK, &"image/png".parse().expect("a value")));
    assert_eq!(headers["cache-control"], "private, max-age=31536000, immutable");
    let png = to_bytes(response.into_body(), 1 << 20).await.expect("a body");
    assert_eq!(png, chart.png().expect("a picture"));
    let stale = get(&ada, "entry=results&key=0", "same-origin").await;
    assert_eq!(
        (stale.status(), &stale.headers()["cache-control"]),
        (StatusCode::OK, &"no-store".parse().expect("a value"))
    );
    assert_eq!(get(&ada, &mine, "cross-site").await.status(), StatusCode::FORBIDDEN);
    assert_eq!(get(&ben, &mine, "same-origin").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(get("", &mine, "same-origin").await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(get(&ada, "entry=bare&key=0", "same-origin").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(get(&ada, "key=0", "same-origin").await.status(), StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn b3_nobody_speaks_as_somebody_who_is_not_listed() {
    let (closed, open) = (Room::open().await, Room::with_personas(&["ada", "ben"]).await);
    let cookie = closed.visit().await;
    assert_eq!(closed.post("/chat/be", &cookie, "person=ada").await.status(), StatusCode::FORBIDDEN);
    let cookie = open.visit().await;
    for (cookie, body, status) in [
        (cookie.as_str(), "person=cleo", StatusCode::FORBIDDEN),
        (cookie.as_str(), "person=ADA", StatusCode::FORBIDDEN),
        (cookie.as_str(), "name=ada", StatusCode::BAD_REQUEST),
        ("stationmaster=made-up", "person=ada", StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(open.post("/chat/be", cookie, body).await.status(), status, "{body}");
    }
    let foreign = Request::post("/chat/be").header(header::COOKIE, &cookie).header("sec-fetch-site", "cross-site");
    let foreign = open.send(foreign.body(Body::from("person=ada")).expect("a request")).await;
    assert_eq!(foreign.status(), StatusCode::FORBIDDEN);
    open.post("/chat/say", &cookie, format!("delivery={ONE}&words=hello")).await;
    let said = open.desk.heard().pop().expect("heard");
    assert_eq!(said.person.id.len(), 20, "still a visitor: {}", said.person.id);
}

#[tokio::test]
async fn two_browsers_are_two_persons_with_a_conversation_each() {
    let room = Room::with_personas(&["ada", "ben"]).await;
    let (one, other) = (room.visit().await, room.visit().await);
    let own = room.desk.heard()[0].person.id.clone();
    assert_eq!(room.post("/chat/be", &one, "person=ada").await.status(), StatusCode::OK);
    assert_eq!(room.post("/chat/be", &other, "person=ben").await.status(), StatusCode::OK);
    room.post("/chat/say", &one, format!("delivery={ONE}&words=/db")).await;
    let said = room.desk.heard().pop().expect("heard");
    assert_eq!((said.person.id.as_str(), said.person.name.as_str(), said.place.as_str()), ("ada", "ada", "ada"));
    let (told, _) = room.told(&one, "0", "/chat/submit").await;
    assert!(told.contains("/chat/submit"), "{told}");
    let entry = format!("delivery={TWO}&entry=re-{ONE}&f.name=orders");
    assert_eq!(room.post("/chat/submit", &other, entry).await.status(), StatusCode::NOT_FOUND, "ben is not ada");
    // A persona's name is the configuration's; one's own is kept meanwhile.
    room.post("/chat/name", &one, "name=Ben").await;
    let page = |cookie: &str| Request::get("/").header(header::COOKIE, cookie).body(Body::empty()).expect("a request");
    let shown = text(room.send(page(&one)).await).await;
    assert!(shown.contains("web:ada") && shown.contains("Be ben") && !shown.contains("Be ada"), "{shown}");
    room.post("/chat/be", &one, "person=").await;
    let shown = text(room.send(page(&one)).await).await;
    assert!(
        shown.contains(&format!("web:{own}")) && shown.contains("Developer 1") && shown.contains("Be ada"),
        "{shown}"
    );
}
