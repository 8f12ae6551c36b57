//! The catalogue: what the files of `commands/` offer, checked before it is used.

pub mod capability;
pub mod choices;
pub mod command;
pub mod complete;
pub mod form;
pub mod given;
pub mod input;
pub mod line;
pub mod names;
pub mod parameter;
pub mod resolve;
pub mod search;

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use capability::Capability;
use command::Command;

/// Everything that is on offer. Invariant: every file of it passed the check.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// The capabilities, by name.
    pub capabilities: BTreeMap<String, Arc<Capability>>,
    /// The commands, by full name (`db create`).
    pub commands: BTreeMap<String, Arc<Command>>,
    /// What is searched, made when it is first needed.
    index: OnceLock<search::Index>,
}

impl Catalogue {
    /// A catalogue of what passed the check.
    pub fn new(capabilities: BTreeMap<String, Arc<Capability>>, commands: BTreeMap<String, Arc<Command>>) -> Self {
        Self { capabilities, commands, index: OnceLock::new() }
    }
}
