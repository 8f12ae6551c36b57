//! What is configured, what is reachable, what is missing: looked at, and nothing changed.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::catalogue::Catalogue;
use crate::catalogue::check::{Known, explain};
use crate::chat::{Finding, Level};
use crate::clock::Clock;
use crate::config::Config;
use crate::message::Messages;
use crate::runner::Runner;
use crate::store::schema::{self, Schema};
use crate::{desk, serve};

mod paging;
mod people;
mod platform;

/// How long anything that is asked may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

fn good(subject: &'static str, message: impl Into<String>) -> Finding {
    Finding { level: Level::Good, subject, message: message.into(), hint: None }
}

fn doubtful(subject: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { level: Level::Doubtful, subject, message: message.into(), hint: Some(hint.into()) }
}

fn bad(subject: &'static str, message: impl Into<String>, hint: impl Into<String>) -> Finding {
    Finding { level: Level::Bad, subject, message: message.into(), hint: Some(hint.into()) }
}

/// Looks at everything, in the order in which a start would need it.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = vec![data(&config.data), address(config.web.listen).await, database(config).await];
    let catalogue = catalogue(config);
    match &catalogue {
        Ok(catalogue) => findings.push(offered(catalogue, &config.commands)),
        Err(finding) => findings.push(finding.clone()),
    }
    findings.push(messages(config.messages.as_deref()));
    findings.extend(variables(config));
    findings.extend(people::examine(config, catalogue.as_ref().ok()));
    let runners = catalogue.as_ref().map(runners).unwrap_or_default();
    if runners.iter().any(|runner| matches!(runner, Runner::Scaffold(_))) {
        findings.push(git().await);
    }
    if runners.iter().any(|runner| matches!(runner, Runner::Callback(_))) {
        findings.push(public_url(config));
    }
    let offers = catalogue.as_ref().map(desk::offers).unwrap_or_default();
    findings.extend(platform::examine(config, &offers).await);
    findings.extend(paging::examine(config).await);
    findings
}

/// Whether the data folder, or the nearest folder above it that is there, can be written to.
fn data(folder: &Path) -> Finding {
    let shown = folder.display();
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let Some(nearest) = absolute.ancestors().find(|folder| folder.exists()) else {
        return bad("data", format!("{shown} cannot be made"), "set data to a folder that can be written to");
    };
    let writable = rustix::fs::access(nearest, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK);
    match writable {
        Ok(()) if !nearest.is_dir() => bad("data", format!("{shown} is not a folder"), "set data to a folder"),
        Ok(()) if nearest == absolute => good("data", format!("{shown} can be written to")),
        Ok(()) => good("data", format!("{shown} will be made at the first start")),
        Err(error) => bad(
            "data",
            format!("{} cannot be written to: {error}", nearest.display()),
            "give the user that runs Stationmaster the right to write there, or set data to another folder",
        ),
    }
}

/// Whether the address is free, or Stationmaster answers there already.
async fn address(listen: SocketAddr) -> Finding {
    let Err(error) = TcpListener::bind(listen).await else {
        return good("listen", format!("{listen} is free"));
    };
    match timeout(PATIENCE, readiness(listen)).await {
        Ok(Ok(answer)) if answer.contains("\"ready\":true") => {
            good("listen", format!("Stationmaster is running at {listen}, and ready"))
        }
        Ok(Ok(answer)) if answer.contains("\"ready\"") => bad(
            "listen",
            format!("Stationmaster is running at {listen}, but is not ready{}", reason(&answer)),
            "mend that; its log says more",
        ),
        _ => bad(
            "listen",
            format!("nothing can listen on {listen}: {error}"),
            "stop what listens there, or set web.listen to another address",
        ),
    }
}

async fn readiness(listen: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect(listen).await?;
    stream.write_all(format!("GET /readyz HTTP/1.1\r\nHost: {listen}\r\nConnection: close\r\n\r\n").as_bytes()).await?;
    let mut answer = String::new();
    stream.take(64 * 1024).read_to_string(&mut answer).await?;
    Ok(answer)
}

/// Why a running Stationmaster is not ready, by its own words.
fn reason(answer: &str) -> String {
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    let said = serde_json::from_str::<serde_json::Value>(body).ok();
    said.and_then(|said| Some(format!(": {}", said["reason"].as_str()?))).unwrap_or_default()
}

