//! All integration tests, as one binary: they link once.

mod api;
mod architecture;
mod asking;
mod browser;
mod calling_off;
mod check;
mod command_line;
mod config;
mod conversation;
mod crash;
mod documentation;
mod engine;
mod house;
mod page;
mod page_http;
mod page_whole;
mod proposing;
mod requests;
mod runners;
mod sample;
mod scripted;
mod server;
mod store;
mod supply;
mod terminal;
mod wire;
