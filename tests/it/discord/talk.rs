//! What people see of hostile text, of other people's buttons, and of a Discord that is slow or refuses.

use std::time::Duration;

use serde_json::Value;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::fault::{Fault, Harm};
use super::stage::Stage;
use super::world::{GUILD, ROLE, State};
use super::{Discord, markup, typing};
use crate::wire::{PATIENCE, Wire};

const HOSTILE: &str = "@everyone <@1300000000000000012> <#1300000000000000003> **b** _i_ ~~s~~ `c` ||x|| \
                       [click](https://evil.example) https://evil.example # h <t:0:R> </db:1> <:e:1>";

fn fault(stage: &Stage, at: &str, harm: Harm) {
    let fault = Fault { at: at.into(), times: 1, harm };
    stage.discord.world.with(|state| state.faults.push(fault));
}

/// Everything that was sent, as the texts in it.
fn sent_texts(state: &State) -> Vec<String> {
    fn gather(value: &Value, texts: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(text)
                            if matches!(key.as_str(), "title" | "description" | "name" | "value" | "content") =>
                        {
                            texts.push(text.clone());
                        }
                        other => gather(other, texts),
                    }
                }
            }
            Value::Array(list) => list.iter().for_each(|value| gather(value, texts)),
            _ => {}
        }
    }
    let mut texts = Vec::new();
    for message in &state.messages {
        gather(&message.body["embeds"], &mut texts);
        gather(&serde_json::json!({ "content": message.body["content"] }), &mut texts);
    }
    texts
}

