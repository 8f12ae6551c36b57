//! Why a paging service does not say which of our persons is on call.

use serde::{Deserialize, Serialize};

use super::{Fault, OnCall, Provider};

/// Why a paging service does not say which of our persons is on call, as messages are given it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Doubt {
    /// `fault`, `nobody`, or `stranger`: somebody whom the configuration does not know.
    pub why: String,
    /// What people call the service.
    pub provider: String,
    /// The fault as a clause, or who the stranger is.
    pub detail: String,
}

impl Doubt {
    /// What there is to doubt in an answer; none where it names somebody whom the configuration knows.
    pub(super) fn of(provider: Provider, said: &Result<Option<OnCall>, Fault>) -> Option<Self> {
        let (why, detail) = match said {
            Ok(Some(OnCall { person: Some(_), .. })) => return None,
            Ok(Some(OnCall { name, id, .. })) if name == id => ("stranger", id.clone()),
            Ok(Some(OnCall { name, id, .. })) => ("stranger", format!("{name} ({id})")),
            Ok(None) => ("nobody", String::new()),
            Err(fault) => ("fault", fault.to_string()),
        };
        Some(Self { why: why.into(), provider: provider.title().into(), detail })
    }
}
