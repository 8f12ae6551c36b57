//! The catalogue: what the files of `commands/` offer, checked before it is used.

pub mod capability;
pub mod check;
pub mod choices;
pub mod command;
pub mod complete;
pub mod files;
pub mod form;
pub mod given;
pub mod input;
pub mod line;
pub mod menu;
pub mod names;
pub mod parameter;
pub mod policy;
pub mod resolve;
pub mod schema;
pub mod search;
pub mod survey;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use capability::Capability;
use command::Command;
use survey::Survey;

pub use check::{Known, Report, check, explain};
pub use files::Watch;
pub use schema::{schema, survey_schema};

use crate::document::Problem;
use crate::runner::Tools;

/// Everything that is on offer. Invariant: every file of it passed the check.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The capabilities, by name.
    pub capabilities: BTreeMap<String, Arc<Capability>>,
    /// The commands, by full name (`db create`).
    pub commands: BTreeMap<String, Arc<Command>>,
    /// The surveys, by name.
    pub surveys: BTreeMap<String, Arc<Survey>>,
    /// What is searched, made when it is first needed.
    index: OnceLock<search::Index>,
}

impl Catalogue {
    /// A catalogue of what passed the check.
    pub fn new(capabilities: BTreeMap<String, Arc<Capability>>, commands: BTreeMap<String, Arc<Command>>) -> Self {
        Self { capabilities, commands, surveys: BTreeMap::new(), index: OnceLock::new() }
    }

    /// The same with these surveys.
    #[must_use]
    pub fn with_surveys(mut self, surveys: impl IntoIterator<Item = Survey>) -> Self {
        self.surveys.extend(surveys.into_iter().map(|survey| (survey.name.clone(), Arc::new(survey))));
        self
    }

    /// Whether a survey may ask after a request for a command.
    pub fn asks_after(&self, command: &str) -> bool {
        let is_meant = |trigger: &survey::Trigger| {
            trigger.after == survey::Occasion::Request && trigger.command.as_ref().is_none_or(|of| of == command)
        };
        self.surveys.values().filter_map(|survey| survey.event.as_ref()).any(is_meant)
    }

    /// The capability files of `folder`, which are those directly in it that end in `.toml`, and its surveys. The error is every mistake of every
    /// file, by file and place; [`explain`] shows them.
    pub fn load(folder: &Path, tools: &Tools, known: &Known) -> Result<Self, Vec<Problem>> {
        let (files, surveys) = check::examine(folder, tools, known).errors()?;
        Ok(Self::of(&files, &surveys))
    }

    fn of(files: &[check::File], surveys: &[check::File<survey::SurveyFile>]) -> Self {
        let (mut capabilities, mut commands) = (BTreeMap::new(), BTreeMap::new());
        for file in files {
            let capability = Arc::new(file.content.capability.clone());
            for command in &file.content.command {
                let command = Command { capability: capability.clone(), file: command.clone() };
                commands.insert(command.file.name.clone(), Arc::new(command));
            }
            capabilities.insert(capability.name.clone(), capability);
        }
        Self::new(capabilities, commands).with_surveys(surveys.iter().map(|file| file.content.survey.clone()))
    }
}
