//! API tokens: what a program shows to speak for a person.

use sha2::{Digest, Sha256};

use crate::config::Config;
use crate::error::{Result, UserError};
use crate::spelling::nearest;

/// What every token begins with, so that scanners of leaked secrets know it.
const PREFIX: &str = "stm_";

/// A new token: 256 random bits. It is shown once; only its hash is kept.
pub fn new_token() -> String {
    format!("{PREFIX}{}", hex::encode(rand::random::<[u8; 32]>()))
}

/// Whether a token can be made for the person: where persons are declared, it is one of them. Otherwise the token would
/// never be valid.
pub fn check_person(config: &Config, person: &str) -> Result<()> {
    if config.person.is_empty() || config.person.contains_key(person) {
        return Ok(());
    }
    let names = config.person.keys().map(String::as_str);
    let hint = match nearest(person, names) {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("declare [person.{person}] in stationmaster.toml first"),
    };
    Err(UserError::invalid(format!("The configuration knows no person {person}.")).hint(hint).into())
}

/// What is kept of a token. A plain hash is enough: nobody can try 256 random bits. That it is the hash which is looked
/// up, and not the token, keeps the time of the look-up from saying anything about the token.
pub fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_long_and_never_the_same() {
        let (one, other) = (new_token(), new_token());
        assert_ne!(one, other);
        assert_eq!(one.len(), 4 + 64);
        assert_eq!(hash("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }
}
