//! Why two identities do not become one person: for each reason, what to do next.

use super::merge::Side;
use crate::clock::{Millis, Span};
use crate::error::{Reason, UserError};
use crate::store::link::Link;
use crate::store::person::Identity;

/// Whether a code that `first` was shown can be said by `other`.
pub(super) fn check(link: &Link, first: &Identity, other: &Side, now: Millis) -> Result<(), UserError> {
    open(link, now)?;
    if first.is(&other.platform, &other.identity) {
        return Err(UserError::new(Reason::Conflict, "This code is your own: it was shown to you, right here.")
            .hint("say it on the other platform"));
    }
    if first.person == other.person {
        return Err(
            UserError::new(Reason::Conflict, "You are one person already.").hint("/whoami shows your identities")
        );
    }
    match link.other() {
        Some((platform, identity)) if (platform, identity) != (&other.platform, &other.identity) => Err(used()),
        _ => apart(first, other),
    }
}

/// Whether a code still stands.
pub(super) fn open(link: &Link, now: Millis) -> Result<(), UserError> {
    if link.done_at.is_some() {
        return Err(used());
    }
    if link.refused_at.is_some() {
        return Err(UserError::new(Reason::Conflict, "The answer to this code was no.").hint("ask there what happened"));
    }
    if link.expires_at <= now {
        return Err(
            UserError::new(Reason::Conflict, "The time of this code is over.").hint("type /link again for a new one")
        );
    }
    Ok(())
}

/// Two persons whom the configuration declares are never one.
pub(super) fn apart(first: &Identity, other: &Side) -> Result<(), UserError> {
    if !(other.declared(&first.person) && other.declared(&other.person)) {
        return Ok(());
    }
    let message = format!("The configuration says that {} and {} are two persons.", first.person, other.person);
    Err(UserError::new(Reason::Conflict, message).hint("ask the platform team if that is wrong"))
}

pub(super) fn unknown() -> UserError {
    UserError::new(Reason::NotFound, "There is no such code.")
        .hint("type /link on the other platform, and then here /link with the code that it shows")
}

pub(super) fn used() -> UserError {
    UserError::new(Reason::Conflict, "This code was used already.").hint("type /link again for a new one")
}

pub(super) fn too_often(wait: Span) -> UserError {
    UserError::new(Reason::Limited, "Too many codes were wrong.").hint(format!("try again in {wait}"))
}

pub(super) fn no_identity() -> UserError {
    UserError::new(Reason::NotFound, "You have no such identity.").hint("type /unlink to see yours")
}

pub(super) fn declared_here() -> UserError {
    UserError::new(Reason::Conflict, "The configuration says that this identity is you.")
        .hint("ask the platform team if that is wrong")
}

pub(super) fn only_one() -> UserError {
    UserError::new(Reason::Conflict, "This is your only identity, so it is a person of its own already.")
}
