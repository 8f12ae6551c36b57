//! Where the values of a choice come from when they are not in the file: asked for, kept for a while, or not known.

use async_trait::async_trait;
use serde_json::Value;

use super::parameter::ChoicesFrom;
use crate::error::Result;

/// Where values that are not in the file are looked up.
#[async_trait]
pub trait Lookup: Send + Sync {
    /// The values for an input, a JSON object of the other parameters; `None` where they cannot be known at all, so that
    /// any is taken. An error if they cannot be had at the moment.
    async fn choices(&self, from: &ChoicesFrom, values: &Value) -> Result<Option<Vec<String>>>;

    /// The names of the teams; `None` if they are not known.
    fn teams(&self) -> Option<&[String]> {
        None
    }

    /// The names of the persons; `None` if they are not known.
    fn people(&self) -> Option<&[String]> {
        None
    }
}

/// Knows nothing and takes anything: for the check, which has no network.
#[derive(Debug, Clone, Copy)]
pub struct Offline;

#[async_trait]
impl Lookup for Offline {
    async fn choices(&self, _: &ChoicesFrom, _: &Value) -> Result<Option<Vec<String>>> {
        Ok(None)
    }
}
