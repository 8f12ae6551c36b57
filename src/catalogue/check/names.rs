//! The check of names across all files: what exists twice, hides another, or does not exist.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Findings, Remark};
use super::{Examined, File};
use crate::document::Problem;

/// What is wrong between the files.
pub(super) fn check(Examined { files, count, .. }: &Examined) -> Vec<Problem> {
    let mut all: Vec<Findings<'_>> = files.iter().map(|file| Findings::new(&file.document)).collect();
    check_capabilities(files, &mut all);
    // A file that cannot be read at all may well declare what seems to be missing.
    if files.len() == *count {
        check_fallbacks(files, &mut all);
    }
    check_commands(files, &mut all);
    all.into_iter().flat_map(Findings::into_problems).collect()
}

fn check_capabilities(files: &[File], all: &mut [Findings<'_>]) {
    let mut first: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, file) in files.iter().enumerate() {
        let name = file.content.capability.name.as_str();
        match first.get(name) {
            Some(before) if !name.is_empty() => {
                let place = files[*before].document.problem("capability.name", "").place();
                let remark = Remark::new(format!("the capability `{name}` is declared twice"));
                all[index].add("capability.name", remark.hint(format!("the other one is at {place}")));
            }
            _ => {
                first.insert(name, index);
            }
        }
    }
}

fn check_fallbacks(files: &[File], all: &mut [Findings<'_>]) {
    let names = || files.iter().map(|file| file.content.capability.name.as_str());
    let known: BTreeSet<&str> = names().collect();
    for (index, file) in files.iter().enumerate() {
        let (name, fallback) = (&file.content.capability.name, &file.content.capability.fallback);
        let Some(fallback) = fallback else { continue };
        if fallback == name {
            all[index].add("capability.fallback", "a capability cannot be its own fallback");
        } else if !known.contains(fallback.as_str()) {
            let remark = Remark::new(format!("there is no capability `{fallback}`"));
            all[index].add("capability.fallback", remark.guess(fallback, names()));
        }
    }
}

/// Where a command is declared: the position of its file, and its own in it.
type Place = (usize, usize);

fn check_commands(files: &[File], all: &mut [Findings<'_>]) {
    let mut first: BTreeMap<&str, Place> = BTreeMap::new();
    for (file, File { content, .. }) in files.iter().enumerate() {
        for (position, command) in content.command.iter().enumerate() {
            match first.get(command.name.as_str()) {
                Some(before) if !command.name.is_empty() => {
                    let remark = Remark::new(format!("the command `/{}` is declared twice", command.name));
                    all[file].add(
                        &path((file, position)),
                        remark.hint(format!("the other one is at {}", place(files, *before))),
                    );
                }
                _ => {
                    first.insert(&command.name, (file, position));
                }
            }
        }
    }
    for (name, &(file, position)) in &first {
        for (end, _) in name.match_indices(' ') {
            let beginning = &name[..end];
            if let Some(short) = first.get(beginning) {
                let remark = Remark::new(format!(
                    "`/{name}` begins like the command `/{beginning}`, so that one would read `{}` as input",
                    &name[end + 1..]
                ));
                let hint = format!("give one of them another name; `/{beginning}` is at {}", place(files, *short));
                all[file].add(&path((file, position)), remark.hint(hint));
            }
        }
    }
}

fn path((_, position): Place) -> String {
    format!("command[{position}].name")
}

fn place(files: &[File], place: Place) -> String {
    files[place.0].document.problem(&path(place), "").place()
}
