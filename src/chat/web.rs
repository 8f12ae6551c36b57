//! The web adapter.
