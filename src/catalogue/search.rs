//! Search: commands by what people mean, over names, summaries, titles, needs, help and addresses of documentation.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use super::Catalogue;
use super::capability::Maturity;
use super::command::Command;
use super::names::may;
use super::resolve::Asker;
use crate::spelling;

/// BM25 (Robertson and Zaragoza, 2009): how soon a repeated word counts no more, and how much a long text is held
/// against its words.
const K1: f64 = 1.2;
const B: f64 = 0.5;
/// The most words of a question that are looked for.
const WORDS: usize = 12;
/// The most commands that are found.
const MOST: usize = 50;
/// What a word counts that is only the beginning of one in the text, or the other way round.
const PART: f64 = 0.7;
/// What a word counts that is only similar to one in the text.
const SIMILAR: f64 = 0.5;

/// Words that every question and every need has, so that they tell nothing.
static COMMON: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    "a about an and any anything are as at be been being but by can could developer do does doing for \
    from get getting give had has have having help hi hello how i if in into is it its just know let like make me my \
    need needs of on or our out please should show so some somebody someone something that the their them then there \
    they thing things this to up us use want wants was way we were what when where which who why will with would you your"
        .split_whitespace()
        .collect()
});

/// A command that was found.
#[derive(Debug, Clone)]
pub struct Hit {
    /// The command.
    pub command: Arc<Command>,
    /// How well it fits; only good for comparing.
    pub score: f64,
}

/// The words of all commands, each with the places where it stands.
#[derive(Debug, Default)]
pub struct Index {
    commands: Vec<Arc<Command>>,
    /// For each stem: the commands that have it, by number, with the weight that it has there.
    stems: BTreeMap<String, Vec<(usize, f64)>>,
    /// The weight of all words of a command.
    lengths: Vec<f64>,
    /// The mean of `lengths`.
    usual: f64,
}

impl Catalogue {
    /// The commands that fit what somebody means, best first; none if nothing fits. Only what the asker may use.
    pub fn search(&self, words: &str, asker: &Asker) -> Vec<Hit> {
        let index = self.index.get_or_init(|| Index::new(self.commands.values()));
        let mut hits = index.find(words);
        hits.retain(|hit| may(&hit.command, asker));
        hits.truncate(MOST);
        hits
    }
}

impl Index {
    /// The index of these commands.
    pub fn new<'c>(commands: impl Iterator<Item = &'c Arc<Command>>) -> Self {
        let mut index = Self::default();
        for command in commands {
            let weights = weights(command);
            let number = index.commands.len();
            index.commands.push(command.clone());
            index.lengths.push(weights.values().sum());
            for (stem, weight) in weights {
                index.stems.entry(stem).or_default().push((number, weight));
            }
        }
        index.usual = index.lengths.iter().sum::<f64>() / index.lengths.len().max(1) as f64;
        index
    }

    /// The commands that have at least a third of the words asked for, best first.
    fn find(&self, words: &str) -> Vec<Hit> {
        let mut asked: Vec<String> = stems(words).collect();
        asked.sort();
        asked.dedup();
        asked.truncate(WORDS);
        let mut found: HashMap<usize, (f64, usize)> = HashMap::new();
        for stem in &asked {
            for (number, score) in self.score(stem) {
                let (sum, count) = found.entry(number).or_default();
                *sum += score;
                *count += 1;
            }
        }
        let enough = found.into_iter().filter(|(_, (_, count))| count * 3 >= asked.len());
        let mut hits: Vec<Hit> = enough.map(|(number, (score, _))| self.hit(number, score)).collect();
        hits.sort_by(|a, b| b.score.total_cmp(&a.score).then_with(|| a.command.file.name.cmp(&b.command.file.name)));
        hits
    }

    fn hit(&self, number: usize, score: f64) -> Hit {
        let command = self.commands[number].clone();
        // What is on its way out is found, but behind what replaces it.
        let is_leaving = matches!(command.capability.maturity, Maturity::Deprecated | Maturity::Retired);
        Hit { command, score: if is_leaving { score / 2.0 } else { score } }
    }

    /// What one word of the question is worth for each command that has it, or one like it.
    fn score(&self, asked: &str) -> HashMap<usize, f64> {
        let mut best: HashMap<usize, f64> = HashMap::new();
        for (stem, likeness) in self.alike(asked) {
            let places = &self.stems[stem];
            let (all, having) = (self.commands.len() as f64, places.len() as f64);
            let rarity = (1.0 + (all - having + 0.5) / (having + 0.5)).ln();
            for (number, weight) in places {
                let long = 1.0 - B + B * self.lengths[*number] / self.usual;
                let score = likeness * rarity * weight * (K1 + 1.0) / (weight + K1 * long);
                let entry = best.entry(*number).or_default();
                *entry = entry.max(score);
            }
        }
        best
    }

    /// The stems that are meant by one of a question: itself, longer and shorter ones, or else the most similar.
    fn alike(&self, asked: &str) -> Vec<(&str, f64)> {
        let exact = self.stems.get_key_value(asked).map(|(stem, _)| (stem.as_str(), 1.0));
        let mut found: Vec<(&str, f64)> = exact.into_iter().collect();
        if asked.len() >= 2 {
            let from = self.stems.range::<str, _>((std::ops::Bound::Excluded(asked), std::ops::Bound::Unbounded));
            let longer = from.map(|(stem, _)| stem.as_str()).take_while(|stem| stem.starts_with(asked));
            found.extend(longer.map(|stem| (stem, PART)));
        }
        let shorter = asked.char_indices().map(|(at, _)| &asked[..at]).filter(|part| part.chars().count() >= 4);
        found.extend(shorter.filter_map(|part| self.stems.get_key_value(part)).map(|(stem, _)| (stem.as_str(), PART)));
        if found.is_empty() {
            found.extend(self.similar(asked).map(|stem| (stem, SIMILAR)));
        }
        found
    }

    /// The stem that a word is most likely a misspelling of: one letter is wrong, or two of a long word.
    fn similar(&self, asked: &str) -> Option<&str> {
        let letters = asked.chars().count();
        let near = spelling::nearest(asked, self.stems.keys().map(String::as_str)).filter(|_| letters >= 4)?;
        (strsim::damerau_levenshtein(asked, near) <= if letters < 8 { 1 } else { 2 }).then_some(near)
    }
}

