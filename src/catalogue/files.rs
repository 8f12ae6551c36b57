//! The files of a folder: which there are, and whether they changed.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::document::Problem;

/// The TOML files directly in `folder`, by name; whatever ends in `.toml` counts, so that a folder of that name is told
/// to its author as the mistake that it is. Hidden files are left alone: editors leave them behind.
pub(super) fn list(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let unreadable = |error: std::io::Error| {
        Problem::whole(
            &folder.display().to_string(),
            format!("the folder of the capability files cannot be read: {error}"),
        )
        .hint("`commands` in stationmaster.toml says where it is")
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if !hidden && path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// The folder of survey files within that of the capability files.
const SURVEYS: &str = "surveys";

/// The survey files of a folder of capability files, by name; none if it has no folder of surveys.
pub(super) fn surveys(folder: &Path) -> Result<Vec<PathBuf>, Problem> {
    let folder = folder.join(SURVEYS);
    if folder.is_dir() { list(&folder) } else { Ok(Vec::new()) }
}

/// Notices that the files of a folder changed, or those of its folder of surveys.
#[derive(Debug)]
pub struct Watch {
    folder: PathBuf,
    seen: Vec<Mark>,
}

/// A file by what changes when it is written: its path, its time of change, its length.
type Mark = (PathBuf, Option<SystemTime>, u64);

impl Watch {
    /// Watches what is directly in `folder` or its folder of surveys; what is there now counts as seen.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), seen: marks(folder) }
    }

    /// Whether a file was added, changed or removed since the last call. It looks once and does not wait.
    pub fn changed(&mut self) -> bool {
        let now = marks(&self.folder);
        let changed = now != self.seen;
        self.seen = now;
        changed
    }
}

/// What is in the folder; nothing if it cannot be read, which is a change too.
fn marks(folder: &Path) -> Vec<Mark> {
    let folders = [folder.to_owned(), folder.join(SURVEYS)];
    let entries = folders.iter().flat_map(std::fs::read_dir).flatten().flatten();
    let mut marks: Vec<Mark> = entries
        .filter_map(|entry| {
            // Of a link, what it points at counts: a mounted configuration is swapped so.
            let facts = std::fs::metadata(entry.path()).ok()?;
            Some((entry.path(), facts.modified().ok(), facts.len()))
        })
        .collect();
    marks.sort();
    marks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_change_is_noticed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("a.toml");
        let mut watch = Watch::new(folder.path());
        assert!(!watch.changed());
        std::fs::write(&file, "a").expect("written");
        assert!(watch.changed());
        assert!(!watch.changed());
        std::fs::write(&file, "longer").expect("written");
        assert!(watch.changed());
        std::fs::rename(&file, folder.path().join("b.toml")).expect("renamed");
        assert!(watch.changed());
        std::fs::remove_dir_all(folder.path()).expect("removed");
        assert!(watch.changed());
        assert!(!watch.changed());
    }

    #[test]
    fn only_toml_files_count_sorted() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["b.toml", "a.toml", "a.toml~", ".a.toml", "README.md"] {
            std::fs::write(folder.path().join(name), "").expect("written");
        }
        std::fs::create_dir(folder.path().join("surveys")).expect("made");
        let names: Vec<_> =
            list(folder.path()).expect("listed").iter().map(|p| p.file_name().map(|n| n.to_owned())).collect();
        assert_eq!(names, [Some("a.toml".into()), Some("b.toml".into())]);
        assert_eq!(list(&folder.path().join("missing")).expect_err("missing").line, 0);
    }
}
