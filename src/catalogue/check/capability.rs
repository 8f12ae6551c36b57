//! The check of one file by itself.

use super::finding::{Findings, Remark};
use super::{File, Known, command};
use crate::catalogue::capability::Capability;
use crate::document::Problem;
use crate::runner::Tools;

/// What is wrong with a file, as far as it can be told without the other files.
pub(super) fn check(file: &File, tools: &Tools, known: &Known) -> Vec<Problem> {
    let mut findings = Findings::new(&file.document);
    check_capability(&mut findings, &file.content.capability, known);
    for (index, command) in file.content.command.iter().enumerate() {
        command::Check { command, at: format!("command[{index}]"), tools, known, findings: &mut findings }.all();
    }
    findings.into_problems()
}

fn check_capability(findings: &mut Findings<'_>, capability: &Capability, known: &Known) {
    if !is_word(&capability.name) {
        let message = format!("`{}` cannot be the name of a capability", capability.name);
        findings
            .add("capability.name", Remark::new(message).hint("write it in small letters, digits and -: databases"));
    }
    findings.refuse_blank("capability.title", &capability.title);
    findings.refuse_blank("capability.need", &capability.need);
    findings.refuse_blank("capability.owner", &capability.owner);
    check_team(findings, "capability.owner", &capability.owner, known);
    if let Some(docs) = &capability.docs
        && !url::Url::parse(docs).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
    {
        let remark = Remark::new(format!("`{docs}` is not an address of the web"));
        findings.add("capability.docs", remark.hint("it begins with https://"));
    }
    if let Some(slo) = &capability.slo {
        if !(0.0..=1.0).contains(&slo.success) {
            let remark = Remark::new(format!("{} is no share of requests", slo.success));
            findings.add("capability.slo.success", remark.hint("write 0.99 for 99 of 100"));
        }
        if slo.p90.millis() == 0 {
            findings.add("capability.slo.p90", "no time at all cannot be kept");
        }
    }
}

/// Notes that a team is not configured, if any is.
pub(super) fn check_team(findings: &mut Findings<'_>, path: &str, team: &str, known: &Known) {
    if known.teams.is_empty() || known.teams.iter().any(|known| known == team) {
        return;
    }
    let remark = Remark::new(format!("there is no team `{team}` in stationmaster.toml").to_owned());
    findings.add(path, remark.guess(team, known.teams.iter().map(String::as_str)));
}

/// Whether `text` is one word of a name: small letters, digits and hyphens, at most 32, which is the most that Discord
/// takes.
pub(super) fn is_word(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=32).contains(&text.len()) && text.chars().all(is_part) && !text.starts_with('-') && !text.ends_with('-')
}
