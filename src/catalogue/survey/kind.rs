//! What a survey may ask: the types of questions, and what counts as an answer to each.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::error::UserError;
use crate::spelling::nearest;

/// The points that CSAT is asked on; each has its own set of satisfied answers, [`Points::top`].
const CSAT: [u8; 6] = [3, 4, 5, 6, 7, 10];
/// The points that a scale may have: those that Preston and Colman compared (Acta Psychologica 104, 2000), which is also
/// what a row of buttons holds.
const SCALE: RangeInclusive<u8> = 2..=11;
/// How much of a refused value is repeated to its author, in characters.
const LONGEST_QUOTE: usize = 40;

/// The type of a question, one word in a definition: `type = "enps"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub enum Kind {
    /// Answered in numbers, and scored.
    Rating(Rating),
    /// Answered by taking from a list of options: `choice`, `choices`.
    Choice(Pick),
    /// Answered in a person's own words, which have no score: `text`.
    Text,
}

/// A question that is answered in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Rating {
    /// `enps`: how likely somebody is to recommend, from 0 to 10.
    Enps,
    /// `csat3` to `csat10`: how satisfied somebody is; the score is the share of satisfied answers.
    Csat(Points),
    /// `umux-lite`: two items of seven points, "meets my requirements" and "is easy to use".
    UmuxLite,
    /// `sus`: the ten items of the System Usability Scale, of five points each.
    Sus,
    /// `scale2` to `scale11`: anything from 1 to the number of points; the score is the mean.
    Scale(Points),
}

/// How many options somebody may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Pick {
    /// One of them.
    One,
    /// Any number of them.
    Several,
}

/// The number of points of a scale that begins at 1. Only this module makes one, so it is one that is asked on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Points(u8);

impl Points {
    /// How many they are.
    pub fn count(self) -> u8 {
        self.0
    }

    /// The answers that are satisfied (CSAT) or favourable (scale). CSAT: 3:{3} 4:{3,4} 5:{4,5} 6:{5,6} 7:{6,7}
    /// 10:{8,9,10}; the same rule continued for scales: the top box of up to three points, the top two of up to eight, the top
    /// three above. Top-two-box scoring of five and seven points is the usual one (Sauro and Lewis, Quantifying the User
    /// Experience, 2016).
    ///
    /// Invariant: this belongs to the version of a question. What changes it makes another question.
    pub fn top(self) -> RangeInclusive<u8> {
        let boxes = match self.0 {
            ..=3 => 1,
            4..=8 => 2,
            9.. => 3,
        };
        self.0 - boxes + 1..=self.0
    }
}

impl Kind {
    /// Every type there is, in the order in which they are explained.
    pub fn all() -> Vec<Self> {
        let csat = CSAT.map(|points| Rating::Csat(Points(points)));
        let scales = SCALE.map(|points| Rating::Scale(Points(points)));
        let ratings = [Rating::Enps].into_iter().chain(csat).chain([Rating::UmuxLite, Rating::Sus]).chain(scales);
        ratings.map(Self::Rating).chain([Self::Choice(Pick::One), Self::Choice(Pick::Several), Self::Text]).collect()
    }

    fn words() -> Vec<String> {
        Self::all().iter().map(Self::to_string).collect()
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rating(rating) => rating.fmt(f),
            Self::Choice(Pick::One) => f.write_str("choice"),
            Self::Choice(Pick::Several) => f.write_str("choices"),
            Self::Text => f.write_str("text"),
        }
    }
}

impl fmt::Display for Rating {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enps => f.write_str("enps"),
            Self::Csat(points) => write!(f, "csat{}", points.0),
            Self::UmuxLite => f.write_str("umux-lite"),
            Self::Sus => f.write_str("sus"),
            Self::Scale(points) => write!(f, "scale{}", points.0),
        }
    }
}

impl FromStr for Kind {
    type Err = UserError;

    fn from_str(word: &str) -> Result<Self, UserError> {
        let known = Self::all().into_iter().find(|kind| kind.to_string() == word);
        known.ok_or_else(|| {
            UserError::invalid(format!("There is no question type {}.", quote(word)))
                .hint(format!("there are {}", Self::words().join(", ")))
        })
    }
}

impl TryFrom<String> for Kind {
    /// As the reader of a file is told: what is wrong, and after `; ` what would be right.
    type Error = String;

