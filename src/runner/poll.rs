//! Looking again and again until work elsewhere is done.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::exchange::{answer_words, host, link_of, retry_after, with_own, words_of};
use super::http::{Http, Method};
use super::web_client::{Answer, Trouble};
use super::{Attempt, Outcome, Progress, Tools};
use crate::clock::{Millis, Span};
use crate::error::Result;
use crate::expression::Expression;
use crate::message::{Escape, Template};

/// How long one look may take.
const LOOK: Duration = Duration::from_secs(30);
/// The pause between two looks if none is said.
const PAUSE: Span = Span::from_secs(5);
/// The shortest pause that can be asked for.
const SHORTEST_PAUSE: Span = Span::from_millis(200);

/// `poll = { … }`: looks again and again until the work is done. Conditions see the answer as `body` and `status`; the
/// headers and the signature are those of the start.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Poll {
    /// The method; GET if not said.
    #[serde(default)]
    pub method: Method,
    /// Where to look; the step's own outputs are `{{steps.NAME.OUTPUT}}`.
    pub url: Template,
    /// When the work is done: `body.state == 'ready'`.
    pub until: Expression,
    /// When it has failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fail: Option<Expression>,
    /// The pause between two looks; 5s if not said, never below 200ms.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Span>,
    /// How far the work is, 0 to 100: `body.percent`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub progress: Option<Expression>,
}

/// What is remembered between two looks.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default)]
struct UnderWay {
    url: String,
    outputs: Map<String, Value>,
    percent: Option<u8>,
    /// What the last look saw, for the words at the deadline.
    seen: String,
}

/// What one look saw.
enum Seen {
    Done(Answer),
    Failed(String),
    NotYet(Option<Span>),
}

impl UnderWay {
    fn fail(self, attempt: &Attempt, why: &str) -> Outcome {
        Outcome::failed(attempt.mask.text(why)).link(link_of(&self.outputs)).outputs(self.outputs)
    }
}

impl Poll {
    /// The outcome of a start that was answered with `outputs`: the first look comes after a pause.
    pub(super) fn begin(&self, tools: &Tools, attempt: &Attempt, outputs: Map<String, Value>) -> Outcome {
        match self.url.render(&with_own(attempt, &outputs, &[]), Escape::Url) {
            Ok(url) => self.wait(tools, attempt, (UnderWay { url, outputs, ..UnderWay::default() }, None)),
            Err(why) => {
                let why = format!("it was begun, but cannot be followed at poll.url: {why}");
                Outcome::failed(attempt.mask.text(&why)).outputs(outputs)
            }
        }
    }

    /// One look at the work that the checkpoint tells of.
    pub(super) async fn look(&self, http: &Http, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let mut under_way: UnderWay = serde_json::from_value(attempt.checkpoint.clone())?;
        let values = with_own(attempt, &under_way.outputs, &[]);
        let call = match http.looking(self.method, under_way.url.clone()).call(&values, LOOK) {
            Ok(call) => call,
            // The work has begun, so this is no longer a mistake before anything happened.
            Err(why) => return Ok(under_way.fail(attempt, &format!("how far it is cannot be asked: {why}"))),
        };
        let seen = match tools.web.send(call, &attempt.cancel).await {
            Ok(answer) => self.read(attempt, &mut under_way, (answer, tools.clock.now())),
            Err(Trouble::Refused(why)) => Seen::Failed(format!("how far it is cannot be seen: {why}")),
            Err(trouble) => {
                under_way.seen = trouble.to_string();
                Seen::NotYet(None)
            }
        };
        Ok(match seen {
            Seen::Done(answer) => http.finish(attempt, &answer, under_way.outputs),
            Seen::Failed(why) => under_way.fail(attempt, &why),
            Seen::NotYet(_) if tools.clock.now() >= attempt.deadline => {
                let (host, seen) = (host(&under_way.url), &under_way.seen);
                let why = format!("it was not done in time; the last look at {host} saw: {seen}");
                under_way.fail(attempt, &why)
            }
            Seen::NotYet(asked) => self.wait(tools, attempt, (under_way, asked)),
        })
    }

    /// What an answer says. The other side may be down for a while, and may not know the work yet (404): only what
    /// cannot pass ends the step.
    fn read(&self, attempt: &Attempt, under_way: &mut UnderWay, (answer, now): (Answer, Millis)) -> Seen {
        let status = answer.status.as_u16();
        under_way.seen = answer_words(&answer);
        if status >= 500 || matches!(status, 408 | 425 | 429) {
            return Seen::NotYet(retry_after(&answer.headers, now));
        }
        let body = answer.json().unwrap_or_default();
        let more = [("body", body.clone()), ("status", json!(status))];
        let values = with_own(attempt, &under_way.outputs, &more);
        // A condition over a key that is not there yet does not hold yet.
        let holds = |condition: &Expression| condition.holds(&values);
        if self.fail.as_ref().is_some_and(|fail| holds(fail).unwrap_or(false)) {
            let words = words_of(&body).unwrap_or_else(|| format!("{} says that it failed", host(&under_way.url)));
            return Seen::Failed(words);
        }
        match holds(&self.until) {
            Ok(true) => return Seen::Done(answer),
            Ok(false) => {}
            Err(why) if answer.status.is_success() => under_way.seen = format!("{}; {why}", under_way.seen),
            Err(_) => {}
        }
        if answer.status.is_client_error() && status != 404 {
            return Seen::Failed(format!("how far it is cannot be seen: {}", under_way.seen));
        }
        report(
            attempt,
            self.progress.as_ref().and_then(|progress| progress.value(&values).ok()),
            &mut under_way.percent,
        );
        Seen::NotYet(None)
    }

    fn wait(&self, tools: &Tools, attempt: &Attempt, (under_way, asked): (UnderWay, Option<Span>)) -> Outcome {
        let pause = self.every.unwrap_or(PAUSE).max(SHORTEST_PAUSE).max(asked.unwrap_or(SHORTEST_PAUSE));
        let again_at = (tools.clock.now() + pause.millis()).min(attempt.deadline);
        let summary = format!("waiting for {}", host(&under_way.url));
        let outcome = Outcome::waiting(attempt.mask.text(&summary), json!(under_way), again_at);
        outcome.link(link_of(&under_way.outputs)).outputs(under_way.outputs)
    }
}

/// Tells how far the work is, if `value` is a number; a bar never goes back.
pub(super) fn report(attempt: &Attempt, value: Option<Value>, percent: &mut Option<u8>) {
    let Some(number) = value.and_then(|value| value.as_f64()).filter(|number| number.is_finite()) else {
        return;
    };
    // In bounds by the clamp.
    let now = number.clamp(0.0, 100.0) as u8;
    *percent = Some(percent.unwrap_or(0).max(now));
    attempt.progress.send(Progress { percent: *percent, ..Progress::default() }).ok();
}
