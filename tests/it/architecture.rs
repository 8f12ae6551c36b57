//! Holds the house to its plan: floors, foreign names, size budgets and forbidden words.
//!
//! It reads the sources as text. That is enough because `cargo fmt --check` has made their shape certain.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use regex::Regex;

/// The rooms of each floor, lowest first. A room imports only from floors below its own.
const FLOORS: [&[&str]; 9] = [
    &["clock", "error", "markdown", "mask", "spelling"],
    &["calendar", "document", "expression", "job", "picture"],
    &["config", "log", "message", "store"],
    &["catalogue", "chat", "pager", "people", "runner"],
    &["app"],
    &["away", "escalation", "help", "link", "oncall", "request", "survey"],
    &["desk"],
    &["doctor", "sample", "serve", "web"],
    &["main"],
];

/// What rooms may import of their own floor: the importer, and the path it may name.
const NEIGHBOURS: [(&str, &str); 9] = [
    ("catalogue", "chat"),
    ("catalogue", "people"),
    ("catalogue", "runner"),
    ("log", "config"),
    ("pager", "runner"),
    ("people", "catalogue::command"),
    ("people", "chat"),
    ("doctor", "serve"),
    ("serve", "web"),
];

/// Foreign crates that are named in few places only, and those places.
const FOREIGN: [(&str, &[&str]); 10] = [
    ("axum", &["src/web", "src/chat/web"]),
    ("cel", &["src/expression.rs"]),
    ("clap", &["src/main.rs"]),
    ("handlebars", &["src/message"]),
    ("reqwest", &["src/runner"]),
    ("resvg", &["src/picture"]),
    ("serenity", &["src/chat/discord"]),
    ("slack_morphism", &["src/chat/slack"]),
    ("sqlx", &["src/store"]),
    ("statrs", &["src/survey"]),
];

/// Lines of a file before its tests.
const LONGEST_FILE: usize = 500;
/// Lines of a function, from its signature to its closing brace.
const LONGEST_FUNCTION: usize = 60;

/// Parameters of a function besides `self`.
const MOST_PARAMETERS: usize = 4;

/// What stands in no source: the pattern, whether tests may, and what to do instead.
const FORBIDDEN: [(&str, bool, &str); 5] = [
    (r"\.unwrap\(\)", true, "return the error, or state the invariant with expect"),
    (r"\b(todo|unimplemented|dbg)!", false, "finish it"),
    (r"#!?\[allow\(", false, "a broken budget is a design question"),
    (r"#\[ignore", false, "a test that does not run proves nothing"),
    (r"\bunsafe\b", false, "there is a safe way"),
];

/// Words that say nothing about what a module is.
const EMPTY_NAMES: [&str; 7] = ["common", "helper", "helpers", "manager", "service", "util", "utils"];

/// A comment or a literal; \x22 is the quotation mark, so that this pattern is blanked like any other literal.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?s)//[^\n]*|/\*.*?\*/|r(?:##\x22.*?\x22##|#\x22.*?\x22#)|\br\x22.*?\x22",
        r"|b?\x22(?:\\.|[^\x22\\])*\x22|b?'(?:\\.[^']*|[^'\\])'"
    ))
});
static CRATE_PATH: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(?:crate|stationmaster)::((?:\w+::)*)(\{[^;]*\}|\w+)"));
static SIGNATURE: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?m)^([ ]*)(?:pub(?:\([a-z]+\))? )?(?:async |const )*fn (\w+)"));
static UNFINISHED: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b(FIX[M]E|XX[X]|TO[D]O)\b"));
static FORBIDDEN_PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| FORBIDDEN.iter().map(|(source, ..)| pattern(source)).collect());
static FOREIGN_PATTERNS: LazyLock<Vec<Regex>> =
    LazyLock::new(|| FOREIGN.iter().map(|(name, _)| pattern(&format!(r"(^|[^\w:]){name}::|\buse {name}\b"))).collect());

fn pattern(source: &str) -> Regex {
    Regex::new(source).expect("a pattern")
}

/// A source file, as the checks see it.
struct Source {
    /// Its path from the top of the repository: `src/chat/web.rs`.
    path: String,
    /// Its text.
    text: String,
    /// Its text with the content of comments and literals blanked, line by line the same.
    code: String,
}

impl Source {
    fn new(path: &str, text: &str) -> Self {
        Self { path: path.into(), text: text.into(), code: blank_words(text) }
    }

