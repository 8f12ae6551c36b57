//! A template directory: file names and texts that are templates, and binary files.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::is_name;
use crate::error::{Result, UserError};
use crate::message::{Escape, Template};

/// The most files that a template directory may have.
const MOST_FILES: usize = 5000;

/// One file of a template directory.
#[derive(Debug)]
pub(super) struct Source {
    /// Its place within the directory, as it is there.
    pub(super) place: String,
    /// The names of its folders and its own.
    pub(super) names: Vec<Template>,
    pub(super) content: Content,
    executable: bool,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(Template),
    Binary(PathBuf),
}

/// A file that cannot be used, and why.
pub(super) type Mistake = (String, String);

/// The files of `folder`, and those that cannot be used.
pub(super) fn read(folder: &Path) -> io::Result<(Vec<Source>, Vec<Mistake>)> {
    let (mut sources, mut mistakes, mut folders) = (Vec::new(), Vec::new(), vec![folder.to_owned()]);
    while let Some(next) = folders.pop() {
        let mut entries = fs::read_dir(next)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, kind) = (entry.path(), entry.file_type()?);
            let place = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if entry.file_name() == ".git" {
                mistakes.push((place, "a template has no history of its own".to_owned()));
            } else if kind.is_dir() {
                folders.push(path);
            } else if !kind.is_file() {
                mistakes.push((place, "a template has files and folders only; this is a link or a device".to_owned()));
            } else if sources.len() == MOST_FILES {
                mistakes.push((place, format!("a template has {MOST_FILES} files at most")));
                return Ok((sources, mistakes));
            } else {
                match source(&path, &place)? {
                    Ok(source) => sources.push(source),
                    Err(why) => mistakes.push((place, why)),
                }
            }
        }
    }
    Ok((sources, mistakes))
}

fn source(path: &Path, place: &str) -> io::Result<Result<Source, String>> {
    let executable = fs::metadata(path)?.permissions().mode() & 0o111 != 0;
    let content = match String::from_utf8(fs::read(path)?) {
        Ok(text) if !text.contains('\0') => Template::try_from(text).map(Content::Text),
        _ => Ok(Content::Binary(path.to_owned())),
    };
    let names: Result<Vec<_>, _> = place.split('/').map(|name| Template::try_from(name.to_owned())).collect();
    Ok(names.and_then(|names| Ok(Source { place: place.to_owned(), names, content: content?, executable })))
}

/// Writes the files into `folder`, with `values` filled into names and texts.
pub(super) fn write(sources: &[Source], values: &Value, folder: &Path) -> Result<()> {
    for source in sources {
        let mut path = folder.to_owned();
        for name in &source.names {
            let name = name.render(values, Escape::Plain)?;
            if !is_name(&name) || name == ".git" {
                let message =
                    format!("`{}` of the template would be named {name:?}, which is no file name", source.place);
                return Err(UserError::invalid(message).into());
            }
            path.push(name);
        }
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        match &source.content {
            Content::Text(template) => fs::write(&path, template.render(values, Escape::Plain)?)?,
            Content::Binary(from) => fs::write(&path, fs::read(from)?)?,
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(if source.executable { 0o755 } else { 0o644 }))?;
    }
    Ok(())
}
