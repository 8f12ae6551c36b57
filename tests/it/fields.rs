//! Filling in forms wherever they are.

use crate::stage::{On, Stage};

/// The fields whose label is more than their name. Discord shows people labels, and finds what is chosen by them.
const LABELS: [(&str, &str); 13] = [
    ("time", "For how long"),
    ("until", "Away until"),
    ("delegate", "Who decides for you"),
    ("need", "What do you need?"),
    ("text", "Your question"),
    ("new_category", "What was it?"),
    ("automatable", "Could self-service have done it?"),
    ("to", "To"),
    ("flow", "I can work without being interrupted"),
    ("recommend", "Would you recommend working here?"),
    ("change", "What would you change?"),
    ("said", "You said"),
    ("did", "We do"),
];
/// The fields that are chosen, not typed.
const CHOSEN: [&str; 5] = ["automatable", "delegate", "flow", "recommend", "to"];

fn label<'a>(stage: &Stage, name: &'a str) -> &'a str {
    let label = LABELS.iter().find(|(of, _)| *of == name).map(|(_, label)| *label);
    label.filter(|_| matches!(stage.on, On::DiscordGateway | On::DiscordHttp)).unwrap_or(name)
}

/// The field as it is found on the platform.
pub fn field<'a>(stage: &Stage, name: &'a str) -> &'a str {
    if CHOSEN.contains(&name) { label(stage, name) } else { name }
}

/// Somebody fills in a form that is before them, and sends it.
pub async fn fill(stage: &Stage, who: &str, fields: &[(&str, &str)]) {
    let (first, _) = fields[0];
    stage.wire.read(who, &format!("{} =", label(stage, first))).await;
    for (name, value) in fields {
        stage.wire.fill(who, field(stage, name), value).await;
    }
    stage.wire.submit(who).await;
}
