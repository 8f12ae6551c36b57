//! The command line, nothing else.

use std::io::{IsTerminal, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use secrecy::ExposeSecret;
use stationmaster::catalogue::Catalogue;
use stationmaster::catalogue::check::{self, Known, explain};
use stationmaster::catalogue::schema::{schema, survey_schema};
use stationmaster::chat::Level;
use stationmaster::chat::Sender;
use stationmaster::chat::slack::manifest::{ManifestOptions, manifest};
use stationmaster::clock::Clock;
use stationmaster::config::{Config, Log};
use stationmaster::doctor;
use stationmaster::error::{Result, UserError};
use stationmaster::store::Store;
use stationmaster::survey::question::Kind;
use stationmaster::survey::{line, plan_line, privacy};
use stationmaster::web::token;
use stationmaster::{desk, log, sample, serve};
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// The exit status with which clap refuses an argument.
const EX_USAGE: u8 = 2;

/// The chat-ops front door of an internal developer platform.
#[derive(Debug, Parser)]
#[command(version)]
struct Line {
    /// The configuration file; `stationmaster.toml` in the working directory if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    task: Option<Task>,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// Run, with the chat page and the API (the default).
    Serve,
    /// Check the capability files and messages, and run the tests in them, without any network.
    Check {
        /// The folder of the capability files, if not the configured one.
        folder: Option<PathBuf>,
    },
    /// Print the JSON Schema of capability files, for editors.
    Schema {
        /// The schema of survey files instead.
        #[arg(long)]
        survey: bool,
    },
    /// Talk to it here, in the terminal, without the page; lines may also come through a pipe.
    Chat {
        /// Who talks, as `terminal:NAME` in the configuration; the user of this machine if not said.
        #[arg(long = "as", value_name = "NAME")]
        person: Option<String>,
    },
    /// The record of who did what.
    #[command(subcommand)]
    Audit(Audit),
    /// The tokens by which programs speak for a person.
    #[command(subcommand)]
    Token(Token),
    /// Say what is configured, what is reachable and what is missing.
    Doctor,
    /// Print the app manifest that Slack must be given, made from the commands that are on offer.
    SlackManifest {
        /// For signed events over HTTP, at web.public_url, instead of Socket Mode.
        #[arg(long)]
        http: bool,
    },
    /// The statistics of pulse surveys, on answers in files.
    #[command(subcommand)]
    Survey(Survey),
    /// Do a step of the sample platform; its capability files run this.
    #[command(hide = true)]
    Sample { words: Vec<String> },
}

#[derive(Debug, Subcommand)]
enum Audit {
    /// Compute the chain of hashes anew: an entry that was changed, taken out or put in breaks it.
    Verify,
}

#[derive(Debug, Subcommand)]
enum Token {
    /// Make a token; it is shown once.
    Create {
        /// The person that it speaks for, by the name in the configuration.
        #[arg(long)]
        person: String,
        /// What it is for.
        #[arg(long, default_value = "")]
        name: String,
    },
    /// List the tokens.
    List,
    /// End a token.
    Revoke {
        /// Its id, as `token list` shows it.
        id: String,
    },
}

#[derive(Debug, Subcommand)]
enum Survey {
    /// Score the answers on standard input, a respondent on each line, and print JSON.
    Score {
        /// What was asked, such as enps, csat5, umux-lite, sus, scale7 or choice.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Kind,
        /// The options of a choice, with commas between them, so that those which nobody took are shown too.
        #[arg(long, value_name = "OPTION", value_delimiter = ',')]
        options: Vec<String>,
        /// How many there are in all, which narrows the interval.
        #[arg(long, value_name = "N", requires = "random_cohort")]
        population: Option<u64>,
        /// Those who were asked are a random cohort of the population: nothing else justifies a narrower interval.
        #[arg(long, requires = "population")]
        random_cohort: bool,
    },
    /// Say whether the answers in two files differ by more than chance, and print JSON; `-` is standard input.
    Compare {
        /// What was asked, such as enps, csat5, umux-lite, sus or scale7.
        #[arg(long = "type", value_name = "TYPE")]
        kind: Kind,
        /// The answers of the earlier wave, or of the first group.
        before: PathBuf,
        /// The answers of the later wave, or of the second group.
        after: PathBuf,
    },
    /// Say which groups of a table in CSV on standard input would be published, and why, and print JSON.
    Plan {
        /// The smallest group of which anything is published.
        #[arg(long, value_name = "N", default_value_t = privacy::DEFAULT_K,
            value_parser = clap::value_parser!(u32).range(i64::from(privacy::LEAST_K)..))]
        k: u32,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    let line = Line::parse();
    // Two providers in one process would panic at the first connection, so the choice is made once, here.
    rustls::crypto::ring::default_provider().install_default().ok();
    match perform(line).await {
        Ok(code) => code,
        Err(error) => {
            match error.downcast_ref::<UserError>() {
                Some(plain) => eprintln!("{plain}"),
                None => eprintln!("stationmaster: {error:#}"),
            }
            ExitCode::FAILURE
        }
    }
}

