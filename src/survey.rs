//! Surveys: who is asked when, what they are promised, and what becomes of their answers.

pub mod budget;
pub mod cohort;
pub mod hour;
