//! Holds the dependency tree to `deny.toml`: banned crates, sources and licences.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What `deny.toml` says.
struct Rules {
    banned: Vec<String>,
    registries: Vec<String>,
    licences: Vec<String>,
}

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn toml_file(name: &str) -> toml::Table {
    let text = std::fs::read_to_string(top().join(name)).expect("the file is there");
    text.parse().expect("TOML")
}

fn texts(list: &toml::Value) -> Vec<String> {
    let item = |item: &toml::Value| item.get("crate").unwrap_or(item).as_str().expect("text").to_owned();
    list.as_array().expect("a list").iter().map(item).collect()
}

impl Rules {
    fn read() -> Self {
        let file = toml_file("deny.toml");
        Self {
            banned: texts(&file["bans"]["deny"]),
            registries: texts(&file["sources"]["allow-registry"]),
            licences: texts(&file["licenses"]["allow"]),
        }
    }

    /// What a package of the lock file breaks.
    fn complaint(&self, name: &str, source: Option<&str>) -> Option<String> {
        if self.banned.iter().any(|banned| banned == name) {
            return Some(format!("{name} is banned by deny.toml"));
        }
        let source = source?;
        let known = self.registries.iter().any(|registry| source == format!("registry+{registry}"));
        (!known).then(|| format!("{name} comes from {source}"))
    }

    /// Whether an SPDX expression can be fulfilled with the allowed licences. `AND` binds closer than `OR`; the slash
    /// is the `OR` of old manifests.
    fn allows(&self, expression: &str) -> bool {
        let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
        let words: Vec<&str> = spaced.split_whitespace().collect();
        let mut rest = words.as_slice();
        let allowed = self.either(&mut rest);
        allowed && rest.is_empty()
    }

    fn either(&self, rest: &mut &[&str]) -> bool {
        let mut allowed = self.both(rest);
        while rest.first() == Some(&"OR") {
            *rest = &rest[1..];
            allowed |= self.both(rest);
        }
        allowed
    }

    fn both(&self, rest: &mut &[&str]) -> bool {
        let mut allowed = self.one(rest);
        while rest.first() == Some(&"AND") {
            *rest = &rest[1..];
            allowed &= self.one(rest);
        }
        allowed
    }

    fn one(&self, rest: &mut &[&str]) -> bool {
        match *rest {
            ["(", inner @ ..] => {
                *rest = inner;
                let allowed = self.either(rest);
                let closed = rest.first() == Some(&")");
                *rest = rest.get(1..).unwrap_or_default();
                allowed && closed
            }
            [licence, "WITH", exception, others @ ..] => {
                *rest = others;
                self.licences.contains(&format!("{licence} WITH {exception}"))
            }
            [licence, others @ ..] => {
                *rest = others;
                self.licences.iter().any(|allowed| allowed == licence)
            }
            [] => false,
        }
    }
}

#[test]
fn locked_packages_keep_to_the_rules() {
    let rules = Rules::read();
    let lock = toml_file("Cargo.lock");
    let packages = lock["package"].as_array().expect("a list");
    let complaint = |package: &toml::Value| {
        rules.complaint(package["name"].as_str().expect("a name"), package.get("source").and_then(toml::Value::as_str))
    };
    let complaints: Vec<String> = packages.iter().filter_map(complaint).collect();
    assert!(packages.len() > 100 && complaints.is_empty(), "{complaints:#?}");
}

#[test]
fn licences_keep_to_the_rules() {
    let rules = Rules::read();
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--locked", "--format-version", "1", "--filter-platform", &target])
        .current_dir(top())
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let packages = metadata["packages"].as_array().expect("a list");
    let refused: Vec<String> = packages
        .iter()
        .filter(|package| !package["license"].as_str().is_some_and(|licence| rules.allows(licence)))
        .map(|package| format!("{}: {}", package["name"], package["license"]))
        .collect();
    assert!(packages.len() > 100 && refused.is_empty(), "{refused:#?}");
}

#[test]
fn the_rules_can_be_broken() {
    let rules = Rules::read();
    let registry = format!("registry+{}", rules.registries[0]);
    assert_eq!(rules.complaint("tokio", Some(&registry)), None);
    assert!(rules.complaint("aws-lc-rs", Some(&registry)).is_some());
    assert!(rules.complaint("tokio", Some("git+https://example.org/tokio")).is_some());
    for allowed in ["MIT", "MIT/GPL-3.0", "(GPL-3.0 OR MIT) AND ISC", "Apache-2.0 WITH LLVM-exception"] {
        assert!(rules.allows(allowed), "{allowed}");
    }
    for refused in ["", "GPL-3.0", "MIT AND GPL-3.0", "MIT AND (GPL-3.0 OR AGPL-3.0)", "(MIT", "MIT WITH Surprise"] {
        assert!(!rules.allows(refused), "{refused}");
    }
}
