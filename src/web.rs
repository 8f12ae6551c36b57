//! What is reached over HTTP: the server with its limits, and what answers beyond the chat page.

pub mod api;
pub mod guard;
pub mod health;
pub mod hooks;
mod json;
mod refusal;
pub mod server;
pub mod token;
