//! The check of the capability files: every mistake of every file, each with its place and a hint.

use std::collections::BTreeSet;
use std::fmt;
use std::path::Path;

use super::Catalogue;
use super::capability::CapabilityFile;
use super::files;
use crate::document::{Document, Problem};
use crate::message::Messages;
use crate::runner::Tools;

mod capability;
mod command;
mod finding;
mod names;
mod parameter;
mod policy;
mod reference;
mod sample;
mod step;
mod trial;

/// What capability files may refer to beyond themselves.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// The environment variables that `{{env.X}}` reaches.
    pub env: Vec<String>,
    /// The secrets that `{{secret.X}}` reaches.
    pub secrets: Vec<String>,
    /// The teams; if there are none, any name of a team is taken.
    pub teams: Vec<String>,
    /// The persons; if there are none, any name of a person is taken.
    pub people: Vec<String>,
    /// The roles that somebody can have; if there are none, any name of a role is taken.
    pub roles: Vec<String>,
}

impl Known {
    /// What a configuration makes known.
    pub fn of(config: &crate::config::Config) -> Self {
        Self {
            env: config.templates.env.clone(),
            secrets: config.templates.secret.keys().cloned().collect(),
            teams: config.team.keys().cloned().collect(),
            people: people(config).into_iter().collect(),
            roles: roles(config).into_iter().collect(),
        }
    }
}

/// Everybody whom the configuration names.
fn people(config: &crate::config::Config) -> BTreeSet<String> {
    let of_teams = config.team.values().flat_map(|team| team.members.iter().chain(&team.lead));
    config.person.keys().chain(of_teams).cloned().collect()
}

fn roles(config: &crate::config::Config) -> BTreeSet<String> {
    config.role.keys().chain(config.person.values().flat_map(|person| &person.roles)).cloned().collect()
}

/// A file that could be read, if perhaps with stand-ins.
pub(super) struct File {
    pub document: Document,
    pub content: CapabilityFile,
}

/// The files of a folder, and what is wrong with them.
pub(super) struct Examined {
    pub files: Vec<File>,
    pub count: usize,
    pub problems: Vec<Problem>,
}

/// Reads and checks the capability files of `folder`, without running their tests.
pub(super) fn examine(folder: &Path, tools: &Tools, known: &Known) -> Examined {
    let paths = match files::list(folder) {
        Ok(paths) => paths,
        // The folder counts as the one file that is wrong.
        Err(problem) => return Examined { files: Vec::new(), count: 1, problems: vec![problem] },
    };
    let mut examined = Examined { files: Vec::new(), count: paths.len(), problems: Vec::new() };
    for path in paths {
        match Document::open(&path) {
            Ok(document) => examined.add(document),
            Err(problem) => examined.problems.push(problem),
        }
    }
    for file in &examined.files {
        examined.problems.extend(capability::check(file, tools, known));
    }
    examined.problems.extend(names::check(&examined));
    sort(&mut examined.problems);
    examined
}

impl Examined {
    fn add(&mut self, mut document: Document) {
        let (content, problems) = document.examine();
        self.problems.extend(problems);
        self.files.extend(content.map(|content| File { document, content }));
    }
}

/// What the check found, as `stationmaster check` shows it.
#[derive(Debug)]
pub struct Report {
    /// Every mistake, by file and place.
    pub problems: Vec<Problem>,
    /// How many capability files there are, and message files with mistakes.
    pub files: usize,
    /// How many commands they declare.
    pub commands: usize,
    /// How many tests of commands they have; those of a file with mistakes are not run.
    pub tests: usize,
}

/// Checks the capability files of `folder` and runs their tests, without any network, and the message files with those
/// of `messages` over them.
pub async fn check(folder: &Path, messages: Option<&Path>, tools: &Tools, known: &Known) -> Report {
    let Examined { files, count, mut problems } = examine(folder, tools, known);
    let commands = || files.iter().flat_map(|file| &file.content.command);
    let (commands, tests) = (commands().count(), commands().map(|command| command.test.len()).sum());
    let wrong: BTreeSet<String> = problems.iter().map(|problem| problem.file.clone()).collect();
    let sound: Vec<File> = files.into_iter().filter(|file| !wrong.contains(file.document.file())).collect();
    problems.extend(trial::run(&sound, &Catalogue::of(&sound)).await);
    let texts = Messages::load(messages).err().map(|error| message_problems(&error.to_string())).unwrap_or_default();
    let files = count + wrong_files(&texts);
    problems.extend(texts);
    sort(&mut problems);
    Report { problems, files, commands, tests }
}

/// The lines of [`Messages::load`]'s error; each begins with the file.
fn message_problems(lines: &str) -> Vec<Problem> {
    let problem = |line: &str| match line.split_once(' ') {
        Some((file, reason)) if file.starts_with("messages/") => {
            let (message, hint) =
                reason.split_once("; ").map_or((reason, None), |(m, hint)| (m, Some(hint.to_owned())));
            Problem::whole(file.trim_end_matches(':'), message).hint_if(hint)
        }
        _ => Problem::whole("messages", line),
    };
    lines.lines().map(problem).collect()
}

fn sort(problems: &mut [Problem]) {
    problems.sort_by(|a, b| (&a.file, a.span.start).cmp(&(&b.file, b.span.start)));
}

fn wrong_files(problems: &[Problem]) -> usize {
    problems.iter().map(|problem| problem.file.as_str()).collect::<BTreeSet<_>>().len()
}

impl Report {
    /// Whether there is no mistake.
    pub fn is_good(&self) -> bool {
        self.problems.is_empty()
    }

    /// The last line: "3 mistakes in 2 of 5 files", or "5 files, 12 commands, 31 tests: all good".
    pub fn summary(&self) -> String {
        if self.is_good() {
            let counts = [(self.files, "file"), (self.commands, "command"), (self.tests, "test")];
            return format!("{}: all good", counts.map(|(count, thing)| counted(count, thing)).join(", "));
        }
        let (wrong, files) = (wrong_files(&self.problems), counted(self.files, "file"));
        format!("{} in {wrong} of {files}", counted(self.problems.len(), "mistake"))
    }

    /// Everything, as it is shown where the reader's terminal has colours.
    pub fn colored(&self) -> String {
        self.lines(Problem::colored)
    }

    fn lines(&self, show: impl Fn(&Problem) -> String) -> String {
        self.problems.iter().map(|problem| show(problem) + "\n\n").collect::<String>() + &self.summary()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines(Problem::to_string))
    }
}

/// The problems one after another, as they are shown where there are no colours.
pub fn explain(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n\n")
}

fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}