async fn perform(line: Line) -> Result<ExitCode> {
    let config = || {
        let named = std::env::var_os("STATIONMASTER_CONFIG").map(PathBuf::from);
        let env =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Config::load(line.config.clone().or(named).as_deref(), env)
    };
    match line.task.unwrap_or(Task::Serve) {
        Task::Serve => run(config()?).await,
        Task::Check { folder } => check(config()?, folder).await,
        Task::Schema { survey } => {
            println!("{:#}", if survey { survey_schema() } else { schema() });
            Ok(ExitCode::SUCCESS)
        }
        Task::Chat { person } => chat(config()?, person).await,
        Task::Audit(Audit::Verify) => verify(&config()?).await,
        Task::Token(task) => tokens(&config()?, task).await,
        Task::Sample { words } => Ok(sample::perform(&words).await),
        Task::Survey(task) => survey(task),
        Task::Doctor => examine(&config()?).await,
        Task::SlackManifest { http } => slack_manifest(&config()?, http),
    }
}

async fn run(config: Config) -> Result<ExitCode> {
    log::start(&config.log)?;
    serve::door::run(config, told_to_stop()?).await?;
    Ok(ExitCode::SUCCESS)
}

async fn chat(config: Config, person: Option<String>) -> Result<ExitCode> {
    // Only what goes wrong: the log and the conversation share the screen.
    log::start(&Log { level: "error".into(), ..config.log.clone() })?;
    let name = person.or_else(|| std::env::var("USER").ok()).unwrap_or_else(|| "somebody".into());
    serve::door::chat(config, Sender { id: name.clone(), name }, told_to_stop()?).await?;
    Ok(ExitCode::SUCCESS)
}

/// Is cancelled at the first signal to stop; the second one ends the process at once.
fn told_to_stop() -> Result<CancellationToken> {
    let stop = CancellationToken::new();
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let told = stop.clone();
    tokio::spawn(async move {
        for is_last in [false, true] {
            tokio::select! {
                _ = terminated.recv() => {}
                _ = interrupted.recv() => {}
            }
            if is_last {
                std::process::exit(1);
            }
            told.cancel();
        }
    });
    Ok(stop)
}

async fn check(config: Config, folder: Option<PathBuf>) -> Result<ExitCode> {
    let config = Config { commands: folder.unwrap_or(config.commands), ..config };
    let tools = serve::tools(&config, Clock::system(), (String::new().into(), config.public_url()))?;
    let report = check::check(&config.commands, config.messages.as_deref(), &tools, &Known::of(&config)).await;
    println!("{}", if std::io::stdout().is_terminal() { report.colored() } else { report.to_string() });
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn open(config: &Config) -> Result<Store> {
    Store::open(config.database_url().expose_secret(), Clock::system()).await
}

async fn verify(config: &Config) -> Result<ExitCode> {
    let entries = open(config).await?.verify_audit().await?;
    println!("the audit trail holds: {entries} entries");
    Ok(ExitCode::SUCCESS)
}

async fn tokens(config: &Config, task: Token) -> Result<ExitCode> {
    let store = open(config).await?;
    match task {
        Token::Create { person, name } => {
            token::check_person(config, &person)?;
            let token = token::new_token();
            let id = store.create_token(&person, &name, token::hash(&token)).await?;
            eprintln!("{id} speaks for {person}; it is shown this once:");
            println!("{token}");
        }
        Token::List => {
            for token in store.tokens().await? {
                println!("{token}");
            }
        }
        Token::Revoke { id } => {
            if !store.revoke_token(&id).await? {
                return Err(UserError::invalid(format!("There is no valid token {id}."))
                    .hint("`stationmaster token list` shows them")
                    .into());
            }
            println!("{id} is no longer valid");
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn survey(task: Survey) -> Result<ExitCode> {
    let said = match task {
        Survey::Score { kind, options, population, random_cohort: _ } => line::score(kind, &options, population),
        Survey::Compare { kind, before, after } => line::compare(kind, before.as_path().into(), after.as_path().into()),
        Survey::Plan { k } => {
            let mut table = Vec::new();
            std::io::stdin().read_to_end(&mut table)?;
            plan_line::plan(&table, k)
        }
    };
    match said {
        Ok(json) => {
            println!("{json}");
            Ok(ExitCode::SUCCESS)
        }
        // A wrong answer or table has the status of a wrong argument.
        Err(error) => {
            eprintln!("{}", error.downcast::<UserError>()?);
            Ok(ExitCode::from(EX_USAGE))
        }
    }
}

async fn examine(config: &Config) -> Result<ExitCode> {
    let findings = doctor::examine(config).await;
    for finding in &findings {
        println!("{finding}");
    }
    let bad = findings.iter().any(|finding| finding.level == Level::Bad);
    Ok(if bad { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn slack_manifest(config: &Config, http: bool) -> Result<ExitCode> {
    if http && config.web.public_url.is_none() {
        return Err(UserError::invalid("Slack must be told where it reaches this process.")
            .hint("set web.public_url, or leave --http out for Socket Mode, which needs no address")
            .into());
    }
    let tools = serve::tools(config, Clock::system(), (String::new().into(), config.public_url()))?;
    let catalogue = Catalogue::load(&config.commands, &tools, &Known::of(config)).map_err(|problems| {
        UserError::invalid(format!("The capability files have mistakes.\n\n{}", explain(&problems)))
            .hint("mend them, and try them with `stationmaster check`")
    })?;
    let options = ManifestOptions { socket: !http, url: http.then(|| config.public_url()) };
    println!("{:#}", manifest(&desk::offers(&catalogue), &options));
    Ok(ExitCode::SUCCESS)
}
