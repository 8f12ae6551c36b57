//! Putting a mistake into words and the tree right, so that reading can go on and find the next one.

use std::sync::Arc;

use super::mistake::{Mistake, Wanted, What};
use super::place::{Lost, header_of, name_of, text_of};
use super::tree::{Entry, Kind, Node, STAND_INS, Step};
use super::{Document, Problem};
use crate::spelling::nearest;

/// Nothing more can be read of the document.
pub(super) struct Hopeless;

impl Document {
    /// The mistake in words, or nothing if it only follows from an earlier one. Each call changes the tree, and never
    /// back, so that corrections come to an end.
    pub(super) fn correct(&mut self, mistake: Mistake, lost: &mut Vec<Lost>) -> Result<Option<Problem>, Hopeless> {
        let path = mistake.path();
        let (node, rest) = self.root.deepest(&path);
        match &mut node.kind {
            Kind::StandIn(text) if *text + 1 < STAND_INS.len() => {
                *text += 1;
                return Ok(None);
            }
            // No stand-in reads: the key is left out, and if it is required, the table around it next.
            Kind::StandIn(_) => return self.give_up(&path[..path.len() - rest.len()]),
            _ => {}
        }
        match mistake.what {
            What::UnknownKey { key, known } => Ok(self.unknown_key(&path, (&key, known), lost)),
            What::Missing(key) => self.missing(&path, key),
            What::UnknownWord { word, known } => {
                let message = format!("{} cannot be `{word}`", name_of(&path));
                let problem = self.problem_at(&path, message).hint(guess_or_list(&word, known, "it is"));
                match nearest(&word, known.iter().copied()) {
                    Some(meant) => self.replace(&path, Kind::Text(meant.to_owned())),
                    None => self.doubt(&path),
                }
                Ok(Some(problem))
            }
            What::Kind(wanted) => Ok(Some(self.wrong_kind(&path, &wanted))),
            What::Refused(reason) => {
                let (message, hint) = split_hint(&reason);
                let problem = self.problem_at(&path, message).hint_if(hint);
                self.doubt(&path);
                Ok(Some(problem))
            }
        }
    }

    fn unknown_key(
        &mut self,
        path: &[Step],
        (key, known): (&str, &'static [&'static str]),
        lost: &mut Vec<Lost>,
    ) -> Option<Problem> {
        let table = self.table_name(path);
        let (node, _) = self.root.deepest(path);
        let Kind::Table(entries) = &mut node.kind else { return None };
        let free: Vec<&str> = known.iter().copied().filter(|name| entries.iter().all(|e| e.key != *name)).collect();
        let at = entries.iter().position(|entry| entry.key == key)?;
        let span = entries[at].key_span.clone();
        match nearest(key, free.iter().copied()) {
            Some(meant) => entries[at].key = meant.to_owned(),
            None => lost.push(Lost { entry: entries.remove(at), path: path.to_vec() }),
        }
        let hint = (!free.is_empty()).then(|| guess_or_list(key, &free, "it takes"));
        let message = format!("there is no key `{key}` in {table}");
        Some(Problem::at(&self.file, &self.source, span, message).hint_if(hint))
    }

    fn missing(&mut self, path: &[Step], key: &'static str) -> Result<Option<Problem>, Hopeless> {
        let table = self.table_name(path);
        let (node, _) = self.root.deepest(path);
        let span = node.span.clone();
        let Kind::Table(entries) = &mut node.kind else { return self.give_up(path) };
        if entries.iter().any(|entry| entry.key == key) {
            // It is there, but gone.
            return self.give_up_table(path);
        }
        let stand_in = Node { span: span.clone(), kind: Kind::StandIn(0) };
        entries.push(Entry { key: key.to_owned(), key_span: span.clone(), node: stand_in });
        let mut whole = path.to_vec();
        whole.push(Step::Key(key.to_owned()));
        self.doubts.push(text_of(&whole));
        let problem = Problem::at(&self.file, &self.source, span, format!("{table} lacks the key `{key}`"));
        Ok(Some(problem))
    }

    fn wrong_kind(&mut self, path: &[Step], wanted: &Wanted) -> Problem {
        let (node, _) = self.root.deepest(path);
        let meant = meant(wanted, node, &self.source, path);
        let subject = match path.last() {
            Some(Step::Index(_)) => format!("each entry of {} takes", name_of(path)),
            _ => format!("{} takes", name_of(path)),
        };
        let problem = self.problem_at(path, format!("{subject} {}", words(wanted)));
        match meant {
            Some((Kind::StandIn(_), hint)) => {
                self.doubt(path);
                problem.hint(hint)
            }
            Some((kind, hint)) => {
                self.replace(path, kind);
                problem.hint(hint)
            }
            None => {
                self.doubt(path);
                problem
            }
        }
    }

    /// Leaves out the value at `path`.
    fn give_up(&mut self, path: &[Step]) -> Result<Option<Problem>, Hopeless> {
        if path.is_empty() {
            return Err(Hopeless);
        }
        self.replace(path, Kind::Gone);
        Ok(None)
    }

    /// Replaces a table that lacks something for which there is no stand-in.
    fn give_up_table(&mut self, path: &[Step]) -> Result<Option<Problem>, Hopeless> {
        if path.is_empty() {
            return Err(Hopeless);
        }
        self.doubt(path);
        Ok(None)
    }

    fn doubt(&mut self, path: &[Step]) {
        self.replace(path, Kind::StandIn(0));
        self.doubts.push(text_of(path));
    }

    fn replace(&mut self, path: &[Step], kind: Kind) {
        self.root.deepest(path).0.kind = kind;
    }

    fn problem_at(&mut self, path: &[Step], message: String) -> Problem {
        let span = self.root.deepest(path).0.span.clone();
        Problem::at(&self.file, &self.source, span, message)
    }
}

