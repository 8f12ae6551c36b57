//! What is reached over HTTP: the server with its limits, and what answers beyond the chat page.

pub mod guard;
pub mod server;
