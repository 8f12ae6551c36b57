//! Pulse surveys: what is asked, what is computed from the answers, and what of it may be shown.

pub mod choice;
pub mod compare;
pub mod interval;
pub mod line;
pub mod percent;
pub mod plan_line;
pub mod privacy;
pub mod promoter;
pub mod question;
pub mod response;
pub mod sample;
pub mod score;
pub mod tally;
