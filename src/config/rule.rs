//! What a configuration must keep to beyond the types of its keys.

use secrecy::ExposeSecret;
use tracing_subscriber::EnvFilter;

use super::Config;
use crate::clock::Span;

mod identity;
mod platform;
mod team;

/// The shortest lease: renewals come three times in it, and a slow commit takes up to a second.
const SHORTEST_LEASE: Span = Span::from_secs(3);
/// The most pieces of work at a time in one process.
const MOST_WORKERS: usize = 1024;

/// A value that cannot be used.
pub(super) struct Breach {
    /// The key: `web.listen`.
    pub path: String,
    /// What is the matter.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// Whether the value is a secret, so that the line it stands in is not shown.
    pub hidden: bool,
}

/// Everything that is broken.
pub(super) fn breaches(config: &Config) -> Vec<Breach> {
    let mut breaches = Vec::new();
    check_web(config, &mut breaches);
    check_jobs(config, &mut breaches);
    check_secrets(config, &mut breaches);
    check_names(config, &mut breaches);
    platform::check(config, &mut breaches);
    identity::check(config, &mut breaches);
    team::check(config, &mut breaches);
    if let Err(error) = EnvFilter::try_new(&config.log.level) {
        breaches.push(breach(
            "log.level",
            format!("this is not a filter: {error}"),
            "write for example info, or stationmaster=debug,sqlx=warn",
        ));
    }
    breaches
}

fn breach(path: impl Into<String>, message: impl Into<String>, hint: impl Into<String>) -> Breach {
    Breach { path: path.into(), message: message.into(), hint: hint.into(), hidden: false }
}

fn check_web(config: &Config, breaches: &mut Vec<Breach>) {
    let web = &config.web;
    if web.page && !web.listen.ip().is_loopback() {
        breaches.push(breach(
            "web.listen",
            format!("the chat page has no sign-in, so it is not served on {}, which others can reach", web.listen),
            format!(
                "listen on 127.0.0.1:{port} and reach it through ssh -L {port}:127.0.0.1:{port} or a proxy that signs people \
                 in; or switch the page off with web.page = false, which leaves the API",
                port = web.listen.port()
            ),
        ));
    }
    let is_origin = |public: &String| url::Url::parse(public).is_ok_and(|url| is_base(&url) && url.path() == "/");
    if web.public_url.as_ref().is_some_and(|public| !is_origin(public)) {
        let hint = "write the scheme, the host and, if needed, the port: https://stationmaster.example.org";
        breaches.push(breach("web.public_url", "this is not the address of a server", hint));
    }
}

/// Whether a path can be put behind an address.
fn is_base(url: &url::Url) -> bool {
    matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.query().is_none()
        && url.fragment().is_none()
        && url.username().is_empty()
        && url.password().is_none()
}

fn check_jobs(config: &Config, breaches: &mut Vec<Breach>) {
    let jobs = &config.jobs;
    if !(1..=MOST_WORKERS).contains(&jobs.workers) {
        let message = format!("{} workers cannot be had", jobs.workers);
        breaches.push(breach("jobs.workers", message, format!("write a number from 1 to {MOST_WORKERS}")));
    }
    if jobs.lease < SHORTEST_LEASE {
        let message = format!("a lease of {} ends before it can be renewed", String::from(jobs.lease));
        breaches.push(breach("jobs.lease", message, format!("write {SHORTEST_LEASE} or more; 15s is usual")));
    }
}

fn check_secrets(config: &Config, breaches: &mut Vec<Breach>) {
    let named = config.templates.secret.iter().map(|(name, secret)| (format!("templates.secret.{name}"), secret));
    let database = config.database.url.iter().map(|url| ("database.url".to_owned(), url));
    for (path, secret) in database.chain(named) {
        if secret.expose_secret().trim().is_empty() {
            breaches.push(breach(path, "this secret is empty", "give it its value, or leave the key out"));
        }
    }
}

fn check_names(config: &Config, breaches: &mut Vec<Breach>) {
    for name in config.templates.env.iter().filter(|name| name.to_ascii_uppercase().starts_with("STATIONMASTER_")) {
        let message = format!("templates may not read {name}, which may hold a secret of Stationmaster itself");
        breaches.push(breach("templates.env", message, "give templates a variable of their own"));
    }
}
