//! Pulse surveys: who is asked what and when, what is computed from the answers, and what of it may be shown.
//!
//! `catalogue/survey` has what a survey is; [`wave`] is one run of it, from [`audience`], [`cohort`], [`budget`] and [`hour`] to
//! [`asking`], [`reply`], [`closing`] and [`afterword`]; [`figures`] and [`report`] are what comes of the answers, by way of
//! [`privacy`] alone. All else is arithmetic.
//!
//! Invariant: from a press to the store an answer is in memory only, and what is stored says of nobody what they answered; see
//! [`crate::store::answer`] and [`crate::store::waiting`].

use std::collections::BTreeMap;

use serde_json::Value;

use crate::app::App;
use crate::catalogue::menu;
use crate::catalogue::resolve::Asker;
use crate::chat::{Reply, SEALED};
use crate::error::Result;

pub mod afterword;
pub mod asking;
pub mod audience;
pub mod board;
pub mod budget;
pub mod card;
pub mod chart;
pub mod choice;
pub mod closing;
pub mod cohort;
pub mod compare;
pub mod figures;
pub mod form;
pub mod frame;
pub mod hour;
pub mod identifier;
pub mod interval;
pub mod line;
pub mod occasion;
pub mod percent;
pub mod plan_line;
pub mod privacy;
pub mod promoter;
pub mod reply;
pub mod report;
pub mod response;
pub mod sample;
pub mod score;
pub mod tally;
mod told;
pub mod wave;

pub use crate::catalogue::survey::kind as question;
pub use card::card;

/// The verb of the buttons and forms that say nothing of answers.
const OPEN: &str = "survey";

/// What is said about surveys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    /// `/surveys`
    Board,
}

/// The topic of a line, if it is about surveys.
pub fn read(line: &str) -> Option<Topic> {
    (menu::first_word(line).0 == "surveys").then_some(Topic::Board)
}

/// The answer to a topic.
pub async fn answer(app: &App, topic: Topic, asker: &Asker) -> Result<Reply> {
    match topic {
        Topic::Board => board::list(app, asker).await,
    }
}

/// The answer to a button; `None` if it is none of these.
pub async fn pressed(app: &App, (verb, object): (&str, &str), asker: &Asker) -> Result<Option<Reply>> {
    match verb {
        SEALED => reply::pressed(app, object, asker).await.map(Some),
        OPEN => board::pressed(app, object, asker).await,
        _ => Ok(None),
    }
}

/// The answer to a form; `None` if it is none of these.
pub async fn submitted(
    app: &App,
    (verb, object): (&str, &str),
    values: &BTreeMap<String, Value>,
    asker: &Asker,
) -> Result<Option<Reply>> {
    match (verb, object.split_once('/')) {
        (SEALED, _) => reply::submitted(app, object, values, asker).await.map(Some),
        (OPEN, Some(parts)) => afterword::submitted(app, parts, values, asker).await.map(Some),
        _ => Ok(None),
    }
}

/// One round of what no job does: plans the waves that are due, and stores what waits here for waves that are closing. Gives
/// how much was done.
pub async fn tend_next(app: &App) -> Result<usize> {
    Ok(wave::plan_next(app).await? + closing::keep_next(app).await?)
}
