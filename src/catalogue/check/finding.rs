//! What is found wrong in one file, on its way to problems with places.

use crate::document::{Document, Problem};
use crate::spelling::nearest;

/// The problems of one file.
pub(super) struct Findings<'d> {
    document: &'d Document,
    problems: Vec<Problem>,
}

/// What is wrong with a value, and what to do about it.
pub(super) struct Remark {
    message: String,
    hint: Option<String>,
    part: Option<String>,
}

impl<'d> Findings<'d> {
    pub fn new(document: &'d Document) -> Self {
        Self { document, problems: Vec::new() }
    }

    /// Notes a remark on the value at `path`, unless the value is not the author's own.
    pub fn add(&mut self, path: &str, remark: impl Into<Remark>) {
        if self.document.is_doubtful(path) {
            return;
        }
        let remark = remark.into();
        let problem = match &remark.part {
            Some(part) => self.document.problem_in(path, part, remark.message),
            None => self.document.problem(path, remark.message),
        };
        self.problems.push(problem.hint_if(remark.hint));
    }

    /// Notes a remark that is advice, unless the value is not the author's own.
    pub fn warn(&mut self, path: &str, remark: Remark) {
        let before = self.problems.len();
        self.add(path, remark);
        let noted = self.problems.split_off(before);
        self.problems.extend(noted.into_iter().map(Problem::warning));
    }

    /// Notes that a text that must say something is blank.
    pub fn refuse_blank(&mut self, path: &str, text: &str) {
        if text.trim().is_empty() {
            self.add(path, "this must not be empty");
        }
    }

    /// Whether a part of the value at `path` could not be read, so that what refers to it cannot be judged.
    pub fn has_doubts(&self, path: &str) -> bool {
        self.document.has_doubts(path)
    }

    pub fn into_problems(self) -> Vec<Problem> {
        self.problems
    }
}

impl Remark {
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, part: None }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Adds the known name that is nearest to a wrong one, or else all of them if they are few.
    pub fn guess<'n>(mut self, name: &str, known: impl IntoIterator<Item = &'n str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        self.hint = match nearest(name, known.iter().copied()) {
            Some(meant) => Some(format!("did you mean `{meant}`?")),
            None if known.is_empty() || known.len() > 12 => None,
            None => Some(format!("there is {}", listed(&known))),
        };
        self
    }

    /// Marks only this part of the text.
    pub fn part(mut self, part: &str) -> Self {
        self.part = Some(part.to_owned());
        self
    }
}

impl<T: Into<String>> From<T> for Remark {
    fn from(message: T) -> Self {
        Self::new(message)
    }
}

/// "`a`, `b` and `c`"
pub(super) fn listed(names: &[&str]) -> String {
    match names {
        [] => "none".into(),
        [only] => format!("`{only}`"),
        [first @ .., last] => format!("`{}` and `{last}`", first.join("`, `")),
    }
}