/// A kind of value in plain words.
fn words(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Text => "text in quotes".into(),
        Wanted::Whole(range) => format!("a whole number{range}"),
        Wanted::Number => "a number".into(),
        Wanted::Truth => "true or false".into(),
        Wanted::List => "a list".into(),
        Wanted::Table => "a table".into(),
        Wanted::OneOf(known) => format!("one word of {}", known.join(", ")),
        Wanted::Other(words) => words.clone(),
    }
}

/// What the author most likely meant by a value of the wrong kind, and the hint that says so.
fn meant(wanted: &Wanted, node: &Node, source: &Arc<str>, path: &[Step]) -> Option<(Kind, String)> {
    let written = &source[node.span.clone()];
    match wanted {
        Wanted::List => meant_list(node, written, path),
        Wanted::Table => meant_table(node, path),
        _ => meant_scalar(wanted, node, written),
    }
}

fn meant_scalar(wanted: &Wanted, node: &Node, written: &str) -> Option<(Kind, String)> {
    Some(match (wanted, &node.kind) {
        (Wanted::Text, Kind::Integer(_) | Kind::Float(_) | Kind::Truth(_)) => {
            (Kind::Text(written.to_owned()), format!("put it in quotes: \"{written}\""))
        }
        (Wanted::Whole(_), Kind::Text(text)) => {
            (Kind::Integer(text.trim().parse().ok()?), format!("leave out the quotes: {}", text.trim()))
        }
        (Wanted::Number, Kind::Text(text)) => {
            (Kind::Float(text.trim().parse().ok()?), format!("leave out the quotes: {}", text.trim()))
        }
        (Wanted::Truth, Kind::Text(text)) => {
            let truth = match text.trim().to_lowercase().as_str() {
                "true" | "yes" | "on" => true,
                "false" | "no" | "off" => false,
                _ => return None,
            };
            (Kind::Truth(truth), format!("write {truth}, without quotes"))
        }
        _ => return None,
    })
}

fn meant_list(node: &Node, written: &str, path: &[Step]) -> Option<(Kind, String)> {
    Some(match &node.kind {
        Kind::Table(_) => {
            (Kind::List(vec![node.clone()]), format!("write it with two brackets: [[{}]]", header_of(path)))
        }
        Kind::Text(text) if text.contains(',') => {
            let words: Vec<&str> = text.split(',').map(str::trim).filter(|word| !word.is_empty()).collect();
            let item = |word: &&str| Node { span: node.span.clone(), kind: Kind::Text((*word).to_owned()) };
            let items = words.iter().map(item).collect();
            (Kind::List(items), format!("write it as a list: [\"{}\"]", words.join("\", \"")))
        }
        Kind::Text(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Truth(_) => {
            (Kind::List(vec![node.clone()]), format!("put it in brackets: [{written}]"))
        }
        _ => return None,
    })
}

fn meant_table(node: &Node, path: &[Step]) -> Option<(Kind, String)> {
    Some(match &node.kind {
        Kind::List(items) => match items.as_slice() {
            [Node { kind: kind @ Kind::Table(_), .. }] => {
                (kind.clone(), format!("write it with one bracket: [{}]", header_of(path)))
            }
            _ => return None,
        },
        Kind::Text(_) | Kind::Integer(_) | Kind::Float(_) | Kind::Truth(_) => {
            (Kind::StandIn(0), format!("write [{}] with its keys below, or {{ key = value }}", header_of(path)))
        }
        _ => return None,
    })
}

/// "did you mean", or everything that would be right.
fn guess_or_list(word: &str, known: &[&str], lead: &str) -> String {
    match (nearest(word, known.iter().copied()), known) {
        (Some(meant), _) => format!("did you mean `{meant}`?"),
        (None, []) => format!("{lead} nothing"),
        (None, [only]) => format!("{lead} `{only}`"),
        (None, [first @ .., last]) => format!("{lead} `{}` or `{last}`", first.join("`, `")),
    }
}

/// Splits a reason such as "`5 mins` is not a duration; write for example 30s".
fn split_hint(reason: &str) -> (String, Option<String>) {
    match reason.split_once("; ") {
        Some((message, hint)) => (message.to_owned(), Some(hint.to_owned())),
        None => (reason.to_owned(), None),
    }
}
