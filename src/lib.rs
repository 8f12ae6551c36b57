//! Stationmaster: the chat-ops front door of an internal developer platform.
//!
//! The rooms, by floor; a room imports only from floors below it, and `tests/it/architecture.rs` holds them to it.
//!
//! - Floor 6: [`serve`] (the loops), [`web`] (the server, the API, health), [`doctor`] (what is amiss), [`sample`] (steps of
//!   the sample platform).
//! - Floor 5: [`desk`] (event → feature, job → feature, error → words).
//! - Floor 4: [`request`] (self-service), [`escalation`] (humans by exception), [`survey`] (pulse surveys), [`help`] (finding
//!   one's way), [`link`] (one person on several platforms), [`away`] (who is not there), [`oncall`] (who is asked first).
//! - Floor 3: [`app`] (the shared handles).
//! - Floor 2: [`catalogue`], [`people`], [`runner`], [`pager`] (paging services), [`chat`].
//! - Floor 1: [`store`], [`job`], [`message`], [`config`], [`calendar`] and the small rooms beside them.

pub mod app;
pub mod away;
pub mod calendar;
pub mod catalogue;
pub mod chat;
pub mod clock;
pub mod config;
pub mod desk;
pub mod doctor;
pub mod document;
pub mod error;
pub mod escalation;
pub mod expression;
pub mod help;
pub mod job;
pub mod link;
pub mod log;
pub mod markdown;
pub mod mask;
pub mod message;
pub mod oncall;
pub mod pager;
pub mod people;
pub mod picture;
pub mod request;
pub mod runner;
pub mod sample;
pub mod serve;
pub mod spelling;
pub mod store;
pub mod survey;
pub mod web;
