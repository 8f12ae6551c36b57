//! All integration tests, as one binary: they link once.

mod api;
mod architecture;
mod asking;
mod config;
mod engine;
mod house;
mod server;
mod store;
mod supply;
