//! All integration tests, as one binary: they link once.

mod architecture;
mod config;
mod server;
mod supply;