/// The stems of a command's texts, each with the weight of the places where it stands.
fn weights(command: &Command) -> HashMap<String, f64> {
    let (file, capability) = (&command.file, &command.capability);
    let mut texts = vec![
        (file.name.as_str(), 4.0),
        (file.summary.as_str(), 3.0),
        (capability.title.as_str(), 2.0),
        (capability.name.as_str(), 2.0),
        (capability.need.as_str(), 1.0),
        (path(capability.docs.as_deref().unwrap_or_default()), 0.5),
    ];
    for parameter in &file.param {
        texts.extend([(parameter.name.as_str(), 0.5), (parameter.help.as_str(), 0.5)]);
    }
    let mut weights = HashMap::new();
    for (text, weight) in texts {
        for stem in stems(text) {
            *weights.entry(stem).or_default() += weight;
        }
    }
    weights
}

/// An address without scheme and host, which all of them have in common.
fn path(address: &str) -> &str {
    address.splitn(4, '/').nth(3).unwrap_or_default()
}

/// The stems of a text's words, less those that tell nothing.
fn stems(text: &str) -> impl Iterator<Item = String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let words = words.map(|word| word.chars().take(40).collect::<String>().to_lowercase());
    words.filter(|word| !COMMON.contains(word.as_str())).map(|word| stem(&word))
}

/// A word without its English endings, so that `created`, `creating` and `creates` are `creat`. Light on purpose: it
/// only has to be the same on both sides.
fn stem(word: &str) -> String {
    let mut word = singular(word);
    for ending in ["ing", "ed", "ion", "ment"] {
        if let Some(rest) = word.strip_suffix(ending).filter(|rest| rest.len() >= 3 && has_vowel(rest)) {
            word = undouble(rest).to_owned();
            break;
        }
    }
    match word.strip_suffix('e') {
        Some(rest) if rest.len() >= 3 => rest.to_owned(),
        _ => word,
    }
}

/// Harman's S-stemmer (1991), with the endings that English puts behind a hiss.
fn singular(word: &str) -> String {
    if let Some(rest) = word.strip_suffix("ies").filter(|rest| rest.len() >= 2) {
        return format!("{rest}y");
    }
    let hiss = ["ses", "xes", "zes", "ches", "shes"].iter().any(|ending| word.ends_with(ending));
    let plain = ["ss", "us", "is"].iter().any(|ending| word.ends_with(ending));
    match word.strip_suffix('s') {
        Some(rest) if hiss && rest.len() > 4 => rest.strip_suffix('e').unwrap_or(rest).to_owned(),
        Some(rest) if !plain && rest.len() >= 2 => rest.to_owned(),
        _ => word.to_owned(),
    }
}

/// `dropp` is `drop`; a double l, s or z may belong to the word.
fn undouble(word: &str) -> &str {
    let mut letters = word.chars().rev();
    let is_double = letters.next().is_some_and(|last| !matches!(last, 'l' | 's' | 'z') && letters.next() == Some(last));
    if is_double { &word[..word.len() - 1] } else { word }
}

fn has_vowel(word: &str) -> bool {
    word.contains(['a', 'e', 'i', 'o', 'u', 'y'])
}
