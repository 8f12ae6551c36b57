//! The copy is as strict as what it copies: what Discord refuses is refused here, so that nothing else passes for right.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::answer::Answer;
use super::check::{self, Kind};
use super::interaction::{AUTOCOMPLETE, Act, COMMAND, COMPONENT, MODAL_SUBMIT};
use super::routes::{self, Request};
use super::world::{APPLICATION, Author, CHANNEL, GUILD, State, World};

fn world() -> World {
    World::new("ws://127.0.0.1:1/gateway".into())
}

fn call(state: &mut State, method: &str, path: &str, body: &Value) -> Answer {
    let path: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let request =
        Request { method, path: &path, query: "", body, authorized: true, gateway: "ws://x", public_key: "00" };
    routes::answer(state, &request)
}

fn code(answer: &Answer) -> (u16, u64) {
    (answer.status, answer.body["code"].as_u64().unwrap_or_default())
}

fn card() -> Value {
    json!({ "embeds": [{ "title": "Done" }], "allowed_mentions": { "parse": [] } })
}

/// A body like the card, but for some keys.
fn but(change: Value) -> Value {
    let mut body = card();
    body.as_object_mut().expect("an object").extend(change.as_object().expect("an object").clone());
    body
}

/// An interaction of ada's; its id and token.
fn begin(state: &mut State, kind: u64, source: Option<String>) -> (String, String) {
    let act = Act { source, ..Act::in_channel("ada", kind, json!({})) };
    let event = act.begin(state);
    (event["id"].as_str().expect("an id").to_owned(), event["token"].as_str().expect("a token").to_owned())
}

fn answer_to(state: &mut State, (id, token): &(String, String), body: &Value) -> (u16, u64) {
    code(&call(state, "POST", &format!("/interactions/{id}/{token}/callback"), body))
}

#[test]
fn an_interaction_is_answered_once_in_time_and_in_its_own_way() {
    world().with(|state| {
        let known = begin(state, COMMAND, None);
        let defer = json!({ "type": 5, "data": { "flags": 64 } });
        assert_eq!(answer_to(state, &("1".into(), known.1.clone()), &defer), (404, 10062));
        assert_eq!(answer_to(state, &known, &json!({ "type": 6 })), (400, 50035), "a command updates no message");
        assert_eq!(answer_to(state, &known, &defer), (204, 0));
        assert_eq!(answer_to(state, &known, &defer), (400, 40060));
        let late = begin(state, COMMAND, None);
        let long_ago = Instant::now().checked_sub(Duration::from_secs(4)).expect("the machine runs that long");
        state.interactions.get_mut(&late.0).expect("known").begun = long_ago;
        assert_eq!(answer_to(state, &late, &defer), (404, 10062));
        let message = state.write(CHANNEL, Author::Bot, card()).id.clone();
        let modal = json!({ "type": 9, "data": { "custom_id": "a", "title": "A", "components": [
            { "type": 1, "components": [{ "type": 4, "custom_id": "b", "style": 1, "label": "B" }] }] } });
        let pressed = begin(state, COMPONENT, Some(message));
        assert_eq!(answer_to(state, &pressed, &modal), (204, 0));
        let sent = begin(state, MODAL_SUBMIT, None);
        assert_eq!(answer_to(state, &sent, &modal), (400, 50035), "a modal answers no modal");
        let typing = begin(state, AUTOCOMPLETE, None);
        assert_eq!(answer_to(state, &typing, &defer), (400, 50035));
    });
}

