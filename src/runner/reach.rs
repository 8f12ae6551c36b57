//! Which hosts runners may reach: the configuration's policy, and what makes an address public.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::bail;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

use crate::config::HttpPolicy;
use crate::error::Result;

/// The policy of `[http]`, read.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    private: Vec<Entry>,
    only: Vec<Entry>,
}

/// `HOST` or `HOST:PORT`
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    host: Host,
    port: Option<u16>,
}

/// How a permitted address may be connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Only if its name leads to public addresses.
    Public,
    /// Wherever its name leads: the configuration says so.
    Any,
}

/// Why an address is not gone to; one plain sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused(pub(super) String);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl Reach {
    pub(super) fn new(policy: &HttpPolicy) -> Result<Self> {
        let read = |entries: &[String]| entries.iter().map(|entry| Entry::read(entry)).collect::<Result<Vec<_>>>();
        Ok(Self { private: read(&policy.allow_private)?, only: read(&policy.only)? })
    }

    /// The address in `text`, and how it may be reached. The parser has read every notation of a number by then
    /// (`2130706433`, `0x7f.1`), so that the check sees what will be connected to.
    pub(super) fn check(&self, text: &str) -> Result<(Url, Way), Refused> {
        let url = Url::parse(text).map_err(|_| Refused("the address is not a URL".into()))?;
        if leads_up(text) {
            return Err(Refused("a part of the address is only dots, which would make it another address".into()));
        }
        let host = url.host().map(|host| host.to_owned());
        let (Some(host), "http" | "https") = (host, url.scheme()) else {
            return Err(Refused("the address does not begin with http:// or https://".into()));
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused(format!("the address has a user name before {host}; a header is the place for it")));
        }
        let port = url.port_or_known_default();
        let host = normal(host);
        if !self.only.is_empty() && !self.only.iter().any(|entry| entry.is(&host, port)) {
            return Err(Refused(format!("{host} is not among the hosts of `http.only` in the configuration")));
        }
        if self.private.iter().any(|entry| entry.is(&host, port)) {
            return Ok((url, Way::Any));
        }
        match host {
            Host::Domain(_) => Ok((url, Way::Public)),
            Host::Ipv4(ip) if is_public(ip.into()) => Ok((url, Way::Public)),
            Host::Ipv6(ip) if is_public(ip.into()) => Ok((url, Way::Public)),
            private => Err(not_public(&private.to_string())),
        }
    }
}

impl Entry {
    fn read(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Ok(ip) = text.parse::<Ipv6Addr>() {
            return Ok(Self { host: normal(Host::Ipv6(ip)), port: None });
        }
        let (host, port) = match text.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (text, None),
        };
        match (Host::parse(host), port.map(str::parse).transpose()) {
            (Ok(host), Ok(port)) => Ok(Self { host: normal(host), port }),
            _ => bail!("`{text}` is not a host; write for example platform.internal or 127.0.0.1:8080"),
        }
    }

    fn is(&self, host: &Host, port: Option<u16>) -> bool {
        self.host == *host && (self.port.is_none() || self.port == port)
    }
}

/// Whether a segment of the path is `.` or `..`. The parser resolves them, encoded ones too, so a value that is only
/// dots would leave its place.
fn leads_up(text: &str) -> bool {
    let path = text.split(['?', '#']).next().unwrap_or_default().to_ascii_lowercase().replace("%2e", ".");
    path.split(['/', '\\']).any(|segment| segment == "." || segment == "..")
}

/// The same host in one way of writing: no final dot, and no IPv4 address inside an IPv6 one.
fn normal(host: Host) -> Host {
    match host {
        Host::Domain(name) => Host::Domain(name.trim_end_matches('.').to_owned()),
        Host::Ipv6(ip) => ip.to_ipv4_mapped().map_or(Host::Ipv6(ip), Host::Ipv4),
        ip => ip,
    }
}

fn not_public(host: &str) -> Refused {
    Refused(format!("{host} is a private address, and `http.allow_private` of the configuration does not name it"))
}

