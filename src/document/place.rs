//! Places in a document, as its author knows them, and the place where a key belongs that stands elsewhere.

use std::ops::Range;

use super::tree::{Entry, Kind, Step};
use super::{Document, Problem};

/// A key that was taken out of its table, which cannot have it.
pub(super) struct Lost {
    pub entry: Entry,
    /// The way to the table.
    pub path: Vec<Step>,
}

impl Document {
    /// Looks among all tables that were read for those that can have a lost key, and says so in its problem. What lacks
    /// it now is doubtful.
    pub(super) fn find_home(
        &mut self,
        lost: &Lost,
        seen: &[(Range<usize>, &'static [&'static str])],
        problems: &mut [Problem],
    ) {
        let key = lost.entry.key.as_str();
        let can_have_it = seen.iter().filter(|(_, fields)| fields.contains(&key));
        let homes: Vec<Vec<Step>> = can_have_it.filter_map(|(span, _)| self.root.path_to(span)).collect();
        let shared = |home: &[Step]| home.iter().zip(&lost.path).take_while(|(a, b)| a == b).count();
        // Of equally near ones the first is shown: the last of the reversed ones.
        let Some(nearest) = homes.iter().rev().max_by_key(|home| shared(home)) else { return };
        let hint = match lost.entry.node.kind {
            Kind::Table(_) => format!("did you mean [{}.{key}]?", header_of(nearest)),
            Kind::List(_) => format!("did you mean [[{}.{key}]]?", header_of(nearest)),
            _ => format!("it belongs to {}", self.table_name(nearest)),
        };
        if let Some(problem) = problems.iter_mut().find(|problem| problem.span == lost.entry.key_span) {
            problem.hint = Some(hint.into());
        }
        self.doubts.extend(homes.iter().map(|home| format!("{}.{key}", text_of(home))));
    }

    /// A table as its author knows it: `[[command.step]]`, `[command.allow]`, or the key of an inline table.
    pub(super) fn table_name(&mut self, path: &[Step]) -> String {
        let span = self.root.deepest(path).0.span.clone();
        match path {
            [] => "this file".into(),
            [.., Step::Index(_)] if self.source[span.clone()].starts_with('[') => format!("`[[{}]]`", header_of(path)),
            _ if self.source[span].starts_with('[') => format!("`[{}]`", header_of(path)),
            _ => name_of(path),
        }
    }
}

/// The key that a value is known by.
pub(super) fn name_of(path: &[Step]) -> String {
    path.iter()
        .rev()
        .find_map(|step| if let Step::Key(key) = step { Some(format!("`{key}`")) } else { None })
        .unwrap_or_else(|| "this file".into())
}

/// The keys of a path, without positions: `command.step`.
pub(super) fn header_of(path: &[Step]) -> String {
    let keys = path.iter().filter_map(|step| if let Step::Key(key) = step { Some(key.as_str()) } else { None });
    keys.collect::<Vec<_>>().join(".")
}

/// A path as it is written elsewhere: `command[0].step`.
pub(super) fn text_of(path: &[Step]) -> String {
    let mut text = String::new();
    for step in path {
        match step {
            Step::Key(key) if text.is_empty() => text.push_str(key),
            Step::Key(key) => text.extend([".", key]),
            Step::Index(index) => text.push_str(&format!("[{index}]")),
        }
    }
    text
}
