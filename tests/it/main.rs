//! All integration tests, as one binary: they link once.

mod api;
mod architecture;
mod asking;
mod browser;
mod command_line;
mod config;
mod engine;
mod house;
mod page;
mod requests;
mod scripted;
mod server;
mod store;
mod supply;
