//! The check of the capability and survey files: every mistake of every file, each with its place and a hint.

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;

use super::Catalogue;
use super::capability::CapabilityFile;
use super::command::CommandFile;
use super::files;
use super::survey::SurveyFile;
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
mod survey;
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
pub(super) struct File<C = CapabilityFile> {
    pub document: Document,
    pub content: C,
}

/// The files of a folder, and what is wrong with them.
pub(super) struct Examined {
    pub files: Vec<File>,
    pub surveys: Vec<File<SurveyFile>>,
    /// How many capability files there are, also those that cannot be read.
    pub count: usize,
    /// The same of survey files.
    pub survey_count: usize,
    pub problems: Vec<Problem>,
}

/// Reads and checks the capability files of `folder` and the survey files in its folder of surveys, without running their
/// tests.
pub(super) fn examine(folder: &Path, tools: &Tools, known: &Known) -> Examined {
    let mut examined =
        Examined { files: Vec::new(), surveys: Vec::new(), count: 0, survey_count: 0, problems: Vec::new() };
    (examined.files, examined.count) = read(files::list(folder), &mut examined.problems);
    (examined.surveys, examined.survey_count) = read(files::surveys(folder), &mut examined.problems);
    for file in &examined.files {
        examined.problems.extend(capability::check(file, tools, known));
    }
    examined.problems.extend(names::check(&examined));
    let commands: BTreeSet<&str> = examined.commands().map(|command| command.name.as_str()).collect();
    // A file that cannot be read may well declare what seems to be missing.
    let commands = (examined.files.len() == examined.count).then_some(&commands);
    let wrong = survey::check(&examined.surveys, commands, known);
    examined.problems.extend(wrong);
    sort(&mut examined.problems);
    examined
}

/// Reads files, and counts them; what cannot be read is noted. A folder that cannot be listed counts as the one file that is
/// wrong.
fn read<C: DeserializeOwned>(
    paths: Result<Vec<PathBuf>, Problem>,
    problems: &mut Vec<Problem>,
) -> (Vec<File<C>>, usize) {
    let paths = match paths {
        Ok(paths) => paths,
        Err(problem) => {
            problems.push(problem);
            return (Vec::new(), 1);
        }
    };
    let mut files = Vec::new();
    for path in &paths {
        match Document::open(path) {
            Ok(mut document) => {
                let (content, wrong) = document.examine();
                problems.extend(wrong);
                files.extend(content.map(|content| File { document, content }));
            }
            Err(problem) => problems.push(problem),
        }
    }
    (files, paths.len())
}

/// The files that can be used.
type Sound = (Vec<File>, Vec<File<SurveyFile>>);

impl Examined {
    /// What keeps the files from being used; if there is nothing, the advice is lost.
    pub fn errors(self) -> Result<Sound, Vec<Problem>> {
        let errors: Vec<Problem> = self.problems.into_iter().filter(|problem| !problem.is_warning).collect();
        if errors.is_empty() { Ok((self.files, self.surveys)) } else { Err(errors) }
    }

    fn commands(&self) -> impl Iterator<Item = &CommandFile> {
        self.files.iter().flat_map(|file| &file.content.command)
    }
}

/// What the check found, as `stationmaster check` shows it.
#[derive(Debug)]
pub struct Report {
    /// Every mistake and every advice, by file and place.
    pub problems: Vec<Problem>,
    /// How many capability and survey files there are, and message files with mistakes.
    pub files: usize,
    /// How many commands they declare.
    pub commands: usize,
    /// How many surveys there are.
    pub surveys: usize,
    /// How many tests of commands and surveys they have; those of a file with mistakes are not run.
    pub tests: usize,
}

/// Checks the capability and survey files of `folder` and runs their tests, without any network, and the message files with those
/// of `messages` over them.
pub async fn check(folder: &Path, messages: Option<&Path>, tools: &Tools, known: &Known) -> Report {
    let examined = examine(folder, tools, known);
    let tests = examined.commands().map(|command| command.test.len());
    let tests = tests.chain(examined.surveys.iter().map(|file| file.content.survey.test.len())).sum();
    let (commands, surveys) = (examined.commands().count(), examined.surveys.len());
    let mut problems = examined.problems;
    let wrong = problems.iter().filter(|problem| !problem.is_warning).map(|problem| problem.file.clone());
    let wrong: BTreeSet<String> = wrong.collect();
    problems.extend(survey::try_all(&examined.surveys, &wrong));
    let sound: Vec<File> = examined.files.into_iter().filter(|file| !wrong.contains(file.document.file())).collect();
    problems.extend(trial::run(&sound, &Catalogue::of(&sound, &[])).await);
    let texts = Messages::load(messages).err().map(|error| message_problems(&error.to_string())).unwrap_or_default();
    let files = examined.count + examined.survey_count + wrong_files(&texts);
    problems.extend(texts);
    sort(&mut problems);
    Report { problems, files, commands, surveys, tests }
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
    /// Whether there is no mistake; advice is none.
    pub fn is_good(&self) -> bool {
        self.problems.iter().all(|problem| problem.is_warning)
    }

    /// The last line: "3 mistakes in 2 of 5 files", or "5 files, 12 commands, 1 survey, 31 tests: all good".
    pub fn summary(&self) -> String {
        if self.is_good() {
            let counts =
                [(self.files, "file"), (self.commands, "command"), (self.surveys, "survey"), (self.tests, "test")];
            let counts = counts.into_iter().filter(|(count, thing)| *thing != "survey" || *count > 0);
            let counts: Vec<String> = counts.map(|(count, thing)| counted(count, thing)).collect();
            let advice = match self.problems.len() {
                0 => "all good".into(),
                count => format!("good, with {}", counted(count, "warning")),
            };
            return format!("{}: {advice}", counts.join(", "));
        }
        let mistakes: Vec<Problem> = self.problems.iter().filter(|problem| !problem.is_warning).cloned().collect();
        let (wrong, files) = (wrong_files(&mistakes), counted(self.files, "file"));
        format!("{} in {wrong} of {files}", counted(mistakes.len(), "mistake"))
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
