//! When two escalations are the same trouble: what differs from case to case is blanked before they are compared.

use std::sync::LazyLock;

use regex::Regex;
use sha2::{Digest, Sha256};

/// Quoted names, addresses, ids, hexadecimal and other numbers: what names this very case and not its kind.
static OWN: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = concat!(
        r#""[^"]*"|“[^”]*”|`[^`]*`|'[^'\n]*'"#,
        r"|https?://\S+",
        r"|[a-z0-9]*[_\-][a-z0-9_\-]*[0-9][a-z0-9_\-]*",
        r"|\b(?:0x)?[0-9a-f]{7,}\b",
        r"|[a-z]*[0-9][a-z0-9]*(?:[.:][0-9a-z]+)*",
    );
    Regex::new(pattern).expect("the pattern is fixed, and a test compiles it")
});

/// What is the same in all errors of a kind.
pub(super) fn blank(error: &str) -> String {
    let lower = error.to_lowercase();
    let blanked = OWN.replace_all(&lower, "#");
    blanked.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One word for capability, command, step, reason and error, where the error is blanked.
pub(super) fn likeness(parts: [&str; 4], error: &str) -> String {
    let mut digest = Sha256::new();
    for part in parts.into_iter().chain([blank(error).as_str()]) {
        // Lengths go before the parts, so that no two different lists are the same bytes.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex::encode(&digest.finalize()[..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_names_the_case_is_blanked_and_the_kind_stays() {
        for (one, other) in [
            ("no space left on /dev/sda1 after 20 tries", "No space left on /dev/sdb7 after 3 tries"),
            ("database \"orders\" exists", "database \"carts\"  exists"),
            ("run 7f3a9c01deadbeef failed at 10:07:31", "run 0123456789abcdef failed at 23:59:00"),
            ("req_01k9 not found, see https://a.example/1", "req_77ab9 not found, see https://b.example/2"),
        ] {
            assert_eq!(blank(one), blank(other));
        }
        assert_ne!(blank("no space left"), blank("no such table"));
        assert_eq!(blank("quota exceeded in 'eu-1'"), "quota exceeded in #");
    }

    #[test]
    fn parts_do_not_run_into_each_other() {
        assert_ne!(likeness(["a", "bc", "", ""], "x"), likeness(["ab", "c", "", ""], "x"));
        assert_eq!(likeness(["a", "b", "c", "d"], "x 1"), likeness(["a", "b", "c", "d"], "x 2"));
    }
}