/// Whether the database answers, and whether its tables are of this program's version.
async fn database(config: &Config) -> Finding {
    let url = config.database_url();
    let place = place(url.expose_secret());
    match timeout(PATIENCE, schema::inspect(url.expose_secret())).await {
        Ok(Ok(Schema::Absent)) => good("database", format!("{place} will be made at the first start")),
        Ok(Ok(Schema::Version { found, known })) if found > known => bad(
            "database",
            format!("{place} is of version {found}, and this program knows versions up to {known}"),
            "run the newer program, or restore the backup that was taken before the upgrade",
        ),
        Ok(Ok(Schema::Version { found, known })) if found < known => doubtful(
            "database",
            format!("{place} is of version {found}; the next start brings it to version {known}"),
            "take a backup before that",
        ),
        Ok(Ok(Schema::Version { found, .. })) => good("database", format!("{place} is of version {found}, the newest")),
        Ok(Err(error)) => bad("database", format!("{place}: {error:#}"), "look at database.url, and whether it runs"),
        Err(_) => bad("database", format!("{place} does not answer"), "look at database.url, and whether it runs"),
    }
}

/// A database's URL without user, password and options.
fn place(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(parsed) if parsed.has_host() && !parsed.scheme().starts_with("sqlite") => {
            let port = parsed.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{}://{}{port}{}", parsed.scheme(), parsed.host_str().unwrap_or_default(), parsed.path())
        }
        _ => url.split(['?', '@']).next().unwrap_or_default().to_owned(),
    }
}

fn catalogue(config: &Config) -> Result<Catalogue, Finding> {
    let broken = |error: String| bad("commands", error, "`stationmaster check` shows all mistakes");
    let tools = serve::tools(config, Clock::system(), (String::new().into(), config.public_url()));
    let tools = tools.map_err(|error| broken(format!("{error:#}")))?;
    Catalogue::load(&config.commands, &tools, &Known::of(config)).map_err(|problems| broken(explain(&problems)))
}

fn offered(catalogue: &Catalogue, folder: &Path) -> Finding {
    let (capabilities, commands) = (catalogue.capabilities.len(), catalogue.commands.len());
    let shown = folder.display();
    match commands {
        0 => doubtful(
            "commands",
            format!("{shown} offers no command"),
            "add a capability file; CONTRIBUTING.md shows one",
        ),
        _ => good("commands", format!("{shown} offers {commands} commands of {capabilities} capabilities")),
    }
}

fn runners(catalogue: &Catalogue) -> Vec<Runner> {
    catalogue.commands.values().flat_map(|command| &command.file.step).flat_map(|step| step.runners()).collect()
}

fn messages(folder: Option<&Path>) -> Finding {
    let place = folder.map_or("the built-in ones".to_owned(), |folder| folder.display().to_string());
    match Messages::load(folder) {
        Ok(messages) => good("messages", format!("{place}: {} messages", messages.names().len())),
        Err(error) => {
            bad("messages", format!("{error:#}"), "mend the file, or remove it: the built-in one then stands")
        }
    }
}

fn variables(config: &Config) -> Vec<Finding> {
    let missing = |name: &str| {
        let hint = "set it if a command needs it, or take it out of templates.env";
        doubtful("templates", format!("the environment variable {name} is not set"), hint)
    };
    config.missing_variables().into_iter().map(missing).collect()
}

/// Whether `git` is there, which makes repositories.
async fn git() -> Finding {
    let asked = tokio::process::Command::new("git").arg("--version").output();
    match timeout(PATIENCE, asked).await {
        Ok(Ok(output)) if output.status.success() => {
            good("git", String::from_utf8_lossy(&output.stdout).trim().to_owned())
        }
        _ => bad("git", "git was not found, and a command makes repositories", "install git"),
    }
}

/// Whether other systems can find the way back.
fn public_url(config: &Config) -> Finding {
    let url = config.public_url();
    if is_loopback(&url) {
        let hint = "set web.public_url to the address by which other systems reach this one";
        return doubtful("call-backs", format!("only this machine can call back at {url}"), hint);
    }
    good("call-backs", format!("other systems call back at {url}"))
}

/// Whether only this machine reaches an address.
fn is_loopback(url: &str) -> bool {
    let host = url::Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
}
