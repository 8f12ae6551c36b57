//! All integration tests, as one binary: they link once.

mod architecture;
mod asking;
mod config;
mod engine;
mod proposing;
mod store;
mod supply;
