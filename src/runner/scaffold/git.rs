//! The git program, without the machine's own configuration, hooks or prompts.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, bail};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use crate::clock::Millis;
use crate::error::Result;

/// The trailer of a repository's first commit that names the request which made it.
const TRAILER: &str = "Stationmaster-Request";
/// How long one call of git may take; it works on one folder and on no network.
const LONGEST: Duration = Duration::from_secs(60);
/// Who the first commit is by.
const AUTHOR: (&str, &str) = ("Stationmaster", "stationmaster@localhost");

/// Makes `folder` a repository with everything in it as one commit on `main`, and gives the commit's id.
pub(super) async fn begin(folder: &Path, message: &str, (request, now): (&str, Millis)) -> Result<String> {
    let date = format!("@{} +0000", now.div_euclid(1000));
    run(folder, &["init", "--quiet", "--initial-branch=main", "--template="], ("", &date)).await?;
    // With force: a template's own .gitignore must not leave files of the template out.
    run(folder, &["add", "--all", "--force"], ("", &date)).await?;
    // The trailer is a paragraph of its own, so that no message can pass for it.
    let message = format!("{}\n\n{TRAILER}: {request}\n", message.trim());
    let commit = ["commit", "--quiet", "--allow-empty", "--no-verify", "--cleanup=whitespace", "--file=-"];
    run(folder, &commit, (&message, &date)).await?;
    run(folder, &["rev-parse", "HEAD"], ("", &date)).await
}

/// The request that made the repository in `folder`, and its first commit; `None` if it is no such repository.
pub(super) async fn origin(folder: &Path) -> Option<(String, String)> {
    // Only this very folder, never a repository around it.
    if !folder.join(".git").is_dir() {
        return None;
    }
    let format = format!("--format=%H %(trailers:key={TRAILER},valueonly,separator=%x20)");
    let found = run(folder, &["log", "--max-parents=0", &format, "HEAD", "--"], ("", "@0 +0000")).await.ok()?;
    let (commit, request) = found.lines().last()?.split_once(' ')?;
    Some((request.trim().to_owned(), commit.to_owned()))
}

async fn run(folder: &Path, args: &[&str], (input, date): (&str, &str)) -> Result<String> {
    let mut git = Command::new("git");
    let settings = ["core.hooksPath=/dev/null", "core.autocrlf=false", "log.showSignature=false", "gc.auto=0"];
    git.args(settings.iter().flat_map(|setting| ["-c", setting])).args(args);
    git.current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let settings = [
        ("GIT_CONFIG_GLOBAL", "/dev/null"),
        ("GIT_CONFIG_NOSYSTEM", "1"),
        ("GIT_TERMINAL_PROMPT", "0"),
        ("LC_ALL", "C"),
        ("GIT_AUTHOR_NAME", AUTHOR.0),
        ("GIT_AUTHOR_EMAIL", AUTHOR.1),
        ("GIT_COMMITTER_NAME", AUTHOR.0),
        ("GIT_COMMITTER_EMAIL", AUTHOR.1),
        ("GIT_AUTHOR_DATE", date),
        ("GIT_COMMITTER_DATE", date),
    ];
    git.envs(settings).env("GIT_CEILING_DIRECTORIES", folder.parent().map_or(OsStr::new(""), Path::as_os_str));
    git.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    let mut child = git.spawn().context("git cannot be started")?;
    if let Some(mut stdin) = child.stdin.take() {
        // A git that does not read its input ends without it; its exit status tells.
        stdin.write_all(input.as_bytes()).await.ok();
    }
    let output = timeout(LONGEST, child.wait_with_output()).await.context("git takes too long")??;
    if !output.status.success() {
        bail!("git {}: {}", args[0], String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
