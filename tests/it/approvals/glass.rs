//! Breaking the glass: who may, what the owner is told, and who looks at it later.

use serde_json::json;
use stationmaster::store::request::State;

use super::stage::{Stage, text, title};
use crate::engine::on_both;
use crate::house::card_of;

const GLASS: &str =
    "approval = { by = 'owner', quorum = 2, break_glass = { roles = ['oncall'], people = ['ada', 'ben'] } }";
const WHY: &str = "Orders are being lost right now";

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_glass_runs_it_and_is_looked_at_by_the_owner() {
    on_both(|on| async move {
        let stage = Stage::set(on, GLASS).await;
        let approval = stage.asked("/db create orders").await;
        let object = ("glass", approval.id.as_str());
        assert_eq!(title(&stage.press("gus", "glass", &approval.id).await), "form: Break the glass");
        let short = stage.send("gus", object, &[("reason", json!("Quick!"))]).await;
        assert_eq!(title(&short), "form: Break the glass", "a reason has ten characters");
        assert_eq!(title(&stage.send("gus", object, &[("reason", json!(WHY))]).await), "The glass is broken");
        stage.house.settle().await;
        assert_eq!((stage.state().await, stage.runs().await), (State::Succeeded, 1));
        let told = stage.direct("ben").into_iter().find(|card| card.title == "gus broke the glass").expect("told");
        let minute = regex::Regex::new(r"Tue 1 Dec, \d\d:\d\d").expect("a pattern");
        insta::allow_duplicates! {
            insta::assert_snapshot!(minute.replace(&text(&stage, &told), "then"), @"
            [waiting] gus broke the glass
              /db create name=orders
              It was started without the approval that it needs, for ada.
              Reason: Orders are being lost right now
              When: then UTC
              [It was right…] [It was not…]
              (Somebody of the team data looks at this, who had no part in it)
            ");
        }
        let list = card_of(&stage.house.say("ben", "/approvals").await);
        assert!(text(&stage, &list).contains("/db create name=orders, started by gus 0s ago"), "{list:?}");
        let review = told.buttons[0].action.clone();
        let stationmaster::chat::Action::Press(right) = review else { panic!("no button") };
        assert!(title(&stage.house.press("gus", &right).await).contains("You broke this glass"));
        assert!(title(&stage.house.press("ada", &right).await).contains("your own request"));
        assert!(title(&stage.house.press("eve", &right).await).contains("you are not in it"));
        assert_eq!(title(&stage.house.press("cleo", &right).await), "form: It was right to break the glass");
        let object = right.parts();
        stage.send("cleo", object, &[("note", json!("Two people are too many at night"))]).await;
        assert_eq!(title(&stage.house.press("dan", &right).await), "cleo has looked at this 0s ago.");
        stage.house.settle().await;
        let told = stage.direct("ben").into_iter().find(|card| card.title == "gus broke the glass").expect("told");
        assert!(text(&stage, &told).contains("cleo looked at it: it was right. Two people are too many at night"));
        assert!(told.buttons.is_empty());
        let trail = stage.trail().await;
        assert!(trail.contains(&"gus break glass".into()) && trail.contains(&"cleo reviewed".into()), "{trail:?}");
        stage.house.finish().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_nobody_breaks_the_glass_for_themselves_or_without_being_named() {
    on_both(|on| async move {
        let stage = Stage::set(on, GLASS).await;
        let approval = stage.asked("/db create orders").await;
        for (who, answer) in [("ada", "This is your own request"), ("eve", "You are not among those who may break")] {
            let pressed = title(&stage.press(who, "glass", &approval.id).await);
            let sent = title(&stage.send(who, ("glass", &approval.id), &[("reason", json!(WHY))]).await);
            assert!(pressed.starts_with(answer) && sent == pressed, "{who}: {pressed}, {sent}");
        }
        assert_eq!((stage.state().await, stage.runs().await), (State::AwaitingApproval, 0));
        stage.press("ben", "approve", &approval.id).await;
        let sent = stage.send("ben", ("glass", &approval.id), &[("reason", json!(WHY))]).await;
        assert_eq!(title(&sent), "The glass is broken", "who has approved before may find that it cannot wait");
        stage.house.settle().await;
        assert_eq!(stage.runs().await, 1);
        stage.house.finish().await;
    })
    .await;
}
