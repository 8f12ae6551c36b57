//! What others are told when something happens to an escalation: those who help, and everybody who waits for them.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::{Value, json};

use crate::chat::Tone;
use crate::error::Result;
use crate::people::roster::Spot;
use crate::store::Tx;
use crate::store::escalation::{ASKED, Escalation};
use crate::store::message::Priority;

/// Why somebody is called to an escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Call {
    /// It has just been opened.
    Opened,
    /// Nobody before has claimed it in time.
    Passed,
    /// Somebody hands it over.
    Handed,
    /// Its holder has put it off until now.
    Awake,
}

/// Shows the escalation's card to those who are asked; who has it before their eyes already is told beside it.
pub(super) async fn call(tx: &mut Tx, escalation: &Escalation, (spots, why): (&[Spot], Call)) -> Result<()> {
    let mut known = Vec::new();
    for spot in spots {
        if tx.is_shown(&escalation.id, (spot.platform.name(), &spot.place)).await? {
            known.push(spot.shown());
        } else {
            tx.show(&escalation.id, spot.shown()).await?;
        }
    }
    if known.is_empty() {
        return Ok(());
    }
    let body = json!({"call": {"why": why}, "escalation": brief(escalation)});
    let notice = tx.insert_notice("escalation_called", Tone::Waiting, &body).await?;
    tx.tell(&notice, &known).await
}

/// Tells everybody who waits for this escalation, or for one that has joined it, in the thread of their card.
pub(super) async fn tell(tx: &mut Tx, escalation: &Escalation, change: &Value) -> Result<()> {
    for card in cards_of_askers(tx, escalation).await? {
        let tone = if change["what"] == "asked" { Tone::Waiting } else { Tone::Neutral };
        let notice = tx.insert_notice("escalation_noted", tone, &json!({ "change": change })).await?;
        tx.tell_in_threads(&notice, &card).await?;
    }
    Ok(())
}

/// Brings all cards up to date that show the escalation.
pub(super) async fn touch(tx: &mut Tx, escalation: &Escalation) -> Result<()> {
    for card in cards_of_askers(tx, escalation).await? {
        tx.touch(&card, Priority::State).await?;
    }
    tx.touch(&escalation.id, Priority::State).await
}

/// The subjects of the cards of everybody who waits.
async fn cards_of_askers(tx: &mut Tx, escalation: &Escalation) -> Result<BTreeSet<String>> {
    let joined = tx.escalations_joined(&escalation.id).await?;
    let card = |one: &Escalation| match (&one.request, &one.requester) {
        (Some(request), _) => Some(request.clone()),
        (None, Some(_)) => Some(format!("{ASKED}{}", one.id)),
        (None, None) => None,
    };
    Ok(std::iter::once(escalation).chain(&joined).filter_map(card).collect())
}

/// What names an escalation in a message.
pub(super) fn brief(escalation: &Escalation) -> Value {
    json!({"id": escalation.id, "reason": escalation.reason, "title": escalation.title})
}

/// A change as its message is given it.
pub(super) fn change(what: &str, who: &str) -> Value {
    json!({"what": what, "who": who, "whom": "", "until": "", "text": "", "remark": ""})
}

/// Nobody has claimed it in time, so others were asked.
pub(super) fn passed(escalation: &Escalation) -> Value {
    let mut passed = change("passed", "");
    passed["whom"] = if escalation.level == 1 { "lead".into() } else { "platform".into() };
    passed["text"] = escalation.team.as_str().into();
    passed
}