    fn try_from(word: String) -> Result<Self, String> {
        word.parse().map_err(|_: UserError| {
            let words = Self::words();
            let hint = match nearest(&word, words.iter().map(String::as_str)) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => format!("there are {}", words.join(", ")),
            };
            format!("there is no type of question `{word}`; {hint}")
        })
    }
}

impl From<Kind> for String {
    fn from(kind: Kind) -> Self {
        kind.to_string()
    }
}

impl JsonSchema for Kind {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "QuestionType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": Self::words(), "description": "The type of a question."})
    }
}

impl Rating {
    /// How many numbers make one answer.
    pub fn items(self) -> usize {
        match self {
            Self::Enps | Self::Csat(_) | Self::Scale(_) => 1,
            Self::UmuxLite => 2,
            Self::Sus => 10,
        }
    }

    /// The numbers that each item takes.
    pub fn bounds(self) -> RangeInclusive<u8> {
        match self {
            Self::Enps => 0..=10,
            Self::Csat(points) | Self::Scale(points) => 1..=points.0,
            Self::UmuxLite => 1..=7,
            Self::Sus => 1..=5,
        }
    }

    /// Reads what one respondent said: items with commas between them, nothing where one was skipped. Items that are not
    /// there were skipped too. A comma at the end is one more item only where there is room for one.
    ///
    /// # Errors
    /// Whatever is no whole number within the bounds (11, -1, 6.5, 1e0), and more items than there are. An answer is
    /// never moved to the nearest one that would fit.
    pub fn parse(self, said: &str) -> Result<Vec<Option<u8>>, UserError> {
        let mut items: Vec<&str> = said.split(',').map(str::trim).collect();
        if items.len() == self.items() + 1 && items.last() == Some(&"") {
            items.pop();
        }
        if items.len() > self.items() {
            let message = format!("{} has {} items; {self} has {}.", quote(said.trim()), items.len(), self.items());
            return Err(UserError::invalid(message).hint(self.accepted()));
        }
        items.into_iter().map(|item| self.parse_item(item)).collect()
    }

    fn parse_item(self, item: &str) -> Result<Option<u8>, UserError> {
        if item.is_empty() {
            return Ok(None);
        }
        // A sign is none of it: `parse` alone would take +5.
        let number = item.bytes().all(|byte| byte.is_ascii_digit()).then(|| item.parse().ok()).flatten();
        match number.filter(|number| self.bounds().contains(number)) {
            Some(number) => Ok(Some(number)),
            None => {
                let message = format!("{} is no answer to {self}.", quote(item));
                Err(UserError::invalid(message).hint(self.accepted()))
            }
        }
    }

    /// What an answer looks like, in words.
    fn accepted(self) -> String {
        let (low, high) = self.bounds().into_inner();
        let number = match self.items() {
            1 => "one whole number".to_owned(),
            several => format!("{several} whole numbers, with commas between them,"),
        };
        format!("{self} takes {number} from {low} to {high}, and nothing where it was skipped")
    }
}

