//! Keeps the README, the recipes and the container file true.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use regex::Regex;
use stationmaster::config::Config;

fn top() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(name: &str) -> String {
    std::fs::read_to_string(top().join(name)).expect("the file is there")
}

/// All first groups of a pattern.
fn found(pattern: &str, text: &str) -> Vec<String> {
    Regex::new(pattern).expect("a pattern").captures_iter(text).map(|found| found[1].to_owned()).collect()
}

fn program(folder: &Path, args: &[&str]) -> (bool, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
    let output = command.args(args).current_dir(folder).output().expect("it runs");
    (output.status.success(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What is said of a variable that holds something that hardly any setting takes.
fn refusal(variable: &str) -> String {
    let env = [(variable.to_owned(), "\u{1}".to_owned())];
    match Config::load(None, env.into_iter()) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    }
}

fn variable_of(key: &str) -> String {
    format!("STATIONMASTER_{}", key.replace('.', "__").replace('-', "_").to_uppercase())
}

/// Every key of the configuration, found by asking for one that is none; names of teams and the like are `NAME`.
fn keys(table: &str) -> BTreeSet<String> {
    let below = |key: &str| if table.is_empty() { key.to_owned() } else { format!("{table}.{key}") };
    let said = refusal(&variable_of(&below("no_such_key_at_all")));
    let inner: Vec<String> = match said.split_once("hint: there are ") {
        Some((_, list)) => list.lines().next().expect("a list").split(", ").map(below).collect(),
        None => vec![below("NAME")],
    };
    let holds_others = |key: &str| refusal(&variable_of(key)).contains("holds other settings");
    inner.iter().flat_map(|key| if holds_others(key) { keys(key) } else { BTreeSet::from([key.clone()]) }).collect()
}

#[test]
fn the_readme_names_every_setting_and_no_other() {
    let documented: BTreeSet<String> = found(r"(?m)^\| `([-a-z_.A-Z]+)`", &text("README.md")).into_iter().collect();
    assert_eq!(documented, keys(""));
}

#[test]
fn variables_in_texts_are_settings() {
    let others = ["STATIONMASTER_CONFIG", "STATIONMASTER_BENCH_POSTGRES"];
    for file in ["README.md", "CONTRIBUTING.md", "Dockerfile"] {
        for name in found(r"(STATIONMASTER_[A-Z_]+[A-Z])", &text(file)) {
            let known = !refusal(name.trim_end_matches("_FILE")).contains("no such setting");
            assert!(known || others.contains(&name.as_str()), "{file} names {name}");
        }
    }
}

#[test]
fn the_command_of_the_readme_checks_and_has_ten_lines() {
    let readme = text("README.md");
    let file = found(r"(?s)```toml\n(.*?)```", &readme).remove(0);
    let command = &file[file.find("[[command]]").expect("a command")..];
    assert_eq!(command.lines().count(), 10);
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("greetings.toml"), &file).expect("written");
    assert_eq!(program(folder.path(), &["check", "."]), (true, "1 file, 1 command, 0 tests: all good\n".into()));
}

#[test]
fn the_first_line_of_the_readme_can_be_typed() {
    let data = tempfile::tempdir().expect("a folder");
    let line = found(r"(?s)```\n(/.*?)\n```", &text("README.md")).remove(0);
    std::fs::write(data.path().join("typed"), format!("{line} --dry-run\n")).expect("written");
    let output = Command::new(env!("CARGO_BIN_EXE_stationmaster"))
        .args(["chat", "--as", "ada"])
        .current_dir(top())
        .env("STATIONMASTER_DATA", data.path().join("data"))
        .stdin(std::fs::File::open(data.path().join("typed")).expect("opened"))
        .output()
        .expect("it runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success() && said.contains("What /service new would do"), "{said}");
    assert!(text("README.md").contains("\"command\": \"service new\""));
}

#[test]
fn the_subcommands_of_the_readme_exist() {
    let named = found(r"(?m)^\| `stationmaster ([a-z-]+(?: [a-z]+)?)", &text("README.md"));
    assert!(named.len() > 4);
    let (_, help) = program(top(), &["--help"]);
    for words in &named {
        let mut args: Vec<&str> = words.split(' ').collect();
        args.push("--help");
        assert!(program(top(), &args).0, "stationmaster {words}");
    }
    for task in found(r"(?m)^  ([a-z-]+)  ", &help).iter().filter(|task| *task != "help") {
        assert!(named.iter().any(|words| words.split(' ').next() == Some(task)), "the README lacks {task}");
    }
}

#[test]
fn the_recipes_are_short_and_name_what_there_is() {
    let contributing = text("CONTRIBUTING.md");
    let recipes: Vec<&str> = contributing.split("\n## Add ").skip(1).collect();
    assert!(recipes.len() >= 4);
    for recipe in recipes {
        let steps = recipe.lines().filter(|line| line.starts_with(|c: char| c.is_ascii_digit())).count();
        assert!((1..8).contains(&steps), "{steps} steps: {recipe}");
    }
    for path in found(r"`([a-z_]+/[a-z_./]*)`", &contributing) {
        assert!(top().join(&path).exists() || top().join("src").join(&path).exists(), "{path} is not there");
    }
    for path in found(r"(?m)^COPY ((?:[\w./]+ )+)", &text("Dockerfile")).iter().flat_map(|line| line.split_whitespace())
    {
        assert!(top().join(path).exists(), "{path} is not there");
    }
}
