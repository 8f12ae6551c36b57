//! The few words that a picture adds to what it is given.

/// Stands where a figure may not be shown; the words are those of the rules of publication.
pub const HIDDEN: &str = "hidden to protect a small group";
/// Stands where there is nothing to show.
pub const NOTHING: &str = "no figures";
/// Explains the dashed line of a trend.
pub const BREAK: &str = "the question changed";
/// Stands over the counts.
pub const COUNT: &str = "n";
/// Stands where a chart has no title.
pub const UNTITLED: &str = "Figures";

/// Says how many bars are left out.
pub fn more(count: usize) -> String {
    format!("and {count} more")
}

/// Says how many points are left out.
pub fn earlier(count: usize) -> String {
    if count == 1 { "One earlier point is left out.".into() } else { format!("{count} earlier points are left out.") }
}
