//! A problem: one mistake of one file, with its place and what to do about it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

/// A mistake in a file, as its author reads it.
#[derive(Clone, PartialEq, Eq)]
pub struct Problem {
    /// The file, as it was named when it was opened.
    pub file: String,
    /// The bytes of the file that it is about.
    pub span: Range<usize>,
    /// The line, from 1; 0 where no line can be named.
    pub line: usize,
    /// The column in characters, from 1; 0 where no line can be named.
    pub column: usize,
    /// What is the matter.
    pub message: String,
    /// What to do about it, where there is something to say.
    pub hint: Option<Box<str>>,
    /// Whether the file is good nevertheless.
    pub is_warning: bool,
    /// The text of the file, unless it is not to be shown.
    source: Option<Arc<str>>,
}

impl Problem {
    /// A problem of the text at `span` of `source`.
    pub fn at(file: &str, source: &Arc<str>, span: Range<usize>, message: impl Into<String>) -> Self {
        let start = floor(source, span.start);
        let span = start..floor(source, span.end).max(start);
        let before = &source[..start];
        let line = before.matches('\n').count() + 1;
        let column = before[line_start(source, start)..].chars().count() + 1;
        let (file, message) = (file.to_owned(), message.into());
        Self { file, span, line, column, message, hint: None, is_warning: false, source: Some(source.clone()) }
    }

    /// A problem of a whole file, or of one whose text cannot be shown.
    pub fn whole(file: &str, message: impl Into<String>) -> Self {
        Self { line: 0, column: 0, ..Self::at(file, &Arc::from(""), 0..0, message) }
    }

    /// Adds what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into().into_boxed_str());
        self
    }

    /// Adds what to do about it, if there is something to say.
    #[must_use]
    pub fn hint_if(mut self, hint: Option<String>) -> Self {
        self.hint = hint.map(String::into_boxed_str);
        self
    }

    /// The same as advice: the file is good nevertheless.
    #[must_use]
    pub fn warning(self) -> Self {
        Self { is_warning: true, ..self }
    }

    /// The same problem, shown without the text of its line.
    #[must_use]
    pub fn conceal(mut self) -> Self {
        self.source = None;
        self
    }

    /// The text of its line.
    pub fn line_text(&self) -> &str {
        let source = self.source.as_deref().unwrap_or_default();
        source.get(line_start(source, self.span.start)..).and_then(|rest| rest.lines().next()).unwrap_or_default()
    }

    /// `commands/databases.toml:12:1`
    pub fn place(&self) -> String {
        match self.line {
            0 => self.file.clone(),
            line => format!("{}:{line}:{}", self.file, self.column),
        }
    }

    /// The problem as it is shown where the reader's terminal has colours.
    pub fn colored(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let level = if self.is_warning { Level::WARNING } else { Level::ERROR };
        let title = level.primary_title(self.message.as_str());
        let start = line_start(self.source.as_deref().unwrap_or_default(), self.span.start);
        let line = self.line_text();
        let group = match self.line {
            0 => Group::with_title(title).element(Origin::path(self.file.as_str())),
            number if self.source.is_none() => {
                let origin = Origin::path(self.file.as_str()).line(number).char_column(self.column);
                Group::with_title(title).element(origin)
            }
            number => {
                let mark =
                    self.span.start - start..(self.span.end - start).min(line.len().max(self.span.start - start));
                let snippet = Snippet::source(line).line_start(number).path(self.file.as_str());
                Group::with_title(title).element(snippet.annotation(AnnotationKind::Primary.span(mark)))
            }
        };
        let hint = self.hint.as_deref().map(|hint| Level::HELP.with_name("hint").message(hint));
        renderer.render(&[group.elements(hint)])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(&Renderer::plain()))
    }
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place(), self.message)
    }
}

impl std::error::Error for Problem {}

/// Where the line of the byte `at` begins.
fn line_start(source: &str, at: usize) -> usize {
    source.get(..at).unwrap_or_default().rfind('\n').map_or(0, |newline| newline + 1)
}

/// The nearest boundary between characters, at `at` or before it.
fn floor(source: &str, at: usize) -> usize {
    source.floor_char_boundary(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters_not_bytes() {
        let source: Arc<str> = "a = 1\r\nä = \"ö\" # x\n".into();
        let problem = Problem::at("x.toml", &source, 12..16, "no");
        assert_eq!(problem.place(), "x.toml:2:5");
        let past_the_end = Problem::at("x.toml", &source, 500..600, "no");
        assert_eq!(past_the_end.place(), "x.toml:3:1");
        assert!(past_the_end.to_string().contains("x.toml:3:1"), "{past_the_end}");
    }
}
