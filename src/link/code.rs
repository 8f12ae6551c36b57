//! Codes: short enough to be copied by hand, and too many to be guessed.

/// Letters and digits that look like no other.
const ALPHABET: &[u8; 31] = b"ABCDEFGHJKMNPQRSTUVWXYZ23456789";
/// How many of them a code has: 31⁸ is 850 000 million.
const LENGTH: usize = 8;

/// A new code.
pub(super) fn new() -> String {
    let letter = |_| char::from(ALPHABET[rand::random_range(0..ALPHABET.len())]);
    (0..LENGTH).map(letter).collect()
}

/// A code as it is shown.
pub(super) fn spaced(code: &str) -> String {
    let (first, last) = code.split_at(LENGTH / 2);
    format!("{first}-{last}")
}

/// A code as it was typed, in whatever manner.
pub(super) fn read(typed: &str) -> String {
    let letters = typed.chars().filter(char::is_ascii_alphanumeric).take(LENGTH * 2);
    letters.map(|letter| letter.to_ascii_uppercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_as_people_type_it() {
        let code = new();
        assert_eq!((code.len(), read(&spaced(&code))), (LENGTH, code.clone()));
        assert_eq!(read(&format!(" {} ", spaced(&code).to_lowercase().replace('-', " – "))), code);
        assert!(code.bytes().all(|letter| ALPHABET.contains(&letter)));
        assert_ne!(new(), code);
    }
}