/// Whether an address is one of the public internet: not among IANA's special-purpose registries.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => match ip.to_ipv4_mapped() {
            Some(ip) => is_public_v4(ip),
            None => is_public_v6(ip),
        },
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    !matches!(
        ip.octets(),
        [0 | 10 | 127, ..]                  // this network, private, loopback
            | [100, 64..=127, ..]           // shared by carriers
            | [169, 254, ..]                // link-local, with the clouds' metadata
            | [172, 16..=31, ..]
            | [192, 168, ..]
            | [192, 0, 0 | 2, _]            // protocols, documentation
            | [192, 88, 99, _]              // relays to IPv6
            | [198, 18 | 19, ..]            // benchmarks
            | [198, 51, 100, _]
            | [203, 0, 113, _]
            | [224..=255, ..] // multicast, reserved, broadcast
    )
}

/// Only global unicast is public, less what carries other addresses inside (Teredo, 6to4) and documentation.
fn is_public_v6(ip: Ipv6Addr) -> bool {
    match ip.segments() {
        [0x2001, 0..=0x01ff, ..] | [0x2001, 0x0db8, ..] | [0x2002, ..] => false,
        [0x3fff, 0..=0x0fff, ..] => false,
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// Resolves names to public addresses only. It is asked at every connect, so that a name cannot change between check
/// and use.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<_> = tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<_> = found.iter().copied().filter(|address| is_public(address.ip())).collect();
            if public.is_empty() && !found.is_empty() {
                return Err(not_public(name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reach(private: &[&str], only: &[&str]) -> Reach {
        let own = |list: &[&str]| list.iter().map(|s| (*s).to_owned()).collect();
        Reach::new(&HttpPolicy { allow_private: own(private), only: own(only) }).expect("a policy")
    }

    #[test]
    fn d1_private_addresses_are_refused_in_every_notation() {
        let none = reach(&[], &[]);
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://127.1/",
            "http://[::1]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:7f00:1]/",
            "http://[::127.0.0.1]/",
            "http://[64:ff9b::7f00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[fe80::1]/",
            "http://[fd00::1]/",
            "http://0.0.0.0/",
            "http://[::]/",
            "http://10.1.2.3/",
            "http://172.31.0.1/",
            "http://192.168.1.1/",
            "http://169.254.169.254/latest/meta-data",
            "http://100.64.0.1/",
            "http://255.255.255.255/",
            "http://１２７.０.０.１/",
        ] {
            assert!(none.check(url).is_err(), "{url}");
        }
        for url in ["ftp://example.org/", "file:///etc/passwd", "/relative", "http://", "http://a:b@example.org/"] {
            assert!(none.check(url).is_err(), "{url}");
        }
        for url in
            ["http://a.example/x/../y", "http://a.example/%2e%2E", "http://a.example/.%2e/y", "http://a.example\\.."]
        {
            assert!(none.check(url).is_err(), "{url}");
        }
        for url in [
            "http://example.org/",
            "http://a.example/a..b/.c?x=/../",
            "https://8.8.8.8/",
            "https://[2606:4700::1111]/",
            "http://172.32.0.1/",
        ] {
            assert_eq!(none.check(url).map(|(_, way)| way), Ok(Way::Public), "{url}");
        }
    }

    #[test]
    fn the_configuration_opens_and_narrows() {
        let some = reach(&["127.0.0.1:8080", "Platform.Internal", "::1"], &[]);
        for url in ["http://127.0.0.1:8080/", "http://0x7f.1:8080/", "http://platform.internal.:99/", "http://[::1]/"] {
            assert_eq!(some.check(url).map(|(_, way)| way), Ok(Way::Any), "{url}");
        }
        assert!(some.check("http://127.0.0.1:8081/").is_err());
        assert!(some.check("http://127.0.0.1/").is_err());
        assert!(reach(&["127.0.0.1:80"], &[]).check("http://127.0.0.1/").is_ok(), "80 is what http means");
        let only = reach(&[], &["api.example.org:443"]);
        assert!(only.check("https://api.example.org/x").is_ok());
        assert!(only.check("http://api.example.org/x").is_err());
        assert!(only.check("https://example.org/").is_err());
        for wrong in ["", "a b", "host:port", "http://x"] {
            let policy = HttpPolicy { allow_private: vec![wrong.to_owned()], only: Vec::new() };
            assert!(Reach::new(&policy).is_err(), "{wrong}");
        }
    }
}