#[test]
fn a_token_is_good_after_the_first_answer_and_for_fifteen_minutes() {
    world().with(|state| {
        let known = begin(state, COMMAND, None);
        let path = format!("/webhooks/{APPLICATION}/{}/messages/@original", known.1);
        assert_eq!(code(&call(state, "PATCH", &path, &card())), (404, 10015));
        answer_to(state, &known, &json!({ "type": 5, "data": { "flags": 64 } }));
        assert_eq!(call(state, "PATCH", &path, &card()).status, 200);
        assert_eq!(code(&call(state, "PATCH", &path, &but(json!({ "flags": 0 })))), (400, 50035), "it stays ephemeral");
        let original = state.messages[0].id.clone();
        let direct = format!("/channels/{CHANNEL}/messages/{original}");
        assert_eq!(code(&call(state, "PATCH", &direct, &card())), (404, 10008), "no channel has an ephemeral message");
        assert_eq!(call(state, "DELETE", &path, &Value::Null).status, 204);
        assert_eq!(code(&call(state, "PATCH", &path, &card())), (404, 10008));
        state.interactions.get_mut(&known.0).expect("known").expired = true;
        assert_eq!(code(&call(state, "GET", &path, &Value::Null)), (401, 50027));
    });
}

#[test]
fn rights_and_things_that_are_not_there() {
    world().with(|state| {
        let messages = format!("/channels/{CHANNEL}/messages");
        assert_eq!(code(&call(state, "POST", "/channels/1/messages", &card())), (404, 10003));
        assert_eq!(code(&call(state, "PATCH", &format!("{messages}/1"), &card())), (404, 10008));
        let theirs = state.write(CHANNEL, Author::Person("ada"), json!({ "content": "hello" })).id.clone();
        assert_eq!(code(&call(state, "PATCH", &format!("{messages}/{theirs}"), &card())), (403, 50005));
        assert_eq!(code(&call(state, "GET", "/guilds/1", &Value::Null)), (404, 10004));
        state.left.insert("ben".into());
        let ben = format!("/guilds/{GUILD}/members/{}", super::world::id_of("ben"));
        assert_eq!(code(&call(state, "GET", &ben, &Value::Null)), (404, 10007));
        let members = format!("/guilds/{GUILD}/members");
        assert_eq!(code(&call(state, "GET", &members, &Value::Null)), (403, 50001), "it takes an intent");
        state.lists_members = true;
        let all = call(state, "GET", &members, &Value::Null);
        assert_eq!((all.status, all.body.as_array().map(Vec::len)), (200, Some(1)), "one, if nothing is said");
        state.channels.get_mut(CHANNEL).expect("there").forbidden = true;
        assert_eq!(code(&call(state, "POST", &messages, &card())), (403, 50001));
        state.revoked = true;
        assert_eq!(code(&call(state, "POST", &messages, &card())), (401, 0));
    });
}

#[test]
fn the_same_nonce_is_the_same_message() {
    world().with(|state| {
        let messages = format!("/channels/{CHANNEL}/messages");
        let body = but(json!({ "nonce": "n1", "enforce_nonce": true }));
        let (first, again) = (call(state, "POST", &messages, &body), call(state, "POST", &messages, &body));
        assert_eq!((first.status, &first.body["id"]), (200, &again.body["id"]));
        assert_eq!(state.messages.len(), 1);
    });
}

