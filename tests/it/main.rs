//! All integration tests, as one binary: they link once.

mod architecture;
mod asking;
mod config;
mod engine;
mod house;
mod runners;
mod server;
mod store;
mod supply;