    /// The room it belongs to: `chat` for `src/chat.rs` and everything in `src/chat/`.
    fn room(&self) -> &str {
        let inner = self.path.trim_start_matches("src/");
        inner.split(['/', '.']).next().unwrap_or(inner)
    }

    /// Whether all of it is a test or a measurement.
    fn is_test(&self) -> bool {
        !self.path.starts_with("src/")
    }

    /// How many lines stand before its tests.
    fn lines_before_tests(&self) -> usize {
        self.code.lines().take_while(|line| *line != "#[cfg(test)]").count()
    }

    /// The code that is no test.
    fn product_code(&self) -> String {
        let lines = if self.is_test() { 0 } else { self.lines_before_tests() };
        self.code.lines().take(lines).collect::<Vec<_>>().join("\n")
    }

    fn complain(&self, line: usize, what: impl std::fmt::Display) -> String {
        format!("{}:{}: {what}", self.path, line + 1)
    }
}

/// The text with comments and the content of literals replaced by spaces; line ends stay.
fn blank_words(text: &str) -> String {
    let blank = |found: &regex::Captures| found[0].chars().map(|c| if c == '\n' { c } else { ' ' }).collect::<String>();
    WORDS.replace_all(text, blank).into_owned()
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

/// The paths under `crate::` that the code names, with their lines: `use crate::chat::{Card, Form}` names `chat::Card`
/// and `chat::Form`.
fn crate_paths(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for part in CRATE_PATH.captures_iter(code) {
        let line = code[..part.get(0).expect("the match").start()].matches('\n').count();
        let (prefix, last) = (&part[1], &part[2]);
        let inner = last.strip_prefix('{').and_then(|group| group.strip_suffix('}')).unwrap_or(last);
        found.extend(split_group(inner).into_iter().map(|name| (line, format!("{prefix}{name}"))));
    }
    found
}

/// The members of a list, at its commas outside brackets: `a::{b, c}, d` is two.
fn split_group(inner: &str) -> Vec<String> {
    let mut members = vec![String::new()];
    let mut depth = 0;
    for letter in inner.replace("->", "").chars().filter(|c| !c.is_whitespace()) {
        depth += depth_change(letter);
        if letter == ',' && depth == 0 {
            members.push(String::new());
        } else {
            members.last_mut().expect("one at least").push(letter);
        }
    }
    members.retain(|member| !member.is_empty());
    members
}

fn depth_change(letter: char) -> i32 {
    match letter {
        '(' | '[' | '{' | '<' => 1,
        ')' | ']' | '}' | '>' => -1,
        _ => 0,
    }
}

/// The parameters of the function whose name has just been read; `self` is left out, and what a foreign signature
/// imposes and nobody looks at (`_: Context`).
fn parameters(after_name: &str) -> Vec<String> {
    let text = after_name.replace("->", "  ");
    let mut depth = 0;
    let mut open = None;
    for (at, letter) in text.char_indices() {
        if letter == '(' && depth == 0 {
            open = Some(at + 1);
        }
        depth += depth_change(letter);
        if let (Some(open), ')', 0) = (open, letter, depth) {
            let mut found = split_group(&text[open..at]);
            let is_self = |parameter: &str| parameter.ends_with("self") && !parameter.contains(':');
            found.retain(|parameter| !is_self(parameter) && !parameter.starts_with("_:"));
            return found;
        }
    }
    Vec::new()
}

/// What imports from its own floor or from above it.
fn broken_floors(source: &Source) -> Vec<String> {
    let room = source.room();
    if source.is_test() || room == "lib" {
        return Vec::new();
    }
    let Some(floor) = floor_of(room) else {
        return vec![source.complain(0, format!("the room `{room}` has no floor; give it one in FLOORS"))];
    };
    let mut complaints = Vec::new();
    for (line, path) in crate_paths(&source.product_code()) {
        let target = path.split(':').next().unwrap_or_default();
        let below = floor_of(target).is_some_and(|other| other < floor);
        let allowed = NEIGHBOURS.iter().any(|(from, to)| *from == room && path.starts_with(to));
        if target != room && !below && !allowed {
            complaints.push(source.complain(line, format!("`{room}` may not import `{path}`")));
        }
    }
    complaints
}

/// What names a foreign crate outside its room.
fn foreign_names(source: &Source) -> Vec<String> {
    if source.is_test() {
        return Vec::new();
    }
    let mut complaints = Vec::new();
    for ((name, homes), named) in FOREIGN.iter().zip(FOREIGN_PATTERNS.iter()) {
        if homes.iter().any(|home| source.path.starts_with(home)) {
            continue;
        }
        for (line, _) in source.code.lines().enumerate().filter(|(_, text)| named.is_match(text)) {
            complaints.push(source.complain(line, format!("`{name}` is named only in {}", homes.join(" and "))));
        }
    }
    complaints
}

/// What is too long.
fn broken_budgets(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let lines = source.lines_before_tests();
    if lines > LONGEST_FILE {
        complaints.push(source.complain(0, format!("{lines} lines before its tests; {LONGEST_FILE} is the most")));
    }
    for found in SIGNATURE.captures_iter(&source.code) {
        let (name, end) = (&found[2], found.get(0).expect("the match").end());
        let count = parameters(&source.code[end..]).len();
        if count > MOST_PARAMETERS {
            let line = source.code[..end].matches('\n').count();
            let what = format!("`{name}` has {count} parameters; {MOST_PARAMETERS} is the most");
            complaints.push(source.complain(line, what));
        }
    }
    let all: Vec<&str> = source.code.lines().collect();
    for (start, line) in all.iter().enumerate() {
        let Some(found) = SIGNATURE.captures(line) else { continue };
        let (closing, declared) = (format!("{}}}", &found[1]), format!("{})", &found[1]));
        let is_end = |line: &&str| **line == closing || line.starts_with(&declared) && line.ends_with(';');
        let one_line = line.ends_with(['}', ';']);
        let length = all[start..].iter().position(is_end).filter(|_| !one_line).map_or(1, |end| end + 1);
        if length > LONGEST_FUNCTION {
            let name = &found[2];
            complaints
                .push(source.complain(start, format!("`{name}` has {length} lines; {LONGEST_FUNCTION} is the most")));
        }
    }
    complaints
}

/// What stands where it must not.
fn forbidden_words(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    let product = source.product_code();
    for ((_, tests_may, instead), pattern) in FORBIDDEN.iter().zip(FORBIDDEN_PATTERNS.iter()) {
        let code = if *tests_may { &product } else { &source.code };
        for (line, text) in code.lines().enumerate().filter(|(_, text)| pattern.is_match(text)) {
            complaints.push(source.complain(line, format!("`{}`: {instead}", text.trim())));
        }
    }
    for (line, _) in source.text.lines().enumerate().filter(|(_, text)| UNFINISHED.is_match(text)) {
        complaints.push(source.complain(line, "unfinished"));
    }
    complaints
}

/// What lacks its first line, or has a name that says nothing.
fn empty_words(source: &Source) -> Vec<String> {
    let mut complaints = Vec::new();
    if !source.text.starts_with("//! ") {
        complaints.push(source.complain(0, "the first line says what the file is for: `//! …`"));
    }
    let stem = Path::new(&source.path).file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if EMPTY_NAMES.contains(&stem) {
        complaints.push(source.complain(0, format!("`{stem}` does not say what the module is")));
    }
    complaints
}

fn complaints(source: &Source) -> Vec<String> {
    [broken_floors, foreign_names, broken_budgets, forbidden_words, empty_words]
        .iter()
        .flat_map(|check| check(source))
        .collect()
}

/// Every Rust file of the repository.
fn sources() -> Vec<Source> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut open: Vec<PathBuf> = ["src", "tests", "benches"].iter().map(|dir| top.join(dir)).collect();
    let mut found = Vec::new();
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).into_iter().flatten() {
            let path = entry.expect("a readable folder").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let name = path.strip_prefix(top).expect("below the top").to_string_lossy().replace('\\', "/");
                found.push(Source::new(&name, &fs::read_to_string(&path).expect("UTF-8 text")));
            }
        }
    }
    found
}

