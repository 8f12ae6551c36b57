//! Where the stories of exceptions take place: a platform whose team `data` is asked, and the people around it.

use std::path::Path;

use crate::stage::{On, Stage};

/// Everybody: ada and eve ask, ben and cleo are of the team that owns it, dan is of the platform team.
const PEOPLE: [&str; 5] = ["ada", "ben", "cleo", "dan", "eve"];

/// Commands that a human decides about, and some that need help.
const COMMANDS: &str = r#"
[capability]
name = "databases"
title = "Databases"
need = "As a developer I want a database so that I can start today"
owner = "data"
maturity = "ga"
support = "around-the-clock"

[[command]]
name = "db create"
summary = "Create a database"
approval = { by = "owner", quorum = 2, break_glass = { people = ["ben"] } }
[[command.param]]
name = "name"
type = "string"
pattern = "^[a-z]+$"
[[command.step]]
name = "create"
[command.step.process]
program = "/bin/true"
[command.reply]
text = "Database **{{name}}** is there."

[[command]]
name = "db grow"
summary = "Give a database more room"
approval = { by = "owner", standing = { longest = "30d", most = 5 } }
[[command.param]]
name = "name"
type = "string"
[[command.step]]
name = "grow"
[command.step.process]
program = "/bin/true"
[command.reply]
text = "Database **{{name}}** has more room."

[[command]]
name = "db hurry"
summary = "Ask for something quickly"
approval = { by = "owner", expires = "3s" }
[[command.step]]
name = "hurry"
[command.step.process]
program = "/bin/true"

[[command]]
name = "db mend"
summary = "Mend a database"
[[command.param]]
name = "name"
type = "string"
[[command.step]]
name = "mend"
[command.step.process]
program = "/bin/sh"
args = ["-c", "test -e mended || { echo 'the disk is full'; exit 1; }"]
[command.reply]
text = "Database **{{name}}** is well again."

[[command]]
name = "db move"
summary = "Move a database"
[[command.step]]
name = "move"
timeout = "5m"
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo '{\"progress\": 50, \"label\": \"half way\"}'; sleep 300"]
[command.reply]
text = "It has moved."
"#;

/// Where the team `data` is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Each of its members directly.
    Directly,
    /// In the conversation that everybody is in, where the platform has one.
    InChannel,
}

/// The stage of a story.
pub async fn set(on: On, asked: Asked) -> Stage {
    let stage = Stage::set(on, |folder, _| furnish(folder, &configuration(on, asked))).await;
    stage.welcome(&PEOPLE).await;
    stage
}

fn furnish(folder: &Path, configuration: &str) {
    std::fs::create_dir_all(folder.join("commands")).expect("a folder");
    std::fs::write(folder.join("commands/databases.toml"), COMMANDS).expect("written");
    std::fs::write(folder.join("stationmaster.toml"), configuration).expect("written");
}

fn configuration(on: On, asked: Asked) -> String {
    let channel = on.channel().filter(|_| asked == Asked::InChannel);
    let channels = channel.map(|channel| format!("channels = [\"{channel}\"]\n")).unwrap_or_default();
    // They are asked whatever the time is at which the story is told.
    let always = "hours = \"Mon-Sun 00:00-24:00\"\n";
    let mut text = format!(
        "[team.data]\nmembers = [\"ben\", \"cleo\"]\noncall.people = [\"ben\"]\n{always}{channels}[team.platform]\n\
         members = [\"dan\"]\n{always}[escalation]\nteam = \"platform\"\n"
    );
    text.push_str(&on.people(&PEOPLE));
    text
}
