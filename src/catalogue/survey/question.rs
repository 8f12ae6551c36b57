//! A question of a survey: its kind, its words, and which answers it takes.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::kind::{Kind, Pick, Rating};

/// The longest free text, in characters.
const LONGEST: usize = 2000;

/// A question.
#[derive(Debug, Clone, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Its short name, unique in the survey.
    pub name: String,
    /// What is answered.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// What is asked, or said to be agreed with.
    pub text: String,
    /// What the lowest point of a scale means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low: Option<String>,
    /// What its highest point means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub high: Option<String>,
    /// What can be chosen.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<String>,
    /// The statements of `umux-lite` (two) and `sus` (ten), with the name of what they are about.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub items: Vec<String>,
    /// A word to the reader that it may be left out; every question may be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
}

impl Question {
    /// What a trend may be drawn through: the first 16 hexadecimal digits of SHA-256 over everything that changes what an
    /// answer means.
    pub fn version(&self) -> String {
        let parts = (self.kind, &self.text, &self.low, &self.high, &self.choices, &self.items);
        let text = serde_json::to_string(&parts).expect("a question is JSON");
        hex::encode(&Sha256::digest(text)[..8])
    }

    /// What it is scored by, if it is answered in numbers.
    pub fn rating(&self) -> Option<Rating> {
        match self.kind {
            Kind::Rating(rating) => Some(rating),
            Kind::Choice(_) | Kind::Text => None,
        }
    }

    /// The lowest and the highest point of its scale, if it has one.
    pub fn points(&self) -> Option<(i64, i64)> {
        let (low, high) = self.rating()?.bounds().into_inner();
        Some((low.into(), high.into()))
    }

    /// How many statements it has, where each is answered by itself.
    pub fn statements(&self) -> Option<usize> {
        self.rating().map(Rating::items).filter(|items| *items > 1)
    }

    /// How long it takes to answer, in seconds: 15 for each point of a scale that is looked for, 60 for a text.
    pub fn seconds(&self) -> u32 {
        match self.kind {
            Kind::Text => 60,
            _ => 15 * self.statements().map_or(1, |items| u32::try_from(items).unwrap_or(10)),
        }
    }

    /// What one press can answer: the label and the value of each option, the lowest first. None where one press is not
    /// enough.
    pub fn options(&self) -> Vec<(String, Value)> {
        match (self.kind, self.points()) {
            (Kind::Choice(Pick::One), _) => {
                self.choices.iter().map(|choice| (choice.clone(), choice.clone().into())).collect()
            }
            (_, Some((low, high))) if self.statements().is_none() => {
                (low..=high).map(|point| (self.label(point), point.into())).collect()
            }
            _ => Vec::new(),
        }
    }

    /// A point of its scale in words: `5 – strongly agree`.
    pub fn label(&self, point: i64) -> String {
        let (low, high) = self.points().unwrap_or_default();
        let end = if point == low {
            &self.low
        } else if point == high {
            &self.high
        } else {
            &None
        };
        end.as_ref().map_or_else(|| point.to_string(), |end| format!("{point} – {end}"))
    }

    /// An answer to it in words, as it was given.
    pub fn words(&self, answer: &Value) -> String {
        match answer {
            Value::Number(point) if self.points().is_some() => self.label(point.as_i64().unwrap_or_default()),
            Value::Array(all) => all.iter().map(|one| self.words(one)).collect::<Vec<_>>().join(", "),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        }
    }

    /// The answer that `given` is: a whole number, the name of a choice, a list of them, the points of all statements, or a
    /// text. `None` if nothing was answered; the error says what would be right.
    pub fn read(&self, given: &Value) -> Result<Option<Value>, String> {
        match self.kind {
            Kind::Text => self.read_text(given),
            Kind::Choice(Pick::One) => self.read_choice(given),
            Kind::Choice(Pick::Several) => self.read_choices(given),
            Kind::Rating(_) if self.statements().is_some() => self.read_items(given),
            Kind::Rating(_) => self.read_point(given),
        }
    }

    fn read_text(&self, given: &Value) -> Result<Option<Value>, String> {
        let text = match given {
            Value::Null => return Ok(None),
            Value::String(text) => text.trim(),
            _ => return Err("Write some text.".into()),
        };
        if text.chars().count() > LONGEST {
            return Err(format!("Write {LONGEST} characters at most."));
        }
        Ok((!text.is_empty()).then(|| text.into()))
    }

