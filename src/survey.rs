//! Pulse surveys: who is asked what and when, what is computed from the answers, and what of it may be shown.

pub mod budget;
pub mod choice;
pub mod cohort;
pub mod compare;
pub mod hour;
pub mod interval;
pub mod line;
pub mod percent;
pub mod promoter;
pub mod response;
pub mod sample;
pub mod score;
pub mod tally;

pub use crate::catalogue::survey::kind as question;
