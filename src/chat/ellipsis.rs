//! Texts that are too long for where they stand, each platform counting in its own way.

/// The text if it fits into `most`, else its beginning and an ellipsis, which counts as one; `width` is what a character
/// counts. Plain text only: it knows no markup.
pub fn shorten(text: &str, most: usize, width: impl Fn(char) -> usize) -> String {
    if text.chars().map(&width).sum::<usize>() <= most {
        return text.to_owned();
    }
    let mut room = most.saturating_sub(1);
    let fits = |c: &char| match room.checked_sub(width(*c)) {
        Some(rest) => {
            room = rest;
            true
        }
        None => false,
    };
    let kept: String = text.chars().take_while(fits).collect();
    format!("{}…", kept.trim_end())
}