    fn read_point(&self, given: &Value) -> Result<Option<Value>, String> {
        let (low, high) = self.points().unwrap_or_default();
        let wrong = || format!("Choose a whole number from {low} to {high}.");
        let point = match given {
            Value::Null => return Ok(None),
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => text.trim().parse().ok(),
            number => number.as_i64(),
        };
        point.filter(|point| (low..=high).contains(point)).map(|point| Some(point.into())).ok_or_else(wrong)
    }

    fn read_choice(&self, given: &Value) -> Result<Option<Value>, String> {
        let known = |text: &str| self.choices.iter().find(|choice| choice.as_str() == text);
        match given {
            Value::Null => Ok(None),
            Value::String(text) if text.is_empty() => Ok(None),
            Value::String(text) => known(text).map(|choice| Some(choice.clone().into())).ok_or_else(|| self.wanted()),
            _ => Err(self.wanted()),
        }
    }

    fn read_choices(&self, given: &Value) -> Result<Option<Value>, String> {
        let given: Vec<&Value> = match given {
            Value::Null => return Ok(None),
            Value::Array(items) => items.iter().collect(),
            one => vec![one],
        };
        let names: Vec<&str> = given.iter().filter_map(|item| item.as_str()).filter(|name| !name.is_empty()).collect();
        if names.iter().any(|name| self.choices.iter().all(|choice| choice != name)) {
            return Err(self.wanted());
        }
        let ticked: Vec<Value> =
            self.choices.iter().filter(|c| names.contains(&c.as_str())).map(|c| c.clone().into()).collect();
        Ok((!ticked.is_empty()).then(|| ticked.into()))
    }

    fn read_items(&self, given: &Value) -> Result<Option<Value>, String> {
        let count = self.statements().unwrap_or_default();
        let given = match given {
            Value::Null => return Ok(None),
            Value::Array(items) if items.len() == count => items,
            _ => return Err(format!("Answer all {count} statements, or none of them.")),
        };
        let points: Vec<Value> =
            given.iter().map(|item| self.read_point(item)).filter_map(Result::transpose).collect::<Result<_, _>>()?;
        match points.len() {
            0 => Ok(None),
            found if found == count => Ok(Some(points.into())),
            _ => Err(format!("Answer all {count} statements, or none of them.")),
        }
    }

    fn wanted(&self) -> String {
        format!("Choose of {}.", self.choices.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn question(text: &str) -> Question {
        toml::from_str(&format!("name = 'q'\ntext = 'T'\n{text}")).expect("a question")
    }

    #[test]
    fn only_whole_numbers_within_the_scale_are_answers() {
        let enps = question("type = 'enps'");
        assert_eq!(enps.read(&json!(0)), Ok(Some(json!(0))), "zero is an answer");
        assert_eq!(enps.read(&json!("10")), Ok(Some(json!(10))));
        assert_eq!((enps.read(&Value::Null), enps.read(&json!(""))), (Ok(None), Ok(None)));
        for wrong in [json!(11), json!(-1), json!(6.5), json!("6.5"), json!(true), json!("six"), json!(1e30)] {
            assert_eq!(enps.read(&wrong).expect_err("refused"), "Choose a whole number from 0 to 10.", "{wrong}");
        }
    }

    #[test]
    fn statements_are_answered_all_or_none() {
        let umux = question("type = 'umux-lite'\nitems = ['a', 'b']");
        assert_eq!(umux.read(&json!([7, "1"])), Ok(Some(json!([7, 1]))));
        assert_eq!(umux.read(&json!(["", null])), Ok(None));
        for wrong in [json!([7]), json!([7, null]), json!([7, 8]), json!(7)] {
            assert!(umux.read(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn choices_are_those_of_the_question_each_once_and_in_its_order() {
        let several = question("type = 'choices'\nchoices = ['a', 'b', 'c']");
        assert_eq!(several.read(&json!(["c", "a", "c"])), Ok(Some(json!(["a", "c"]))));
        assert_eq!(several.read(&json!([])), Ok(None));
        assert!(several.read(&json!(["d"])).is_err());
        assert!(question("type = 'choice'\nchoices = ['a', 'b']").read(&json!("A")).is_err());
    }

    #[test]
    fn a_version_changes_with_what_an_answer_means_and_with_nothing_else() {
        let first = question("type = 'scale5'\nlow = 'no'\nhigh = 'yes'");
        let same = Question { name: "other".into(), optional: true, ..first.clone() };
        assert_eq!(first.version(), same.version());
        for other in [
            Question { text: "U".into(), ..first.clone() },
            Question { kind: "csat5".parse().expect("a type"), ..first.clone() },
            Question { high: None, ..first.clone() },
            Question { choices: vec!["a".into()], ..first.clone() },
        ] {
            assert_ne!(first.version(), other.version());
        }
    }
}
