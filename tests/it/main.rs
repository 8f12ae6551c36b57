//! The tests that talk to the house from outside, in one program.

mod asking;
