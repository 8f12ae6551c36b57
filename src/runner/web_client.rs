//! The one way out to the network: deadlines, byte limits, redirects and addresses by policy.

/// An HTTP client that goes only where the configuration lets it.
#[derive(Debug, Clone)]
pub struct WebClient {}
