//! All integration tests, as one binary: they link once.

mod architecture;
mod asking;
mod config;
mod server;
mod engine;
mod store;
mod supply;
