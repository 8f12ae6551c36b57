//! Stationmaster: the chat-ops front door of an internal developer platform.
//!
//! The rooms, by floor; a room imports only from floors below it. `tests/it/architecture.rs` holds them to it.

pub mod catalogue;
pub mod chat;
pub mod clock;
pub mod config;
pub mod document;
pub mod error;
pub mod expression;
pub mod job;
pub mod log;
pub mod markdown;
pub mod mask;
pub mod message;
pub mod people;
pub mod runner;
pub mod spelling;
pub mod store;
pub mod web;