#[test]
fn bodies_that_discord_refuses() {
    let long = |count: usize| "x".repeat(count);
    let button = |id: &str| json!({ "type": 2, "style": 2, "label": "A", "custom_id": id });
    let row = |parts: Vec<Value>| json!({ "type": 1, "components": parts });
    let option = |value: &str| json!({ "label": value, "value": value });
    let select = |options: Vec<Value>| json!({ "type": 3, "custom_id": "s", "options": options });
    let six = (0..6).map(|n| button(&n.to_string())).collect();
    let wrong = [
        json!({ "embeds": [{ "title": "Done" }] }),
        but(json!({ "allowed_mentions": { "parse": ["everyone"] } })),
        but(json!({ "allowed_mentions": { "parse": [], "users": ["1"] } })),
        but(json!({ "embeds": [{ "title": long(257) }] })),
        but(json!({ "embeds": [{ "title": " " }] })),
        but(json!({ "embeds": [{ "color": 1 }] })),
        but(json!({ "embeds": [{ "description": long(4000) }, { "description": long(2001) }] })),
        but(json!({ "embeds": vec![json!({ "title": "a" }); 11] })),
        but(json!({ "embeds": [{ "title": "a", "fields": vec![json!({ "name": "a", "value": "b" }); 26] }] })),
        but(json!({ "content": long(2001) })),
        but(json!({ "content": "see https://e.org/x" })),
        but(json!({ "colour": 1 })),
        but(json!({ "attachments": [{ "filename": "a.png" }] })),
        but(json!({ "attachments": [{ "id": "0", "description": long(1025) }] })),
        but(json!({ "attachments": [{ "id": "0", "filename": "../a.png" }] })),
        but(json!({ "embeds": [{ "title": "a", "image": { "url": "file:///etc/passwd" } }] })),
        but(json!({ "components": [row(six)] })),
        but(json!({ "components": [row(vec![button("a"), button("a")])] })),
        but(json!({ "components": [row(vec![button(&long(101))])] })),
        but(json!({ "components": vec![row(vec![button("a")]); 6] })),
        but(json!({ "components": [row(vec![])] })),
        but(json!({ "components": [row(vec![button("a"), select(vec![option("x")])])] })),
        but(json!({ "components": [row(vec![select(vec![option("x"), option("x")])])] })),
        but(json!({ "components": [row(vec![select((0..26).map(|n| option(&n.to_string())).collect())])] })),
        but(json!({ "components": [row(vec![json!({ "type": 2, "style": 5, "label": "A", "custom_id": "a" })])] })),
        but(
            json!({ "components": [row(vec![json!({ "type": 2, "style": 1, "label": "A", "url": "https://e.org" })])] }),
        ),
        but(
            json!({ "components": [row(vec![json!({ "type": 2, "style": 5, "label": "A", "url": "javascript:x" })])] }),
        ),
        but(
            json!({ "components": [row(vec![json!({ "type": 5, "custom_id": "a", "default_values": [{ "id": 7, "type": "user" }] })])] }),
        ),
    ];
    for body in wrong {
        assert!(!check::mistakes(Kind::Create, &body).is_empty(), "this is taken: {body}");
    }
    assert_eq!(check::mistakes(Kind::Create, &card()), []);
    let right =
        but(json!({ "components": [row(vec![button("a"), button("b")]), row(vec![select(vec![option("x")])])] }));
    assert_eq!(check::mistakes(Kind::Create, &right), []);
}

#[test]
fn commands_that_discord_refuses() {
    let command = |name: &str, options: Value| json!([{ "name": name, "description": "d", "options": options }]);
    let option =
        |name: &str, required: bool| json!({ "type": 3, "name": name, "description": "d", "required": required });
    let with = |key: &str, value: Value| {
        let mut option = option("a", false);
        option[key] = value;
        json!([option])
    };
    let choice = json!({ "name": "a", "value": "a" });
    let wrong = [
        command("Upper", json!([])),
        command("two words", json!([])),
        command(&"x".repeat(33), json!([])),
        command("a", json!([option("a", false), option("b", true)])),
        command("a", json!([option("a", false), option("a", false)])),
        command("a", (0..26).map(|n| option(&format!("o{n}"), false)).collect()),
        command("a", with("description", json!(""))),
        command("a", with("choices", json!([choice, choice]))),
        command(
            "a",
            json!([{ "type": 3, "name": "a", "description": "d", "autocomplete": true, "choices": [choice] }]),
        ),
        command("a", json!([{ "type": 6, "name": "a", "description": "d", "autocomplete": true }])),
        command("a", json!([{ "type": 1, "name": "a", "description": "d" }, option("b", false)])),
        command("a", json!([{ "type": 2, "name": "a", "description": "d", "options": [option("b", false)] }])),
        json!([{ "name": "a", "description": "d" }, { "name": "a", "description": "d" }]),
        json!([{ "name": "Menu", "type": 3, "description": "d" }]),
    ];
    for body in wrong {
        assert!(!check::mistakes(Kind::Commands, &body).is_empty(), "this is taken: {body}");
    }
    let sub = json!([{ "type": 1, "name": "create", "description": "d", "options": [option("a", true), option("b", false)] }]);
    assert_eq!(check::mistakes(Kind::Commands, &command("db", sub)), []);
    assert_eq!(check::mistakes(Kind::Commands, &json!([{ "name": "Look this up", "type": 3 }])), []);
}
