//! Reading the text as TOML, with each mistake of syntax by itself.
//!
//! A list or a text that is not closed swallows everything after it, and the parser then complains of all that. So each
//! section (a header and what follows up to the next one) is tried alone, and what is broken in it is blanked out.

use std::ops::Range;
use std::sync::Arc;

use toml::de::{DeTable, Error};

use super::{Kind, MOST, Node, Problem};

/// How many following sections are added to one that seems unclosed, to see whether their headers only look like ones:
/// a line `[x]` in a text of several lines.
const FARTHEST: usize = 20;

/// A place that is no TOML.
struct Fault {
    span: Range<usize>,
    message: String,
}

/// The tree of what can be read, and what cannot.
pub(super) fn parse(file: &str, source: &Arc<str>) -> (Node, Vec<Problem>) {
    let (mut root, faults) = read(source, 0);
    if faults.is_empty() {
        return (root, Vec::new());
    }
    let mut legible = source.as_bytes().to_vec();
    let mut found = Vec::new();
    let mut headless = false;
    for (section, faults) in broken_sections(source) {
        let header = line_at(source, section.start);
        headless |= source[header.clone()].trim_start().starts_with('[')
            && faults.iter().any(|f| header.contains(&f.span.start));
        for fault in &faults {
            let lost = if is_swallowing(fault) { header.end..section.end } else { line_at(source, fault.span.start) };
            legible[lost].iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
        }
        found.extend(faults);
    }
    let legible = String::from_utf8(legible).unwrap_or_default();
    let (readable, rest) = read(&legible, 0);
    found.extend(rest);
    // Without its header, a section would be taken for a part of the one before it.
    root.kind = if headless { Kind::Table(Vec::new()) } else { readable.kind };
    (root, found.iter().take(MOST).map(|fault| problem(file, source, fault)).collect())
}

/// The tree and the faults of a part of the source, which begins at `start`.
fn read(part: &str, start: usize) -> (Node, Vec<Fault>) {
    let (table, errors) = DeTable::parse_recoverable(part);
    let root = Node::of_table(table.span(), table.get_ref());
    let fault = |error: &Error| {
        let mut span = error.span().unwrap_or(0..0);
        if span.is_empty() {
            // What is missing is missing after the last thing that is there, not at the beginning of the next line.
            let end = part[..span.start].trim_end().len();
            span = end..end;
        }
        Fault { span: start + span.start..start + span.end, message: error.message().to_owned() }
    };
    (root, errors.iter().map(fault).collect())
}

/// The sections that do not read, each with its own faults: one for each line, and none after one that swallows the rest.
fn broken_sections(source: &str) -> Vec<(Range<usize>, Vec<Fault>)> {
    let starts = section_starts(source);
    let end_of = |section: usize| starts.get(section + 1).copied().unwrap_or(source.len());
    let mut broken = Vec::new();
    let mut section = 0;
    while section < starts.len() {
        let start = starts[section];
        let faults_to = |end: usize| read(&source[start..end_of(end)], start).1;
        let mut end = section;
        let mut faults = faults_to(end);
        if faults.iter().any(is_swallowing) {
            let last = (section + FARTHEST).min(starts.len() - 1);
            let longer = (section + 1..=last).map(|end| (end, faults_to(end)));
            if let Some(closed) = longer.into_iter().find(|(_, faults)| !faults.iter().any(is_swallowing)) {
                (end, faults) = closed;
            }
        }
        if !faults.is_empty() {
            faults.sort_by_key(|fault| fault.span.start);
            faults.dedup_by_key(|fault| line_at(source, fault.span.start).start);
            let first = faults.iter().position(is_swallowing).map_or(faults.len(), |at| at + 1);
            faults.truncate(first);
            broken.push((start..end_of(end), faults));
        }
        section = end + 1;
    }
    broken
}

/// Where the sections begin: at the start of the source, and at each line that looks like a header.
fn section_starts(source: &str) -> Vec<usize> {
    let mut starts = vec![0];
    let mut at = 0;
    for line in source.split_inclusive('\n') {
        let name = line.trim_start().strip_prefix('[').map(|rest| rest.strip_prefix('[').unwrap_or(rest));
        if at > 0 && name.is_some_and(|name| name.trim_start().starts_with(char::is_alphabetic)) {
            starts.push(at);
        }
        at += line.len();
    }
    starts
}

/// The line that holds the byte `at`, with its end.
fn line_at(source: &str, at: usize) -> Range<usize> {
    let start = source[..at].rfind('\n').map_or(0, |newline| newline + 1);
    let end = source[at..].find('\n').map_or(source.len(), |newline| at + newline + 1);
    start..end
}

/// Whether what follows was read as a part of something that is not closed.
fn is_swallowing(fault: &Fault) -> bool {
    let message = &fault.message;
    ["in array", "array elements", "unclosed array,", "inline table", "multi-line", "key-value pairs"]
        .iter()
        .any(|part| message.contains(part))
}

/// What the parser says, by how it begins; what is said instead; and a hint.
const WORDS: [(&str, &str, &str); 14] = [
    ("string values must be quoted", "text must stand in quotes", "write it as \"text\""),
    (
        "missing escaped value",
        "`\\` cannot stand before this letter",
        "in single quotes it is an ordinary letter: '^\\d+$'",
    ),
    ("key with no value", "a key needs a value", "write key = value"),
    ("extra `=`", "one `=` is enough", "write key = value"),
    ("unclosed table", "this header is not closed", "end it with ]"),
    ("unclosed array table", "this header is not closed", "end it with ]]"),
    ("invalid basic string, expected `\"`", "this text is not closed", "end it with \""),
    ("invalid literal string, expected `'`", "this text is not closed", "end it with '"),
    ("invalid multi-line", "this text of several lines is not closed", "end it with three quotes, as it begins"),
    ("invalid boolean", "this is no value", "write true or false in small letters, and text in quotes"),
    ("unclosed array", "this list is not closed", "end it with ]"),
    ("missing comma between array elements", "this list is not closed, or a comma is missing", "end it with ]"),
    ("unclosed inline table", "this table is not closed", "end it with }"),
    ("recursion limit", "this is nested too deeply", "a capability needs a few levels only"),
];

/// A fault in plain words.
fn problem(file: &str, source: &Arc<str>, fault: &Fault) -> Problem {
    let text = &source[fault.span.clone()];
    let problem = |message: &str| Problem::at(file, source, fault.span.clone(), message);
    let said = fault.message.as_str();
    if said == "duplicate key" {
        return problem(&format!("`{text}` is there twice")).hint("keep one of them");
    }
    if text.is_empty() && said.starts_with("string values must be quoted") {
        return problem("there is no value after `=`");
    }
    if let Some((_, message, hint)) = WORDS.iter().find(|(beginning, ..)| said.starts_with(beginning)) {
        return problem(message).hint(*hint);
    }
    match said.split_once(", expected ") {
        Some((message, "nothing")) => problem(message),
        Some((message, expected)) => problem(message).hint(format!("expected here: {expected}")),
        None => problem(said),
    }
}