#[tokio::test(flavor = "multi_thread")]
async fn c1_c2_hostile_text_is_shown_as_it_was_typed() {
    for discord in [Discord::gateway(), Discord::http()] {
        let stage = Stage::open(discord).await;
        stage.discord.say("ada", &format!("/echo words=\"{HOSTILE}\"")).await;
        let shown = stage.discord.read("ada", "I heard:").await;
        assert!(shown.contains(&format!("I heard: {HOSTILE}")), "{shown}");
        let marks: Vec<_> =
            stage.discord.world.look(sent_texts).iter().flat_map(|text| markup::read(text).marks).collect();
        assert!(marks.iter().all(|mark| mark == "code" || mark == "bold"), "{marks:?}");
        stage.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f14_a_link_in_an_answer_is_not_fetched() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.say("ada", "/echo words=https://secret.example/?token=1").await;
    let shown = stage.discord.read("ada", "I heard:").await;
    assert!(shown.contains("https://secret.example/?token=1"), "{shown}");
    // What stands in an embed is not unfurled, and the fake refuses links in content.
    let with_content =
        |state: &State| state.messages.iter().any(|m| m.body["content"].as_str().is_some_and(|c| !c.is_empty()));
    assert!(!stage.discord.world.look(with_content));
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_other_peoples_buttons_and_made_up_ones_are_refused_clearly() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.say("ada", "/tea brew name=oolong kind=strong").await;
    stage.discord.read("ada", "Are you sure?").await;
    stage.discord.press("ben", "Yes, go ahead").await;
    let refusal = stage.discord.read("ben", "You have no such request.").await;
    assert!(refusal.contains("/requests"), "{refusal}");
    // A button that this bot never made: its message was forged, or its request is long gone.
    for made_up in
        ["confirm:req_00000000000000000000000000000000", "cancel:../../x", "~choose:99999999999:x", "~", "steal:1"]
    {
        stage.discord.world.with(|state| {
            let message = state.messages.iter_mut().find(|m| m.body["components"][0].is_object()).expect("a card");
            message.body["components"][0]["components"][0]["custom_id"] = made_up.into();
            message.body["components"][0]["components"][0]["label"] = "Forged".into();
        });
        stage.discord.press("ben", "Forged").await;
        stage.discord.read("ben", "").await;
    }
    assert_eq!(stage.runs(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_who_is_not_of_the_server_is_a_guest() {
    let stage = Stage::open(Discord::gateway()).await;
    let registered = |state: &mut State| typing::native(state, "/echo words=x").map(|_| ());
    stage.discord.world.until(PATIENCE, registered).await.expect("it is registered");
    stage.discord.world.with(|state| state.left.insert("ben".into()));
    stage.discord.say_directly("ben", "/echo words=outside").await;
    stage.discord.read("ben", "You are a guest here").await;
    stage.discord.say_directly("ada", "/echo words=inside").await;
    stage.discord.read("ada", "I heard: inside").await;
    assert_eq!(stage.runs(), 1);
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_where_it_cannot_be_said_who_somebody_is_the_answer_is_no() {
    let stage = Stage::open(Discord::gateway()).await;
    let registered = |state: &mut State| typing::native(state, "/echo words=x").map(|_| ());
    stage.discord.world.until(PATIENCE, registered).await.expect("it is registered");
    let down = Harm::Refuse(500, 0, "Internal Server Error");
    let fault = Fault { at: format!("GET /guilds/{GUILD}/members/"), times: 100, harm: down };
    stage.discord.world.with(|state| state.faults.push(fault));
    stage.discord.say_directly("ben", "/echo words=unknown").await;
    stage.discord.read("ben", "").await;
    assert_eq!(stage.runs(), 0);
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_role_are_known_before_they_speak() {
    for (lists_members, known) in [(true, "its members are asked directly"), (false, "nobody can be asked")] {
        let mut stage = Stage::closed(Discord::gateway());
        stage.discord.world.with(|state| {
            state.lists_members = lists_members;
            state.roles.insert("ben".into(), vec![ROLE.into()]);
        });
        stage.more.push(("STATIONMASTER_TEAM__PLATFORM__GROUPS".into(), format!("discord:{ROLE}")));
        stage.start().await;
        let path = format!("/guilds/{GUILD}/members");
        let asked = |state: &mut State| (!state.calls_to(&format!("GET {path}")).is_empty()).then_some(());
        stage.discord.world.until(PATIENCE, asked).await.expect("the members are asked for");
        let mut answer = String::new();
        for _ in 0..20 {
            stage.discord.say("ada", "/oncall team=platform").await;
            answer = stage.discord.read("ada", "Who is on call for platform").await;
            if answer.contains(known) {
                break;
            }
        }
        assert!(answer.contains(known), "{answer}");
        stage.finish();
    }
}

/// A command whose choices take longer to be looked up than a first response may wait.
const SLOW: &str = r#"
[capability]
name = "picking"
title = "Picking"
need = "As a tester I want slow choices so that an answer comes late"
owner = "platform"
maturity = "ga"
[[command]]
name = "pick"
summary = "Pick one"
[[command.param]]
name = "tree"
type = "string"
[[command.param]]
name = "fruit"
type = "choice"
choices_from = { http = "API/fruit?tree={{tree}}", items = "$[*]", cache = "1s" }
[[command.step]]
name = "pick"
[command.step.process]
program = "/bin/true"
"#;

#[tokio::test(flavor = "multi_thread")]
async fn f11_a_late_answer_survives_a_first_try_that_fails() {
    let api = MockServer::start().await;
    let fruit = ResponseTemplate::new(200).set_body_json(["apple", "pear"]).set_delay(Duration::from_millis(2300));
    Mock::given(path("/fruit")).respond_with(fruit).mount(&api).await;
    let mut stage = Stage::closed(Discord::gateway());
    std::fs::write(stage.path("commands/picking.toml"), SLOW.replace("API", &api.uri())).expect("a file");
    std::fs::write(stage.path("stationmaster.toml"), "[http]\nallow_private = [\"127.0.0.1\"]\n").expect("a file");
    stage.start().await;
    let harms = [
        Harm::Refuse(500, 0, "Internal Server Error"),
        Harm::Limit { header: Some("0.2"), body: 0.2 },
        Harm::Cut,
        Harm::Lose,
        Harm::Delay(Duration::from_millis(500)),
    ];
    for (number, harm) in harms.into_iter().enumerate() {
        eprintln!("{harm:?}");
        fault(&stage, "PATCH /webhooks/", harm);
        stage.discord.say("ada", &format!("/pick tree=t{number} fruit=plum")).await;
        let form = stage.discord.read("ada", &format!("tree = t{number}")).await;
        assert!(form.contains("! "), "{form}");
    }
    // What the last call brought can be seen before it is noted.
    let all = |state: &mut State| (state.calls_to("PATCH /webhooks/").len() == 9).then_some(());
    stage.discord.world.until(PATIENCE, all).await.expect("four of them had to be tried twice");
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_a_first_response_that_is_cut_off_is_given_again() {
    let stage = Stage::open(Discord::gateway()).await;
    for harm in [Harm::Refuse(502, 0, "Bad Gateway"), Harm::Cut, Harm::Lose] {
        eprintln!("{harm:?}");
        fault(&stage, "POST /interactions/", harm);
        stage.discord.say("ada", "/help tea").await;
        stage.discord.read("ada", "/tea brew").await;
    }
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn f24_strange_limits_end_and_other_conversations_go_on() {
    for (header, body) in [(None, 0.3), (Some("abc"), 0.3), (Some("-5"), 0.3), (Some("0.0003"), 0.3), (None, -1.0)] {
        let stage = Stage::open(Discord::gateway()).await;
        fault(&stage, "POST /channels/", Harm::Limit { header, body });
        stage.discord.say("ada", "/echo words=patient").await;
        stage.discord.read("ada", "I heard: patient").await;
        stage.finish();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f24_a_silence_of_a_day_holds_for_one_conversation_only() {
    let stage = Stage::open(Discord::gateway()).await;
    fault(&stage, "POST /channels/", Harm::Limit { header: Some("86400"), body: 86400.0 });
    stage.discord.say("ada", "/echo words=silenced").await;
    let silenced = |state: &mut State| state.calls.iter().any(|call| call.status == 429).then_some(());
    stage.discord.world.until(PATIENCE, silenced).await.expect("it was tried");
    stage.discord.say_directly("ben", "/echo words=elsewhere").await;
    stage.discord.read("ben", "I heard: elsewhere").await;
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_a_deleted_card_is_posted_anew() {
    let stage = Stage::open(Discord::gateway()).await;
    stage.discord.say("ada", "/tea brew name=oolong").await;
    stage.discord.read("ada", "40 %").await;
    stage.discord.world.with(|state| state.messages.retain(|message| message.is_ephemeral()));
    stage.open_gate();
    stage.discord.read("ada", "The tea oolong is ready.").await;
    stage.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_where_one_may_not_write_the_person_is_told_directly() {
    let stage = Stage::open(Discord::gateway()).await;
    stage
        .discord
        .world
        .with(|state| state.channels.values_mut().for_each(|channel| channel.forbidden = channel.kind == 0));
    stage.discord.say("ada", "/echo words=private").await;
    let shown = stage.discord.read("ada", "I heard: private").await;
    assert!(!shown.is_empty());
    assert!(stage.discord.world.look(|state| state.messages.iter().all(|m| state.channels[&m.channel].kind == 1)));
    stage.finish();
}
