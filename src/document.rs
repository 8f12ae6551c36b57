//! A TOML document that knows where everything stands, and that finds all of its mistakes and not only the first.
//!
//! A mistake does not hide the next one: what cannot be read is put right as it was most likely meant, or replaced by a
//! stand-in, and reading goes on.

use std::fs::File;
use std::io::Read;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

mod correction;
mod mistake;
mod place;
mod problem;
mod reader;
mod syntax;
mod tree;

pub use problem::Problem;
use reader::{Reader, Seen};
use tree::{Kind, Node, Step};

/// The largest document that is read, in bytes; the largest catalogues of real platforms are a tenth of it.
const LARGEST: u64 = 1024 * 1024;
/// How many mistakes of one document are gathered; nobody mends more in one go, and each costs one more reading.
const MOST: usize = 100;

/// A TOML document with positions.
#[derive(Debug, Clone)]
pub struct Document {
    file: String,
    source: Arc<str>,
    root: Node,
    syntax: Vec<Problem>,
    doubts: Vec<String>,
}

impl Document {
    /// Reads the file at `path`. The error says in plain words why it is no text: a folder, not readable, larger than
    /// 1 MiB, not UTF-8, with zero bytes.
    pub fn open(path: &Path) -> Result<Self, Problem> {
        let file = path.display().to_string();
        match text_of(path) {
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(source) => Self::of_text(&file, &source),
                Err(error) => Err(not_utf8(&file, &error)),
            },
            Err(message) => Err(Problem::whole(&file, message)),
        }
    }

    /// The document in `source`; `path` is what its problems are shown with.
    pub fn parse(path: &str, source: &str) -> Self {
        let source: Arc<str> = source.into();
        let (root, syntax) = syntax::parse(path, &source);
        Self { file: path.to_owned(), source, root, syntax, doubts: Vec::new() }
    }

    fn of_text(file: &str, source: &str) -> Result<Self, Problem> {
        match source.find('\0') {
            Some(at) => {
                Err(Problem::at(file, &source.into(), at..at + 1, "this is not a text file: it has a zero byte"))
            }
            None => Ok(Self::parse(file, source)),
        }
    }

    /// The value that the document holds, if it has no mistake, and all of its mistakes, in the order of the file.
    pub fn read<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Problem>) {
        let (value, problems) = self.clone().examine();
        (value.filter(|_| problems.is_empty()), problems)
    }

    /// Like [`Document::read`], but gives a value as long as one can be made, for looking for mistakes of meaning in it.
    /// Afterwards the document is as the value is: misspelt keys have the name that was meant.
    ///
    /// Not to be used for anything but that if there are problems; see [`Document::is_doubtful`].
    pub fn examine<T: DeserializeOwned>(&mut self) -> (Option<T>, Vec<Problem>) {
        let mut problems = std::mem::take(&mut self.syntax);
        let sound = problems.is_empty();
        let (seen, mut lost) = (Seen::default(), Vec::new());
        let value = loop {
            seen.borrow_mut().clear();
            match T::deserialize(Reader { node: &self.root, seen: &seen }) {
                Ok(value) => break Some(value).filter(|_| !self.root.lacks_elements()),
                Err(_) if problems.len() >= MOST => break None,
                Err(mistake) => {
                    // What is missing may well stand in the lines that could not be read.
                    let counts = sound || !mistake.is_absence();
                    let is_refusal = mistake.is_refusal();
                    let Ok(problem) = self.correct(mistake, &mut lost) else { break None };
                    let Some(problem) = problem.filter(|_| counts) else { continue };
                    // `timeout = 10`: that the text in quotes is no duration either says it better.
                    problems.retain(|before| !is_refusal || before.span != problem.span);
                    problems.push(problem);
                }
            }
        };
        for lost in lost {
            self.find_home(&lost, &seen.borrow(), &mut problems);
        }
        problems.sort_by_key(|problem| (problem.span.start, problem.span.end));
        (value.filter(|_| sound), problems)
    }

    /// Whether the value at `path` is not the author's but a stand-in for something missing or unreadable.
    pub fn is_doubtful(&self, path: &str) -> bool {
        self.doubts.iter().any(|doubt| is_within(path, doubt))
    }

    /// Whether there is a stand-in anywhere in the value at `path`.
    pub fn has_doubts(&self, path: &str) -> bool {
        self.doubts.iter().any(|doubt| is_within(doubt, path))
    }

    /// Where the value at `path` stands, as byte offsets: `command[0].step[1].http.url`. The nearest table around it if
    /// there is no such value.
    pub fn span_of(&self, path: &str) -> Range<usize> {
        let mut node = &self.root;
        for step in steps_of(path) {
            match node.child(&step) {
                Some(child) => node = child,
                None => break,
            }
        }
        node.span.clone()
    }

    /// A problem with the value at `path`.
    pub fn problem(&self, path: &str, message: impl Into<String>) -> Problem {
        Problem::at(&self.file, &self.source, self.span_of(path), message)
    }

    /// A problem with `part` of the text at `path`: the mark is under that part, if it stands there as it is.
    pub fn problem_in(&self, path: &str, part: &str, message: impl Into<String>) -> Problem {
        let whole = self.span_of(path);
        let found = self.source.get(whole.clone()).and_then(|text| text.find(part)).filter(|_| !part.is_empty());
        let span = found.map_or(whole.clone(), |at| whole.start + at..whole.start + at + part.len());
        Problem::at(&self.file, &self.source, span, message)
    }

    /// The name under which the document's problems are shown.
    pub fn file(&self) -> &str {
        &self.file
    }
}

