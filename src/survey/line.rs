//! The statistics on the command line: answers from files, scores as JSON.

use std::io::Read;
use std::path::Path;

use serde::Serialize;

use crate::error::{Reason, Result, UserError};
use crate::survey::choice::{Choices, Taken};
use crate::survey::compare::Comparison;
use crate::survey::interval::Cohort;
use crate::survey::question::{Kind, Rating};
use crate::survey::score::{Method, Score};
use crate::survey::tally::Tally;

/// Where answers come from on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source<'a> {
    /// Standard input.
    Input,
    /// A file.
    File(&'a Path),
}

impl<'a> From<&'a Path> for Source<'a> {
    /// `-` is standard input, as everywhere.
    fn from(path: &'a Path) -> Self {
        if path == Path::new("-") { Self::Input } else { Self::File(path) }
    }
}

/// The score of a choice, under the names that every type has.
#[derive(Serialize)]
struct Chosen {
    n: u64,
    /// There is none, and so no interval around it.
    score: Option<f64>,
    low: Option<f64>,
    high: Option<f64>,
    method: Method,
    skipped: u64,
    options: Vec<Taken>,
}

/// A comparison, with what was compared.
#[derive(Serialize)]
struct Compared {
    #[serde(flatten)]
    comparison: Comparison,
    /// Never: the same persons may be in both, and nobody can know.
    paired: bool,
    before: Score,
    after: Score,
}

/// Scores the answers of standard input, a respondent on each line, as JSON. `options` are those of a choice, if they are known;
/// `population` is given where those asked are a random cohort of so many.
///
/// # Errors
/// A [`UserError`] with the line of what is no answer, and where more have answered than there are.
pub fn score(kind: Kind, options: &[String], population: Option<u64>) -> Result<String> {
    let cohort = population.map(|population| Cohort { population });
    let text = read(Source::Input)?;
    match kind {
        Kind::Rating(_) if !options.is_empty() => {
            Err(UserError::invalid(format!("{kind} has no options.")).hint("leave --options out").into())
        }
        Kind::Rating(rating) => {
            let tally = tally(rating, &text, "")?;
            check(tally.n(), cohort)?;
            Ok(serde_json::to_string(&Score::of(&tally, cohort))?)
        }
        Kind::Choice(pick) => Ok(serde_json::to_string(&choice(Choices::new(pick, options), &text, cohort)?)?),
        Kind::Text => Err(wordless(kind).into()),
    }
}

/// Compares two files of answers to the same question, as JSON.
///
/// # Errors
/// A [`UserError`] with the file and the line of what is no answer.
pub fn compare(kind: Kind, before: Source<'_>, after: Source<'_>) -> Result<String> {
    let Kind::Rating(rating) = kind else { return Err(wordless(kind).into()) };
    if before == Source::Input && after == Source::Input {
        return Err(UserError::invalid("Standard input can be read only once.")
            .hint("name a file for one wave")
            .into());
    }
    let before = tally(rating, &read(before)?, &name(before))?;
    let after = tally(rating, &read(after)?, &name(after))?;
    let comparison = Comparison::of(&before, &after);
    let (before, after) = (Score::of(&before, None), Score::of(&after, None));
    Ok(serde_json::to_string(&Compared { comparison, paired: false, before, after })?)
}

fn wordless(kind: Kind) -> UserError {
    let message = match kind {
        Kind::Choice(_) => format!("{kind} has no single score that could be compared."),
        _ => format!("{kind} has no score."),
    };
    UserError::invalid(message).hint("take a type that is answered in numbers, such as enps, csat5 or scale5")
}

fn tally(rating: Rating, text: &str, place: &str) -> Result<Tally, UserError> {
    let mut tally = Tally::new(rating);
    each_line(text, place, |line| tally.add(line))?;
    Ok(tally)
}

fn choice(mut choices: Choices, text: &str, cohort: Option<Cohort>) -> Result<Chosen, UserError> {
    each_line(text, "", |line| choices.add(line))?;
    check(choices.n(), cohort)?;
    let (n, skipped, options) = (choices.n(), choices.skipped(), choices.shares(cohort));
    Ok(Chosen { n, score: None, low: None, high: None, method: Method::Wilson, skipped, options })
}

/// Takes every line of a text; what is refused is said with its line.
fn each_line(text: &str, place: &str, mut take: impl FnMut(&str) -> Result<(), UserError>) -> Result<(), UserError> {
    for (line, number) in text.lines().zip(1_u64..) {
        take(line).map_err(|refusal| UserError {
            message: format!("{place}line {number}: {}", refusal.message),
            ..refusal
        })?;
    }
    Ok(())
}

fn check(n: u64, cohort: Option<Cohort>) -> Result<(), UserError> {
    match cohort {
        Some(Cohort { population }) if population < n => {
            let message = format!("{n} have answered, but the population has {population}.");
            Err(UserError::invalid(message).hint("--population is how many there are in all, asked or not"))
        }
        _ => Ok(()),
    }
}

/// The words before a line's number.
fn name(source: Source<'_>) -> String {
    match source {
        Source::Input => "standard input, ".to_owned(),
        Source::File(path) => format!("{}, ", path.display()),
    }
}

fn read(source: Source<'_>) -> Result<String, UserError> {
    let mut bytes = Vec::new();
    let read = match source {
        Source::Input => std::io::stdin().lock().read_to_end(&mut bytes).map(drop),
        Source::File(path) => std::fs::read(path).map(|found| bytes = found),
    };
    read.map_err(|error| {
        let message = format!("{}it cannot be read: {error}.", name(source));
        UserError::new(Reason::NotFound, message)
    })?;
    decode(&bytes).ok_or_else(|| {
        let message = format!("{}this is not text.", name(source));
        UserError::invalid(message).hint("save it as plain text in UTF-8")
    })
}

/// The text of a file: UTF-8, with or without the mark that Windows puts before it, or UTF-16 with its mark, as PowerShell
/// writes it.
fn decode(bytes: &[u8]) -> Option<String> {
    let wide = |pair: fn([u8; 2]) -> u16, bytes: &[u8]| {
        let (units, rest) = bytes.as_chunks::<2>();
        let text = String::from_utf16(&units.iter().copied().map(pair).collect::<Vec<_>>()).ok();
        text.filter(|_| rest.is_empty())
    };
    match bytes {
        [0xff, 0xfe, rest @ ..] => wide(u16::from_le_bytes, rest),
        [0xfe, 0xff, rest @ ..] => wide(u16::from_be_bytes, rest),
        [0xef, 0xbb, 0xbf, rest @ ..] | rest => String::from_utf8(rest.to_vec()).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_however_it_was_saved() {
        assert_eq!(decode(b"5\r\n4").as_deref(), Some("5\r\n4"));
        assert_eq!(decode(b"\xef\xbb\xbf5").as_deref(), Some("5"));
        assert_eq!(decode(b"\xff\xfe5\0\n\0").as_deref(), Some("5\n"));
        assert_eq!(decode(b"\xfe\xff\x005").as_deref(), Some("5"));
        assert_eq!(decode(b"").as_deref(), Some(""));
        for bytes in [&b"\xff"[..], b"\xff\xfe5", b"5\xe9"] {
            assert_eq!(decode(bytes), None);
        }
    }

    #[test]
    fn one_dash_is_standard_input() {
        assert_eq!(Source::from(Path::new("-")), Source::Input);
        assert_eq!(Source::from(Path::new("./-")), Source::File(Path::new("./-")));
    }
}
