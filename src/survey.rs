//! Pulse surveys: what is asked, what is computed from the answers, and what of it may be shown.

pub mod plan_line;
pub mod privacy;
