//! All integration tests, as one binary: they link once.

mod architecture;
mod asking;
mod browser;
mod config;
mod conversation;
mod engine;
mod house;
mod page;
mod page_http;
mod requests;
mod scripted;
mod server;
mod store;
mod supply;