#[test]
fn the_house_keeps_to_its_plan() {
    let sources = sources();
    assert!(sources.len() > 20, "the sources were not found");
    let complaints: Vec<String> = sources.iter().flat_map(complaints).collect();
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn the_exceptions_are_between_rooms_of_one_floor() {
    for (from, to) in NEIGHBOURS {
        let target = to.split(':').next().expect("a room");
        assert_eq!(floor_of(from), floor_of(target), "{from} -> {to} needs no exception, or may have none");
    }
}

#[test]
fn a_wrong_floor_is_seen() {
    let upward = Source::new("src/store/rows.rs", "//! Rows.\nuse crate::{clock::Millis, request::{Plan, Call}};\n");
    assert_eq!(complaints(&upward), ["src/store/rows.rs:2: `store` may not import `request::{Plan,Call}`"]);
    let sideways = Source::new("src/people.rs", "//! People.\nuse crate::catalogue::Catalogue;\n");
    assert_eq!(complaints(&sideways), ["src/people.rs:2: `people` may not import `catalogue::Catalogue`"]);
    let inline = Source::new("src/clock.rs", "//! Time.\nfn f() {\n    crate::desk::handle();\n}\n");
    assert_eq!(complaints(&inline), ["src/clock.rs:3: `clock` may not import `desk::handle`"]);
    let unknown = Source::new("src/attic/box.rs", "//! Things.\n");
    assert_eq!(complaints(&unknown), ["src/attic/box.rs:1: the room `attic` has no floor; give it one in FLOORS"]);
}

#[test]
fn a_right_floor_is_left_alone() {
    let text = concat!(
        "//! Links to [`crate::desk`] in comments do no harm.\n",
        "use crate::catalogue::command::Allow;\nuse crate::people;\n",
        "const TEXT: &str = \"crate::desk .unwrap() sqlx::query\";\n",
        "#[cfg(test)]\nmod tests {\n    use crate::desk::handle;\n    fn f() {\n        g().unwrap();\n    }\n}\n"
    );
    assert!(complaints(&Source::new("src/people.rs", text)).is_empty());
}

#[test]
fn foreign_names_are_seen() {
    let source = Source::new("src/request.rs", "//! Requests.\nuse sqlx::Row;\nfn f() -> axum::Router {}\n");
    let said = complaints(&source);
    assert_eq!(said.len(), 2, "{said:?}");
    assert!(said.iter().any(|line| line == "src/request.rs:2: `sqlx` is named only in src/store"));
    assert!(complaints(&Source::new("src/store/rows.rs", "//! Rows.\nuse sqlx::Row;\n")).is_empty());
}

#[test]
fn budgets_are_held() {
    let long_file = format!("//! Long.\n{}", "const A: u8 = 1;\n".repeat(500));
    assert_eq!(complaints(&Source::new("src/clock.rs", &long_file)).len(), 1);
    let tests_are_free = format!("//! Long.\n#[cfg(test)]\n{}", "const A: u8 = 1;\n".repeat(500));
    assert!(complaints(&Source::new("src/clock.rs", &tests_are_free)).is_empty());
    let body =
        |lines| format!("//! F.\nimpl A {{\n    async fn f() {{\n{}    }}\n}}\n", "        g();\n".repeat(lines));
    assert!(complaints(&Source::new("src/clock.rs", &body(58))).is_empty());
    assert_eq!(
        complaints(&Source::new("src/clock.rs", &body(59))),
        ["src/clock.rs:3: `f` has 61 lines; 60 is the most"]
    );
}

#[test]
fn parameters_are_counted() {
    let four =
        "//! F.\nfn f<F: Fn(u8, u8) -> u8>(&'a mut self, a: (A, B), b: [C<D, E>; 2], c: impl Fn(F, G), d: H) {}\n";
    assert!(complaints(&Source::new("src/clock.rs", four)).is_empty());
    let five = "//! F.\nimpl A {\n    pub async fn f(\n        a: A,\n        b: B,\n        c: C,\n        d: D,\n        e: E,\n    ) {\n    }\n}\n";
    assert_eq!(complaints(&Source::new("src/clock.rs", five)), ["src/clock.rs:3: `f` has 5 parameters; 4 is the most"]);
}

#[test]
fn forbidden_words_are_seen() {
    for wrong in [
        "a.unwrap();",
        "todo!();",
        "#[allow(dead_code)]",
        "#![allow(dead_code)]",
        "unsafe {}",
        concat!("// TO", "DO: later"),
    ] {
        let source = Source::new("src/clock.rs", &format!("//! Time.\n{wrong}\n"));
        assert_eq!(complaints(&source).len(), 1, "{wrong}");
    }
    assert_eq!(complaints(&Source::new("tests/it/a.rs", "//! A.\n#[ignore]\n")).len(), 1);
    assert_eq!(complaints(&Source::new("src/clock.rs", "use std::fmt;\n")).len(), 1);
    assert_eq!(complaints(&Source::new("src/chat/utils.rs", "//! Things.\n")).len(), 1);
}
