//! All integration tests, as one binary: they link once.

mod architecture;
mod asking;
mod supply;
