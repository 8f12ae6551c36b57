//! Requests, from what is typed to the card that says "done", as conversations, on both engines.

use std::collections::BTreeMap;

use serde_json::json;
use stationmaster::chat::{Intent, Reply, Token};
use stationmaster::clock::Span;
use stationmaster::desk;
use stationmaster::request::callback;
use stationmaster::serve;
use stationmaster::store::request::State;
use wiremock::matchers::{body_json, header_exists, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::engine::{On, on_both};
use crate::house::{House, button, card_of, read};

/// A capability whose API is at `api`; `rest` is put behind the command's head.
fn databases(api: &str, rest: &str) -> String {
    format!(
        r#"
        [capability]
        name = "databases"
        title = "Databases"
        need = "As a developer I want a database so that I can start today"
        owner = "data"
        maturity = "ga"
        [[command]]
        name = "db create"
        summary = "Create a database"
        {rest}
        [[command.param]]
        name = "name"
        type = "string"
        pattern = "^[a-z]+$"
        [[command.param]]
        name = "size"
        type = "choice"
        choices = ["small", "large"]
        default = "small"
        [[command.step]]
        name = "provision"
        [command.step.http]
        method = "POST"
        url = "{api}/databases"
        body = {{ name = "{{{{name}}}}" }}
        outputs = {{ id = "$.id" }}
        [command.step.undo.http]
        method = "DELETE"
        url = "{api}/databases/{{{{steps.provision.id}}}}"
        [[command.step]]
        name = "register"
        [command.step.http]
        method = "POST"
        url = "{api}/catalog/{{{{steps.provision.id}}}}"
        [command.reply]
        text = "Database **{{{{name}}}}** has the id `{{{{steps.provision.id}}}}`."
        "#
    )
}

async fn api() -> MockServer {
    let api = MockServer::start().await;
    let made = ResponseTemplate::new(201).set_body_json(json!({"id": "db-7"}));
    Mock::given(method("POST"))
        .and(path("/databases"))
        .and(body_json(json!({"name": "orders"})))
        .and(header_exists("Idempotency-Key"))
        .respond_with(made)
        .mount(&api)
        .await;
    api
}

async fn answers(api: &MockServer, verb: &str, at: &str, status: u16) {
    Mock::given(method(verb)).and(path(at)).respond_with(ResponseTemplate::new(status)).mount(api).await;
}

async fn calls(api: &MockServer, verb: &str, at: &str) -> usize {
    let all = api.received_requests().await.expect("recorded");
    all.iter().filter(|call| call.method.as_str() == verb && call.url.path() == at).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_becomes_a_done_thing_in_one_message() {
    on_both(|on| async move {
        let api = api().await;
        answers(&api, "POST", "/catalog/db-7", 200).await;
        let house = House::with(on, &[&databases(&api.uri(), "")]).await;
        assert_eq!(house.say("ada", "/db create orders").await, Reply::Nothing);
        house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&house.card("ada")), @"
            [good] Create a database – done
              /db create name=orders
              Database orders has the id db-7.
              Time: 0s
              [Run it again]
              (Asked by ada)
            ");
        }
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_step_is_taken_back_and_the_request_goes_on_from_there_later() {
    on_both(|on| async move {
        let api = api().await;
        answers(&api, "DELETE", "/databases/db-7", 204).await;
        let house = House::with(on, &[&databases(&api.uri(), "")]).await;
        house.say("ada", "/db create orders").await;
        house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&house.card("ada")), @"
            [bad] Create a database – not done
              /db create name=orders
              The step register failed: POST 127.0.0.1: 404 Not Found
              What was done before has been taken back.
              Nobody could be asked for help: the team data has nobody to reach here.
              Time: 0s
              [Try again from there] [Start over]
              (Asked by ada · req_…)
            ");
        }
        assert_eq!(calls(&api, "DELETE", "/databases/db-7").await, 1);
        house.finish().await;

        answers(&api, "POST", "/catalog/db-7", 200).await;
        let retry = button(&house.card("ada"), "Try again from there");
        assert_eq!(house.press("ada", &retry).await, Reply::Nothing);
        house.settle().await;
        assert_eq!(house.card("ada").title, "Create a database – done");
        assert_eq!(calls(&api, "POST", "/databases").await, 2, "what was undone is done again");
        let again = card_of(&house.press("ada", &retry).await);
        assert_eq!(again.title, "This request is succeeded already.");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f8_a_delivery_that_comes_twice_at_once_is_one_request() {
    on_both(|on| async move {
        let api = api().await;
        answers(&api, "POST", "/catalog/db-7", 200).await;
        let house = House::with(on, &[&databases(&api.uri(), "")]).await;
        let event = house.event("ada", Intent::Say { words: "/db create orders".into() });
        let twice = (0..20).map(|_| desk::handle(&house.app, &event));
        let replies = futures::future::join_all(twice).await;
        assert!(replies.iter().all(|reply| *reply == Reply::Nothing), "{replies:?}");
        house.settle().await;
        assert_eq!(house.card("ada").title, "Create a database – done");
        assert_eq!(calls(&api, "POST", "/databases").await, 1);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_live_requests_with_the_same_key_are_one_and_the_second_person_sees_it() {
    on_both(|on| async move {
        let api = api().await;
        answers(&api, "POST", "/catalog/db-7", 200).await;
        let house = House::with(on, &[&databases(&api.uri(), "limits = { key = '{{name}}' }")]).await;
        house.say("ada", "/db create orders").await;
        house.say("ben", "/db create orders").await;
        house.settle().await;
        assert_eq!(house.card("ada"), house.card("ben"));
        assert!(house.card("ben").footnote.is_some_and(|note| note == "Asked by ada"));
        assert_eq!(calls(&api, "POST", "/databases").await, 1);
        house.say("ben", "/db create orders").await;
        house.settle().await;
        assert_eq!(calls(&api, "POST", "/databases").await, 2, "an ended request stands in nobody's way");
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_said_and_hold() {
    on_both(|on| async move {
        let api = api().await;
        answers(&api, "POST", "/catalog/db-7", 200).await;
        let house = House::with(on, &[&databases(&api.uri(), "limits = { per_person = '2/h', concurrent = 1 }")]).await;
        for _ in 0..2 {
            assert_eq!(house.say("ada", "/db create orders").await, Reply::Nothing);
        }
        let refused = card_of(&house.say("ada", "/db create orders").await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&refused), @"
            [bad] This may be used 2 times in 1h by one person.
              Hint: try again in 1h
            ");
        }
        assert_eq!(house.say("ben", "/db create orders").await, Reply::Nothing);
        house.settle().await;
        house.pass(Span::from_secs(6)).await;
        assert_eq!(calls(&api, "POST", "/databases").await, 3);
        house.clock.advance(Span::from_secs(3600));
        assert_eq!(house.say("ada", "/db create orders").await, Reply::Nothing);
        house.settle().await;
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn confirmation_is_asked_once_and_only_of_who_asked() {
    on_both(|on| async move {
        let api = api().await;
        answers(&api, "POST", "/catalog/db-7", 200).await;
        let house = House::with(on, &[&databases(&api.uri(), "confirm = \"size == 'large'\"")]).await;
        house.say("ada", "/db create orders size=large").await;
        house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&house.card("ada")), @"
            [waiting] Are you sure?
              Create a database
              /db create name=orders size=large
              [Yes, go ahead] [No]
              (Asked by ada)
            ");
        }
        assert_eq!(calls(&api, "POST", "/databases").await, 0);
        let yes = button(&house.card("ada"), "Yes, go ahead");
        let stranger = card_of(&house.press("ben", &yes).await);
        assert_eq!(stranger.title, "You have no such request.", "b1");
        let both = futures::future::join(house.press("ada", &yes), house.press("ada", &yes)).await;
        assert!(both.0 == Reply::Nothing || both.1 == Reply::Nothing);
        house.settle().await;
        assert_eq!(house.card("ada").title, "Create a database – done");
        assert_eq!(calls(&api, "POST", "/databases").await, 1);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_needs_approval_waits_and_expires_and_nothing_pretends_to_approve() {
    on_both(|on| async move {
        let api = api().await;
        let policy = "approval = { when = \"size == 'large'\", by = 'owner', expires = '1h' }";
        let house = House::with(on, &[&databases(&api.uri(), policy)]).await;
        house.say("ada", "/db create orders size=large").await;
        house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&house.card("ada")), @"
            [waiting] Create a database – waiting for approval
              /db create name=orders size=large
              This needs the approval of the team data before it runs. Nothing has been started.
              There is nobody at the moment who can approve it: too few people are there besides you. Ask them when they are back, or say so to the team that owns it.
              Approved: 0 of 1
              Stands until: Tue 1 Dec, 10:00 UTC
              [Cancel]
              (Asked by ada)
            ");
        }
        house.clock.advance(Span::from_secs(3601));
        house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&house.card("ada")), @"
            [bad] Create a database – expired
              /db create name=orders size=large
              It waited for the approval of the team data, and its time ran out.
              Nobody could be asked for help: the team data has nobody to reach here.
              [Run it again]
              (Asked by ada · req_…)
            ");
        }
        assert_eq!(calls(&api, "POST", "/databases").await, 0);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_can_be_cancelled_before_it_begins() {
    on_both(|on| async move {
        let api = api().await;
        let house = House::with(on, &[&databases(&api.uri(), "")]).await;
        house.say("ada", "/db create orders").await;
        desk::outbox::deliver_next(&house.app, 10).await.expect("delivers");
        let cancel = button(&house.card("ada"), "Cancel");
        assert_eq!(house.press("ada", &cancel).await, Reply::Nothing);
        house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&house.card("ada")), @"
            [neutral] Create a database – cancelled
              /db create name=orders
              [Run it again]
              (Asked by ada)
            ");
        }
        assert_eq!(calls(&api, "POST", "/databases").await, 0);
        assert_eq!(house.press("ada", &cancel).await, Reply::Nothing, "pressing twice is pressing once");
        house.finish().await;
    })
    .await;
}

/// Runs the first claim until the API has been called, then forgets it as a crash would.
async fn crash_during_call(house: &House, api: &MockServer, at: &str) {
    let claims = serve::work_next(&house.app, 1).await.expect("claims");
    let mut work = std::pin::pin!(desk::perform(&house.app, &claims[0]));
    loop {
        tokio::select! {
            () = &mut work => panic!("the work ended before the crash"),
            () = tokio::time::sleep(std::time::Duration::from_millis(5)) => {
                if calls(api, "POST", at).await > 0 { return; }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_a_step_that_must_not_be_repeated_is_uncertain_after_a_crash() {
    on_both(|on| async move {
        let api = MockServer::start().await;
        let slow = ResponseTemplate::new(201).set_delay(std::time::Duration::from_secs(60));
        Mock::given(method("POST")).and(path("/databases")).respond_with(slow).mount(&api).await;
        let house = House::with(on, &[&databases(&api.uri(), "")]).await;
        house.say("ada", "/db create orders").await;
        crash_during_call(&house, &api, "/databases").await;
        house.clock.advance(Span::from_secs(16));
        house.settle().await;
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&house.card("ada")), @"
            [bad] Create a database – uncertain
              /db create name=orders
              Nobody can tell whether the step provision happened: Stationmaster was interrupted, and nobody can tell how far the step came
              It must not be repeated blindly, so nothing more is done. Look at what is there before you ask for it again.
              Nobody could be asked for help: the team data has nobody to reach here.
              (Asked by ada · req_…)
            ");
        }
        assert_eq!(calls(&api, "POST", "/databases").await, 1);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d7_a_step_that_may_be_repeated_is_done_after_a_crash_with_the_same_key() {
    on_both(|on| async move {
        let api = MockServer::start().await;
        let slow = ResponseTemplate::new(201).set_delay(std::time::Duration::from_secs(60));
        Mock::given(method("POST")).and(path("/databases")).respond_with(slow).up_to_n_times(1).mount(&api).await;
        let made = ResponseTemplate::new(201).set_body_json(json!({"id": "db-7"}));
        Mock::given(method("POST")).and(path("/databases")).respond_with(made).mount(&api).await;
        answers(&api, "POST", "/catalog/db-7", 200).await;
        let file = databases(&api.uri(), "")
            .replace("name = \"provision\"", "name = \"provision\"\nretry = { attempts = 3, on = 'safe' }");
        let house = House::with(on, &[&file]).await;
        house.say("ada", "/db create orders").await;
        crash_during_call(&house, &api, "/databases").await;
        house.clock.advance(Span::from_secs(16));
        house.settle().await;
        assert_eq!(house.card("ada").title, "Create a database – done");
        let all = api.received_requests().await.expect("recorded");
        let mut keys: Vec<_> =
            all.iter().filter(|c| c.url.path() == "/databases").map(|c| c.headers["idempotency-key"].clone()).collect();
        assert_eq!(keys.len(), 2);
        keys.dedup();
        assert_eq!(keys.len(), 1);
        house.finish().await;
    })
    .await;
}

const CALL_BACK: &str = r#"
    [capability]
    name = "builds"
    title = "Builds"
    need = "As a developer I want a build so that I can ship"
    owner = "ci"
    maturity = "ga"
    [[command]]
    name = "build"
    summary = "Build it"
    [[command.step]]
    name = "start"
    timeout = "1h"
    [command.step.callback]
    url = "API/builds"
    body = { tell = "{{callback.url}}", token = "{{callback.token}}" }
    outputs = { image = "$.image" }
    [command.reply]
    text = "Image {{steps.start.image}}"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn d5_call_backs_early_twice_forged_and_late() {
    on_both(|on| async move {
        let api = MockServer::start().await;
        answers(&api, "POST", "/builds", 202).await;
        let house = House::with(on, &[&CALL_BACK.replace("API", &api.uri())]).await;
        house.say("ada", "/build").await;
        house.settle().await;
        let sent: serde_json::Value = api.received_requests().await.expect("recorded")[0].body_json().expect("json");
        let address = sent["tell"].as_str().expect("an address").to_owned();
        let token = sent["token"].as_str().expect("a token").to_owned();
        let mut parts = address.rsplit('/');
        let (step, request) = (parts.next().expect("a step").to_owned(), parts.next().expect("a request").to_owned());
        let call = async |proof: &str, body: &str| {
            callback::arrive(&house.app, (&request, &step), proof, body.as_bytes()).await
        };
        assert!(call("Bearer wrong", r#"{"status": "succeeded"}"#).await.is_err(), "forged");
        assert!(call(&token, "no json").await.is_err());
        call(&token, r#"{"progress": 40}"#).await.expect("taken");
        call(&token, r#"{"status": "succeeded", "image": "web:1"}"#).await.expect("taken");
        call(&token, r#"{"status": "failed"}"#).await.expect("taken, and too late");
        house.settle().await;
        let card = house.card("ada");
        assert_eq!((card.title.as_str(), read(&card).contains("web:1")), ("Build it – done", true), "{card:#?}");
        call(&token, r#"{"status": "failed"}"#).await.expect("harmless");
        house.settle().await;
        assert_eq!(house.card("ada"), card);
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn c9_a_secret_is_masked_in_the_plan_and_forgotten_at_the_end() {
    on_both(|on| async move {
        let api = api().await;
        answers(&api, "POST", "/catalog/db-7", 500).await;
        let secret = r#"
        [[command.param]]
        name = "password"
        type = "secret"
        [[command.step]]"#;
        let file = databases(&api.uri(), "").replacen("[[command.step]]", secret, 1);
        let file = file.replace("/databases\"", "/databases?p={{password}}\"");
        let house = House::with(on, &[&file]).await;
        let told = house.say("ada", "/db create orders password=hunter22").await;
        assert!(matches!(told, Reply::Form(_)), "a secret is asked by form, since a line stays in the conversation");
        let values = BTreeMap::from([("name".into(), json!("orders")), ("password".into(), json!("hunter22"))]);
        let submit = |verb| Intent::Submit { token: Token::new(verb, "db create"), values: values.clone() };
        let plan = card_of(&house.does("ada", submit("dry-run")).await);
        insta::allow_duplicates! {
            insta::assert_snapshot!(read(&plan).replace(&api.uri(), "http://api"), @r#"
            [neutral] What /db create would do
              /db create name=orders
              1. provision (http): POST http://api/databases?p=•••••• {"name":"orders"} – can be taken back
              2. register (http): POST http://api/catalog/<provision.id>
              (Nothing was started: this is a dry run)
            "#);
        }
        assert_eq!(house.does("ada", submit("run")).await, Reply::Nothing);
        house.settle().await;
        assert!(!read(&house.card("ada")).contains("hunter22"));
        let person = house.app.store.person_of("web", "ada").await.expect("reads").expect("is there");
        let request = house.app.store.requests_of(&person.id, 1).await.expect("reads").remove(0);
        assert_eq!((request.state, request.secrets.as_deref()), (State::Failed, None));
        let trail = house.app.store.audit_of(&request.id).await.expect("reads");
        assert!(!format!("{trail:?}{request:?}").contains("hunter22"));
        house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn help_finds_what_is_meant_and_notes_what_is_missing() {
    let house = House::with(On::Sqlite, &[&databases("http://127.0.0.1:1", "")]).await;
    insta::assert_snapshot!(read(&card_of(&house.say("ada", "/help I need a new database").await)), @"
    [neutral] For “I need a new database”
      • /db create – Create a database (Databases)
      [/db create]
    ");
    insta::assert_snapshot!(read(&card_of(&house.say("ada", "/help kubernetes").await)), @"
    [neutral] Nothing for “kubernetes” yet
      No command does that. It was noted, so that the platform team sees what is missing.
      Try other words, or /help for everything there is.
      [Ask a human] [Everything there is]
    ");
    assert_eq!(house.app.store.gaps(5).await.expect("reads"), ["kubernetes"]);
    insta::assert_snapshot!(read(&card_of(&house.say("ada", "/db craete orders").await)), @"
    [bad] There is no command `/db craete`.
      Hint: did you mean `/db create`?
    ");
    insta::assert_snapshot!(read(&card_of(&house.say("ada", "/requests").await)), @"
    [neutral] Your requests
      You have made none yet. /help shows what you can do.
    ");
    insta::assert_snapshot!(read(&card_of(&house.does("ada", Intent::OpenHome).await)), @"
    [neutral] Hello, ada
      To begin with
      • /db create – Create a database
      [/db create] [Run a command] [Search]
    ");
    let unknown = card_of(&house.press("ada", &Token::new("explode", "now")).await);
    insta::assert_snapshot!(read(&unknown), @"
    [bad] This button no longer does anything.
      Hint: type /help to see what can be done
    ");
}
