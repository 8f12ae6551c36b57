//! The `scaffold` runner: a new git repository from a template directory, or, to undo that, none.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rustix::fs::{CWD, RenameFlags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::inspection::Inspector;
use super::place::{Place, is_name};
use super::{Attempt, Inspection, Outcome, Tools};
use crate::error::{Result, UserError};
use crate::message::{Escape, Template};

mod git;
mod tree;

use tree::Content;

/// `[command.step.scaffold]`: either `template` and `into`, or, for `[command.step.undo.scaffold]`, `remove` alone.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Scaffold {
    /// The template directory, relative to the folder of the capability files. File names and texts are templates;
    /// binary files are copied as they are; what is executable stays so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
    /// The new repository, relative to the data folder: `repositories/{{name}}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub into: Option<Template>,
    /// The message of the first commit; `Begin NAME` if not said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<Template>,
    /// The repository to remove, if it was made by this very request; any other is left alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remove: Option<Template>,
}

/// What later steps can use of a new repository.
const OUTPUTS: [&str; 3] = ["path", "commit", "url"];

/// Who made what is at a place.
#[derive(Debug, PartialEq)]
enum Found {
    Nothing,
    /// This request made it, with this first commit.
    Ours(String),
    Other,
}

impl Scaffold {
    /// Makes the repository, or finds that this request has made it already; or removes it.
    pub async fn run(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        if let Some(remove) = &self.remove {
            return remove_from(&Place::of(tools, attempt, remove)?, attempt).await;
        }
        let (_, into) = self.making()?;
        let place = Place::of(tools, attempt, into)?;
        let found = match find(&place, attempt).await {
            Found::Nothing => self.make(tools, attempt, &place).await?,
            found => found,
        };
        Ok(outcome(&place, found))
    }

    /// What became of an attempt that was interrupted: a repository is there whole or not at all.
    pub async fn recover(&self, tools: &Tools, attempt: &Attempt) -> Result<Outcome> {
        let removes = self.remove.is_some();
        let place = Place::of(tools, attempt, self.remove.as_ref().map_or_else(|| self.making().map(|m| m.1), Ok)?)?;
        Ok(match find(&place, attempt).await {
            Found::Nothing if removes => Outcome::done(format!("{} is not there", place.shown), Map::new()),
            Found::Ours(_) if removes => Outcome::untouched(format!("{} is still there", place.shown)),
            found => outcome(&place, found),
        })
    }