/// A value as it is repeated to its author: in quotation marks, on one line, and not all of it if it is long.
pub fn quote(value: &str) -> String {
    match value.char_indices().nth(LONGEST_QUOTE) {
        Some((end, _)) => format!("{:?}", format!("{}…", &value[..end])),
        None => format!("{value:?}"),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rating that a word names.
    pub fn rating(word: &str) -> Rating {
        match word.parse() {
            Ok(Kind::Rating(rating)) => rating,
            other => panic!("{word}: {other:?}"),
        }
    }

    /// Any rating there is.
    pub fn any_rating() -> impl Strategy<Value = Rating> {
        let rating = |kind| match kind {
            Kind::Rating(rating) => Some(rating),
            _ => None,
        };
        proptest::sample::select(Kind::all().into_iter().filter_map(rating).collect::<Vec<_>>())
    }

    /// A full answer to a rating, made of ten bytes.
    pub fn say(rating: Rating, seed: &[u8; 10]) -> String {
        let (low, high) = rating.bounds().into_inner();
        let item = |byte: &u8| (low + byte % (high - low + 1)).to_string();
        seed[..rating.items()].iter().map(item).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn every_type_is_one_word() {
        for kind in Kind::all() {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            let json = serde_json::to_string(&kind).expect("JSON");
            assert_eq!(json, format!("\"{kind}\""));
            assert_eq!(serde_json::from_str::<Kind>(&json).expect("a type"), kind);
        }
        assert_eq!(Kind::all().len(), 22);
    }

    #[test]
    fn an_unknown_type_is_told_what_there_is() {
        for word in ["", "csat", "csat8", "csat05", "scale1", "scale12", "ENPS", "nps"] {
            let said = word.parse::<Kind>().expect_err("refused").to_string();
            assert!(said.contains("enps, csat3,") && said.contains("csat10, umux-lite, sus, scale2,"), "{said}");
        }
        let file = "type = \"csat8\"";
        let said = toml::from_str::<std::collections::BTreeMap<String, Kind>>(file).expect_err("refused").to_string();
        assert!(said.contains("there is no type of question `csat8`; did you mean `csat"), "{said}");
    }

    #[test]
    fn the_satisfied_answers_are_those_of_the_table() {
        let top = |word: &str| match rating(word) {
            Rating::Csat(points) | Rating::Scale(points) => points.top().collect::<Vec<_>>(),
            other => panic!("{other} has no top"),
        };
        for (points, expected) in
            [(3, &[3][..]), (4, &[3, 4]), (5, &[4, 5]), (6, &[5, 6]), (7, &[6, 7]), (10, &[8, 9, 10])]
        {
            assert_eq!(top(&format!("csat{points}")), expected);
            assert_eq!(top(&format!("scale{points}")), expected);
        }
        assert_eq!((top("scale2"), top("scale8"), top("scale9")), (vec![2], vec![7, 8], vec![7, 8, 9]));
    }

    #[test]
    fn whole_numbers_within_the_bounds_are_answers_and_nothing_else_is() {
        let enps = rating("enps");
        for (said, answer) in [("0", 0), ("10", 10), (" 5\t", 5), ("07", 7), ("9,", 9), ("9 , ", 9), ("\u{a0}3", 3)] {
            assert_eq!(enps.parse(said), Ok(vec![Some(answer)]), "{said:?}");
        }
        for said in [
            "11",
            "-1",
            "6.5",
            "1e0",
            "+5",
            "5 5",
            "256",
            "99999999999999999999",
            "٣",
            "5;",
            "null",
            "\"5\"",
            "5,5",
            "5,,",
        ] {
            let refusal = enps.parse(said).expect_err(said);
            assert!(refusal.message.contains(&format!("{said:?}")), "{refusal}");
            let hint = "enps takes one whole number from 0 to 10, and nothing where it was skipped";
            assert_eq!(refusal.hint.as_deref(), Some(hint));
        }
        assert!(rating("csat5").parse("0").is_err() && rating("scale11").parse("11").is_ok());
        assert_eq!(enps.parse(""), Ok(vec![None]));
    }

    #[test]
    fn items_may_be_missing_but_not_too_many() {
        let umux = rating("umux-lite");
        assert_eq!(umux.parse("7, 1"), Ok(vec![Some(7), Some(1)]));
        assert_eq!(umux.parse(","), Ok(vec![None, None]));
        assert_eq!(umux.parse("7,"), Ok(vec![Some(7), None]));
        assert_eq!(umux.parse("7"), Ok(vec![Some(7)]));
        assert_eq!(umux.parse("7,1,"), Ok(vec![Some(7), Some(1)]));
        let refusal = umux.parse("7,1,,").expect_err("four items").to_string();
        let words = "\"7,1,,\" has 4 items; umux-lite has 2.\nhint: umux-lite takes 2 whole numbers, with commas between \
                     them, from 1 to 7, and nothing where it was skipped";
        assert_eq!(refusal, words);
        let long = rating("sus").parse(&"x".repeat(10_000)).expect_err("refused");
        assert!(long.message.len() < 100, "{long}");
    }

    proptest! {
        #[test]
        fn no_text_is_too_strange(rating in any_rating(), said in "(\\PC|[0-9,. \\r\\n\\t-])*") {
            for item in rating.parse(&said).into_iter().flatten().flatten() {
                prop_assert!(rating.bounds().contains(&item));
            }
        }

        #[test]
        fn what_is_within_the_bounds_is_read_as_it_is(rating in any_rating(), seed in any::<[u8; 10]>()) {
            let said = say(rating, &seed);
            let items = rating.parse(&said).expect("an answer");
            let shown: Vec<String> = items.into_iter().flatten().map(|item| item.to_string()).collect();
            prop_assert_eq!(shown.join(","), said);
        }
    }
}
