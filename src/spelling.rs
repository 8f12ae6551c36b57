//! "Did you mean": the known word that is nearest to one that was typed.

/// The candidate that `word` is most likely a misspelling or an abbreviation of, or `None` if none is near enough. Upper
/// and lower case are the same; of equally near ones it is the first.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        let Some(distance) = distance(&word, &candidate.to_lowercase()) else { continue };
        if best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// How many letters must be added, dropped, changed or swapped, if that is at most a third of the longer word. A
/// beginning of at least three letters counts as an abbreviation, farther than any misspelling.
fn distance(word: &str, candidate: &str) -> Option<usize> {
    let (typed, known) = (word.chars().count(), candidate.chars().count());
    let limit = (typed.max(known) + 1) / 3;
    // The lengths alone rule out most candidates, and all comparisons with an enormous word.
    if typed.abs_diff(known) <= limit {
        let edits = strsim::damerau_levenshtein(word, candidate);
        if edits <= limit {
            return Some(edits);
        }
    }
    (typed >= 3 && candidate.starts_with(word)).then_some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspellings_and_abbreviations_are_understood() {
        let known = ["summary", "step", "environment", "env check", "db create"];
        for (typed, meant) in [
            ("sumary", "summary"),
            ("sumamry", "summary"),
            ("Steps", "step"),
            ("enviroment", "environment"),
            ("environm", "environment"),
            ("dbcreate", "db create"),
            ("env chck", "env check"),
        ] {
            assert_eq!(nearest(typed, known), Some(meant), "{typed}");
        }
    }

    #[test]
    fn what_is_not_near_is_not_guessed() {
        for typed in ["", "x", "zz", "banana", "deploy", "summarisation"] {
            assert_eq!(nearest(typed, ["summary", "step", "db"]), None, "{typed}");
        }
        assert_eq!(nearest(&"s".repeat(1_000_000), ["summary"]), None);
    }

    #[test]
    fn the_nearest_wins_then_the_first() {
        assert_eq!(nearest("stap", ["stop", "step", "stapl"]), Some("stop"));
        assert_eq!(nearest("step", ["steps", "step"]), Some("step"));
    }
}