/// Whether `path` is `outer` or below it.
fn is_within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

/// The steps of a path such as `command[0].step[1].http`.
fn steps_of(path: &str) -> impl Iterator<Item = Step> {
    path.split(['.', '[']).filter(|part| !part.is_empty()).map(|part| match part.strip_suffix(']') {
        Some(index) => index.parse().map_or_else(|_| Step::Key(part.to_owned()), Step::Index),
        None => Step::Key(part.to_owned()),
    })
}

/// The bytes of the file at `path`, or why there are none to read.
fn text_of(path: &Path) -> Result<Vec<u8>, String> {
    let unreadable = |error: std::io::Error| format!("this file cannot be read: {error}");
    // Asked before it is opened: opening a named pipe would wait for ever.
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    if !facts.is_file() {
        return Err(if facts.is_dir() { "this is a folder, not a file" } else { "this is not a file" }.into());
    }
    let mut bytes = Vec::new();
    // One byte more than is accepted, since the file may have grown since it was asked for its length.
    File::open(path).and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST {
        return Err("this file is larger than 1 MiB".into());
    }
    Ok(bytes)
}

fn not_utf8(file: &str, error: &std::string::FromUtf8Error) -> Problem {
    let readable = &error.as_bytes()[..error.utf8_error().valid_up_to()];
    let source: Arc<str> = String::from_utf8_lossy(readable).into();
    Problem::at(file, &source, source.len()..source.len(), "from here on this file is not UTF-8 text")
        .hint("save it as UTF-8 in the editor")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Menu {
        kitchen: Kitchen,
        #[serde(default)]
        dish: Vec<Dish>,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Kitchen {
        name: String,
        seats: u32,
        open: Option<bool>,
        promise: Option<Promise>,
        style: Style,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Promise {
        within: crate::clock::Span,
        share: f64,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Style {
        #[default]
        HomeMade,
        Grand,
    }

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Dish {
        name: String,
        price: u32,
        #[serde(default)]
        tags: Vec<String>,
    }

    fn read(source: &str) -> (Option<Menu>, Vec<String>) {
        let (menu, problems) = Document::parse("menu.toml", source).read();
        let shown = problems.iter().map(|p| match &p.hint {
            Some(hint) => format!("{}:{} {} ({hint})", p.line, p.column, p.message),
            None => format!("{}:{} {}", p.line, p.column, p.message),
        });
        (menu, shown.collect())
    }

    #[test]
    fn a_document_without_mistakes_reads() {
        let (menu, problems) =
            read("kitchen = { name = 'a', seats = 3, style = 'grand' }\n[[dish]]\nname = 'b'\nprice = 1\n");
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(menu.expect("reads").dish[0].name, "b");
    }

    #[test]
    fn every_mistake_is_found() {
        let (menu, problems) = read(
            "[kitchen]\nnmae = 'a'\nseats = '12'\nopen = 'yes'\nstyle = 'grnad'\npromise = { within = '5 min' }\n\
             [[dish]]\nprice = -1\ntags = 'hot'\n[[dish]]\nname = 4\nprice = 2\ncolour = 'red'\ntags = [1]\n[[dish]]\n",
        );
        assert_eq!(menu, None);
        insta::assert_snapshot!(problems.join("\n"), @r##"
        2:1 there is no key `nmae` in `[kitchen]` (did you mean `name`?)
        3:9 `seats` takes a whole number (leave out the quotes: 12)
        4:8 `open` takes true or false (write true, without quotes)
        5:9 `style` cannot be `grnad` (did you mean `grand`?)
        6:11 `promise` lacks the key `share`
        6:22 `5 min` is not a duration (write for example 30s, 10m, 2h or 1d)
        7:1 `[[dish]]` lacks the key `name`
        8:9 `price` takes a whole number from 0 to 4294967295
        9:8 `tags` takes a list (put it in brackets: ['hot'])
        11:8 `name` takes text in quotes (put it in quotes: "4")
        13:1 there is no key `colour` in `[[dish]]`
        14:9 each entry of `tags` takes text in quotes (put it in quotes: "1")
        15:1 `[[dish]]` lacks the key `name`
        15:1 `[[dish]]` lacks the key `price`
        "##);
    }

    #[test]
    fn brackets_are_corrected_and_what_is_inside_is_read() {
        let (_, problems) = read("[[kitchen]]\nname = 'a'\nseats = 1\nstyle = 'grand'\nsize = 3\n[dish]\nname = 'a'\n");
        insta::assert_snapshot!(problems.join("\n"), @r#"
        1:1 `kitchen` takes a table (write it with one bracket: [kitchen])
        5:1 there is no key `size` in `[kitchen]` (it takes `open` or `promise`)
        6:1 `dish` takes a list (write it with two brackets: [[dish]])
        6:1 `[[dish]]` lacks the key `price`
        "#);
    }

    #[test]
    fn syntax_mistakes_do_not_hide_each_other() {
        let (_, problems) = read(
            "[kitchen]\nname = a b\nseats =\nstyle = 'grand\nopen = True\n[[dish]]\nname = \"\\d\"\nprice = 1\ntags = [\"a\"\nprize = 1\n\
             [[dish]]\nname = 'a'\nname = 'b'\nprice = '1'\ncolor = \"\"\"\n[x]\n\"\"\"\n",
        );
        insta::assert_snapshot!(problems.join("\n"), @r##"
        2:8 text must stand in quotes (write it as "text")
        3:8 there is no value after `=`
        4:15 this text is not closed (end it with ')
        5:8 this is no value (write true or false in small letters, and text in quotes)
        7:10 `\` cannot stand before this letter (in single quotes it is an ordinary letter: '^\d+$')
        9:12 this list is not closed, or a comma is missing (end it with ])
        13:1 `name` is there twice (keep one of them)
        14:9 `price` takes a whole number (leave out the quotes: 1)
        15:1 there is no key `color` in `[[dish]]` (it takes `tags`)
        "##);
    }

    #[test]
    fn places_are_found_by_path() {
        let source = "[kitchen]\nname = 'a'\n[[dish]]\nname = 'b'\n[[dish]]\nname = 'c'\ntags = ['x']\n";
        let document = Document::parse("menu.toml", source);
        let text = |path: &str| &source[document.span_of(path)];
        assert_eq!(text("dish[1].tags[0]"), "'x'");
        assert_eq!(text("dish[1].price.cents"), "[[dish]]");
        assert_eq!(text("kitchen"), "[kitchen]");
        assert_eq!(text("nothing"), "");
        assert_eq!(document.problem_in("dish[1].name", "c", "no").column, 9);
    }

    #[test]
    fn odd_documents_are_survived() {
        for odd in [
            "",
            "\u{feff}",
            "=",
            "[",
            "[[",
            "]",
            "\"",
            "'''",
            "a.b.c",
            "\r",
            "\u{7f}",
            "a = 99999999999999999999",
            "[a]\n[a]\n[[a]]",
        ] {
            let _ = read(odd);
        }
        for deep in [format!("{} = 1", vec!["a"; 200_000].join(".")), format!("a = {}", "[".repeat(200_000))] {
            assert_eq!(read(&deep).1.len(), 1);
        }
        assert!(read(&"x = \n".repeat(50_000)).1.len() <= MOST);
        assert!(read(&"[[dish]]\nprice = 'x'\n".repeat(2_000)).1.len() <= MOST + 1);
    }
}
