//! Answers that meet a Slack that refuses, limits, fails or lies: hardening A12, B1, B7, C1, C2, F10, F11, F14 and F24.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::Slack;
use super::payload::{self, Within};
use super::rule;
use super::server::{Fault, Pace};
use super::stage::{Stage, said};
use super::workspace::{BOT_USER, GENERAL, OLD, SECRET};
use crate::wire::Wire;

/// Everything that would be more than text in Slack.
const HOSTILE: &str = "<!channel> <!here|here> <@U0BEN> <#C0GENERAL> <!subteam^S0DATA> @everyone *b* _i_ ~s~ `c` \
                       :boom: <https://evil.example|good> [x](https://evil.example) &lt; \u{202e}txet\u{200b} z\u{301}\u{302}";

#[tokio::test(flavor = "multi_thread")]
async fn c1_c2_nothing_that_is_typed_or_answered_is_more_than_text() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.say("ada", "/count").await;
    stage.slack.read("ada", "number = ").await;
    stage.slack.fill("ada", "number", "1").await;
    stage.slack.fill("ada", "note", HOSTILE).await;
    stage.slack.submit("ada").await;
    let card = stage.slack.read("ada", "Leave a line – done").await;
    assert!(card.contains(HOSTILE), "{card}");
    stage.put("answer", &json!({ "output": { "words": HOSTILE } }).to_string());
    stage.slack.say("ada", "/repeat").await;
    let card = stage.slack.read("ada", "Say what a program says – done").await;
    assert!(card.contains(HOSTILE), "{card}");
    for message in stage.slack.server.workspace().messages.iter() {
        assert_eq!(rule::pings(&message.text, &message.blocks), Vec::<String>::new(), "{:#}", message.blocks);
    }
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f14_links_are_never_unfurled() {
    let stage = Stage::open(Slack::http().await).await;
    stage.put("answer", r#"{"output": {"words": "https://example.org/?token=1"}}"#);
    stage.slack.say("ada", "/repeat").await;
    stage.slack.read("ada", "https://example.org/?token=1").await;
    let posts = stage.slack.server.calls("chat.postMessage");
    assert!(!posts.is_empty());
    for post in said(&posts) {
        assert!(post["unfurl_links"] == false && post["unfurl_media"] == false, "{post}");
    }
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn b1_a_button_means_what_its_presser_may_do() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.say("ada", "/wait").await;
    stage.slack.read("ada", "still waiting").await;
    // Ben sees the card in the channel, and may not call off what is not his.
    stage.slack.press("ben", "Cancel").await;
    let refusal = stage.slack.ephemeral("ben").await;
    assert!(!refusal.is_empty());
    // Tokens that were made up, of something that never was, and of nothing.
    let card = stage.slack.server.workspace().messages.iter().find(|message| message.only.is_none()).cloned();
    let card = card.expect("the card");
    for token in [
        "cancel:req_00000000000000000000000000000000",
        "cancel:",
        "approve:everything",
        "run:no such",
        "\u{0}",
        "draft:x",
    ] {
        let action = json!({ "type": "button", "block_id": "b", "action_id": "press:0", "value": token });
        let delivery = {
            let mut workspace = stage.slack.server.workspace();
            payload::block_action(&mut workspace, "U0BEN", &Within::Message(&card), action)
        };
        stage.slack.courier.deliver(&delivery).await.expect("it is acknowledged");
        let answer = stage.slack.ephemeral("ben").await;
        assert!(!answer.is_empty(), "{token}");
    }
    stage.put("go", "");
    stage.slack.read("ada", "The wait is over.").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_guests_and_outsiders_are_refused() {
    let stage = Stage::open(Slack::socket().await).await;
    for who in ["guest", "outsider"] {
        stage.slack.say(who, "/count number=1").await;
        let refusal = stage.slack.ephemeral(who).await;
        assert!(refusal.contains("You are a guest here"), "{refusal}");
    }
    stage.slack.say("ada", "/count number=2").await;
    stage.slack.read("ada", "Counted 2.").await;
    assert_eq!(stage.done(), ["2"]);
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_who_cannot_be_looked_up_may_nothing() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.server.fail("users.info", Fault::Status(500), usize::MAX);
    stage.slack.say("ada", "/count number=1").await;
    let refusal = stage.slack.ephemeral("ada").await;
    assert!(refusal.contains("Your rights cannot be established"), "{refusal}");
    stage.slack.server.mend();
    stage.slack.say("ada", "/count number=2").await;
    stage.slack.read("ada", "Counted 2.").await;
    assert_eq!(stage.done(), ["2"]);
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_of_a_group_are_known_before_they_speak_and_where_they_are() {
    let groups = ("STATIONMASTER_TEAM__PLATFORM__GROUPS", "slack:S0DATA");
    let stage = Stage::with(Slack::socket().await, &[groups]).await;
    let looked_up = stage.until_called("users.info", 1).await;
    assert_eq!(looked_up[0].args["user"], "U0ADA");
    let mut answer = String::new();
    for _ in 0..20 {
        stage.slack.say("ben", "/oncall platform").await;
        answer = stage.slack.ephemeral("ben").await;
        if answer.contains("its members are asked directly") {
            break;
        }
    }
    assert!(answer.contains("nobody is declared, and its members are asked directly"), "{answer}");
    stage.slack.say("ben", "/whoami").await;
    let whoami = stage.slack.ephemeral("ben").await;
    assert!(whoami.contains("Mon-Fri 09:00-17:00, Europe/Berlin"), "{whoami}");
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f10_an_answer_never_goes_to_a_foreign_host() {
    let stage = Stage::open(Slack::http().await).await;
    let foreign = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let (address, knocks) = (foreign.local_addr().expect("an address"), Arc::new(AtomicUsize::new(0)));
    let counted = knocks.clone();
    tokio::spawn(async move {
        while foreign.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let slack = stage.slack.server.host.clone();
    for url in
        [format!("http://{address}/x"), format!("http://{slack}@{address}/x"), "http://[::1/".to_owned(), String::new()]
    {
        let ada = stage.slack.id("ada");
        let mut order = payload::command(&mut stage.slack.server.workspace(), (GENERAL, &ada), "/help");
        order.payload["response_url"] = url.as_str().into();
        stage.slack.command(&order).await;
        assert!(!stage.slack.ephemeral("ada").await.is_empty(), "{url}");
    }
    assert_eq!(knocks.load(Ordering::SeqCst), 0);
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_an_answer_survives_a_bad_moment() {
    let stage = Stage::open(Slack::socket().await).await;
    let bad = [Fault::Status(500), Fault::Status(503), Fault::Reset, Fault::Limited(Some("1")), Fault::Limited(None)];
    for fault in bad {
        stage.slack.server.fail("/hooks/", fault.clone(), 1);
        stage.slack.say("ada", "/help").await;
        assert!(!stage.slack.ephemeral("ada").await.is_empty(), "{fault:?}");
    }
    // A response URL that is spent is no end either.
    stage.slack.server.fail("/hooks/", Fault::Status(404), usize::MAX);
    stage.slack.say("ada", "/help").await;
    assert!(!stage.slack.ephemeral("ada").await.is_empty());
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f11_a_card_is_posted_once_though_the_answer_was_lost() {
    let stage = Stage::open(Slack::socket().await).await;
    stage.slack.server.fail("chat.postMessage", Fault::Lost, 1);
    stage.slack.say("ada", "/count number=1").await;
    stage.slack.read("ada", "Counted 1.").await;
    let workspace = stage.slack.server.workspace();
    let cards = workspace.messages.iter().filter(|message| message.thread.is_none()).count();
    drop(workspace);
    assert_eq!(cards, 1, "{}", stage.slack.screen("ada"));
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn f24_absurd_waits_are_waited_for_sanely_and_hold_up_nobody_else() {
    let stage = Stage::open(Slack::socket().await).await;
    for (number, after) in [None, Some("abc"), Some("-5"), Some("0")].into_iter().enumerate() {
        stage.slack.server.fail("chat.postMessage", Fault::Limited(after), 1);
        stage.slack.say("ada", &format!("/count number={number}")).await;
        stage.slack.read("ada", &format!("Counted {number}.")).await;
    }
    stage.slack.server.fail("chat.postMessage", Fault::Limited(Some("86400")), 1);
    stage.slack.say("ada", "/count number=7").await;
    stage.until_called("chat.postMessage", 9).await;
    let direct = stage.slack.server.workspace().direct("U0BEN");
    stage.slack.say_in(&direct, "ben", "/count number=8").await;
    stage.slack.read("ben", "Counted 8.").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pace_of_a_channel_is_learnt_and_kept() {
    let stage = Stage::open(Slack::socket().await).await;
    let channel = std::time::Duration::from_millis(300);
    stage.slack.server.set_pace(Some(Pace { channel, everywhere: std::time::Duration::from_millis(1) }));
    for number in 0..4 {
        stage.slack.say("ada", &format!("/count number={number}")).await;
    }
    for number in 0..4 {
        stage.slack.read("ada", &format!("Counted {number}.")).await;
    }
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn a12_a_revoked_token_stops_everything_at_once_and_work_waits() {
    let mut stage = Stage::open(Slack::socket().await).await;
    stage.slack.say("ada", "/wait").await;
    stage.slack.read("ada", "still waiting").await;
    let tokens = std::mem::take(&mut stage.slack.server.workspace().tokens);
    let before = stage.slack.server.calls("chat.").len();
    stage.put("go", "");
    let words = stage.until_slack_is("stopped").await;
    assert!(words.contains("token_revoked") && !stage.is_ready().await, "{words}");
    let tries = stage.slack.server.calls("chat.").len() - before;
    assert!(tries <= 2, "a token that is refused was tried {tries} times");
    stage.slack.server.workspace().tokens = tokens;
    stage.restart().await;
    stage.slack.read("ada", "The wait is over.").await;
    stage.close();
}

#[tokio::test(flavor = "multi_thread")]
async fn d14_another_place_is_found_where_a_channel_is_closed() {
    let stage = Stage::open(Slack::socket().await).await;
    // Commands can be typed where the app is not, and where nothing can be written any more.
    for (channel, number) in [(SECRET, "1"), (OLD, "2")] {
        stage.slack.say_in(channel, "ada", &format!("/count number={number}")).await;
        stage.slack.read("ada", &format!("Counted {number}.")).await;
    }
    // A card that was deleted comes again as another one.
    stage.slack.say("ada", "/wait").await;
    stage.slack.read("ada", "still waiting").await;
    stage.slack.server.workspace().messages.retain(|message| message.channel != GENERAL || message.author != BOT_USER);
    stage.put("go", "");
    stage.slack.read("ada", "The wait is over.").await;
    stage.close();
}