    /// Makes the repository beside its place and moves it there whole.
    async fn make(&self, tools: &Tools, attempt: &Attempt, place: &Place) -> Result<Found> {
        let (template, _) = self.making()?;
        let message = match &self.commit {
            Some(commit) => commit.render(&attempt.values, Escape::Plain)?,
            None => format!("Begin {}", place.name()),
        };
        let draft = Draft::new(place, &attempt.request)?;
        let (from, to, values) = (template_folder(tools, template)?, draft.0.clone(), attempt.values.clone());
        tokio::task::spawn_blocking(move || write(&from, &to, &values)).await??;
        let commit = tokio::select! {
            () = attempt.cancel.cancelled() => {
                return Err(UserError::invalid("it was stopped before the repository was in place").into());
            }
            commit = git::begin(&draft.0, &message, (&attempt.request, tools.clock.now())) => commit?,
        };
        match move_whole(&draft.0, &place.path) {
            Ok(()) => Ok(Found::Ours(commit)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(find(place, attempt).await),
            Err(error) => Err(error).with_context(|| place.shown.clone()),
        }
    }

    /// `make the git repository repositories/orders from templates/service`
    pub fn plan(&self, values: &Value) -> Result<String> {
        if let Some(remove) = &self.remove {
            return Ok(format!("remove the git repository {}", remove.render(values, Escape::Plain)?));
        }
        let (template, into) = self.making()?;
        Ok(format!("make the git repository {} from {template}", into.render(values, Escape::Plain)?))
    }

    /// What the check looks at: the templates of the keys and of every file of the template directory.
    pub fn inspect(&self, tools: &Tools) -> Inspection {
        let mut inspector = Inspector::default();
        let templates = [("into", &self.into), ("commit", &self.commit), ("remove", &self.remove)];
        for (key, template) in templates {
            if let Some(template) = template {
                inspector.template(key, template);
            }
        }
        let makes = self.template.is_some() || self.into.is_some() || self.commit.is_some();
        if self.remove.is_some() && makes {
            let hint = "put `remove` into [command.step.undo.scaffold]";
            inspector.mistake("remove", "a scaffold either makes a repository or removes one", Some(hint));
        } else if self.remove.is_none() && self.making().is_err() {
            inspector.mistake("", "a scaffold needs `template` and `into`, or `remove`", None);
        }
        if let Some(template) = &self.template {
            inspect_template(&mut inspector, tools, template);
        }
        let outputs = if self.remove.is_some() { &OUTPUTS[..0] } else { &OUTPUTS[..] };
        inspector.outputs(&outputs.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    /// From where to where, for a scaffold that makes something.
    fn making(&self) -> Result<(&str, &Template)> {
        match (&self.template, &self.into) {
            (Some(template), Some(into)) => Ok((template, into)),
            _ => anyhow::bail!("a scaffold needs `template` and `into`, or `remove`"),
        }
    }
}

fn inspect_template(inspector: &mut Inspector, tools: &Tools, template: &str) {
    let read = template_folder(tools, template).and_then(|folder| Ok(tree::read(&folder)?));
    let Ok((sources, mistakes)) = read else {
        let hint = "it is looked for in the folder of the capability files";
        return inspector.mistake("template", format!("there is no folder `{template}`"), Some(hint));
    };
    for source in &sources {
        let text = match &source.content {
            Content::Text(text) => Some(text),
            Content::Binary(_) => None,
        };
        let templates = source.names.iter().chain(text);
        templates.for_each(|t| inspector.template(format!("template.{}", source.place), t));
    }
    for (place, why) in mistakes {
        let hint = why.starts_with("not a template").then_some("write \\{{ for braces that are to stay");
        inspector.mistake("template", format!("{template}/{place}: {why}"), hint);
    }
}

/// The template directory, which is inside the folder of the capability files.
fn template_folder(tools: &Tools, template: &str) -> Result<PathBuf> {
    if !template.split('/').all(is_name) {
        return Err(UserError::invalid(format!("`{template}` is not a folder beside the capability files")).into());
    }
    Ok(tools.commands.join(template))
}

fn write(from: &Path, to: &Path, values: &Value) -> Result<()> {
    let (sources, mistakes) = tree::read(from).with_context(|| from.display().to_string())?;
    if let Some((place, why)) = mistakes.first() {
        return Err(UserError::invalid(format!("the template's file {place} cannot be used: {why}")).into());
    }
    tree::write(&sources, values, to)
}

fn outcome(place: &Place, found: Found) -> Outcome {
    match found {
        Found::Nothing => Outcome::untouched(format!("{} has not been made", place.shown)),
        Found::Other => Outcome::failed(format!("there is something else at {} already", place.shown)),
        Found::Ours(commit) => {
            let url = url::Url::from_file_path(&place.path).map(String::from).unwrap_or_default();
            let values = [json!(place.path), json!(commit), json!(url)];
            let outputs = OUTPUTS.iter().map(|name| (*name).to_owned()).zip(values).collect();
            Outcome::done(format!("the repository {} is there", place.shown), outputs)
        }
    }
}

/// A folder beside the place, gone again when dropped unless it was moved into place.
struct Draft(PathBuf);

impl Draft {
    /// A new folder. What an interrupted attempt of the same request left is removed: two drafts at the same time mean
    /// that the other one's lease is over.
    fn new(place: &Place, request: &str) -> Result<Self> {
        let parent = place.path.parent().context("a place without a parent")?;
        fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
        let prefix = format!(".{}.{request}.", place.name());
        for entry in fs::read_dir(parent)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(&prefix) {
                fs::remove_dir_all(entry.path()).ok();
            }
        }
        let draft = Self(parent.join(format!("{prefix}{}", uuid::Uuid::new_v4().simple())));
        fs::create_dir(&draft.0)?;
        Ok(draft)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

/// Moves a folder to a place where nothing is, in one step.
fn move_whole(from: &Path, to: &Path) -> io::Result<()> {
    match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // A file system without that flag; a plain rename refuses a folder that has something in it.
        Err(rustix::io::Errno::INVAL) => fs::rename(from, to),
        result => result.map_err(io::Error::from),
    }
}

async fn find(place: &Place, attempt: &Attempt) -> Found {
    if fs::symlink_metadata(&place.path).is_err() {
        return Found::Nothing;
    }
    match git::origin(&place.path).await {
        Some((request, commit)) if request == attempt.request => Found::Ours(commit),
        _ => Found::Other,
    }
}

async fn remove_from(place: &Place, attempt: &Attempt) -> Result<Outcome> {
    Ok(match find(place, attempt).await {
        Found::Nothing => Outcome::done(format!("{} is not there", place.shown), Map::new()),
        Found::Other => {
            let why = format!("{} was not made by this request, so it is left alone", place.shown);
            Outcome::failed(why)
        }
        Found::Ours(_) => {
            // Out of sight in one step; what a crash leaves of it is no repository at the place any more.
            let bin = Draft::new(place, &attempt.request)?;
            move_whole(&place.path, &bin.0.join(place.name())).with_context(|| place.shown.clone())?;
            Outcome::done(format!("{} is removed", place.shown), Map::new())
        }
    })
}
