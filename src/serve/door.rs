//! The whole process: the house and its doors, opened in order and closed together.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::{House, Parts, build, callback_key, tools};
use crate::catalogue::Catalogue;
use crate::catalogue::check::{Known, explain};
use crate::chat::discord::DiscordChat;
use crate::chat::slack::SlackChat;
use crate::chat::terminal::TerminalChat;
use crate::chat::web::{self as page, WebChat};
use crate::chat::{Inbox, Platform, Sender};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Reason, Result, UserError};
use crate::store::Store;
use crate::web::guard::Names;
use crate::web::server::{self, Limits, Options};
use crate::web::{self, health};

/// Runs until `stop`, then ends gracefully: it takes no new work, and what runs has the grace that is configured. An
/// error, before anything was begun, says what is not right in the configuration, the files or the surroundings.
pub async fn run(config: Config, stop: CancellationToken) -> Result<()> {
    let (listener, mut parts) = prepare(config).await?;
    let page = parts.config.web.page.then(|| Arc::new(page_of(&parts)));
    parts.platforms.extend(page.iter().map(|page| page.clone() as Arc<dyn Platform>));
    parts.platforms.extend(elsewhere(&parts.config, &parts.store, &parts.clock)?);
    let house = House::open(build(parts)?).await?;
    let inbox: Arc<dyn Inbox> = house.desk.clone();
    let mut router = web::router(&house.app, &stop).merge(web::signed::router(&house.app, &inbox));
    if let Some(page) = page {
        router = router.merge(page::router(page, inbox)).merge(web::surveys::router(house.app.clone()));
    }
    let config = &house.app.config;
    tracing::info!(listen = %config.web.listen, url = config.public_url(), page = config.web.page, "ready");
    let options = options(config);
    let (served, ()) =
        tokio::join!(close(house, stop.clone()), server::serve(listener, router, options, stop.clone()),);
    served
}

/// The page. Whoever reaches it may speak as a persona, so there are none where others than this machine reach it.
fn page_of(parts: &Parts) -> WebChat {
    let web = &parts.config.web;
    let personas: &[String] = if web.listen.ip().is_loopback() { &web.personas } else { &[] };
    WebChat::new(parts.store.conversations()).with_personas(personas)
}

/// The platforms that live elsewhere, as far as there are tokens for them. An error says what is missing.
pub fn elsewhere(config: &Config, store: &Store, clock: &Clock) -> Result<Vec<Arc<dyn Platform>>> {
    let mut platforms: Vec<Arc<dyn Platform>> = Vec::new();
    if let Some(slack) = SlackChat::new(&config.slack, store.drafts(), clock.clone())? {
        platforms.push(Arc::new(slack));
    }
    if let Some(discord) = DiscordChat::new(&config.discord, store.drafts(), clock.clone())? {
        platforms.push(Arc::new(discord));
    }
    Ok(platforms)
}

/// A conversation of `person` on standard input and output, in a process of its own, until the input ends or `stop`.
/// Without the page, and on a free port, which only calls back to this machine use.
pub async fn chat(mut config: Config, person: Sender, stop: CancellationToken) -> Result<()> {
    config.web.page = false;
    config.web.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let (listener, mut parts) = prepare(config).await?;
    let terminal = Arc::new(TerminalChat::standard(person));
    parts.platforms.push(terminal.clone());
    let house = House::open(build(parts)?).await?;
    let (router, options) = (web::router(&house.app, &stop), options(&house.app.config));
    let said_all = async {
        terminal.ended().await;
        stop.cancel();
    };
    let (served, (), ()) =
        tokio::join!(close(house, stop.clone()), server::serve(listener, router, options, stop.clone()), said_all,);
    served
}

/// Everything up to the point where the house can be opened. The port comes first: who cannot have it changes nothing.
async fn prepare(mut config: Config) -> Result<(TcpListener, Parts)> {
    health::recorder()?;
    let listener = server::listen(config.web.listen).await?;
    config.web.listen = listener.local_addr()?;
    std::fs::create_dir_all(&config.data).with_context(|| format!("create the folder {}", config.data.display()))?;
    let clock = Clock::system();
    let store = Store::open(config.database_url().expose_secret(), clock.clone()).await?;
    let tools = tools(&config, clock.clone(), (callback_key(&store).await?, config.public_url()))?;
    let catalogue = Catalogue::load(&config.commands, &tools, &Known::of(&config)).map_err(|problems| {
        UserError::invalid(format!("The capability files have mistakes.\n\n{}", explain(&problems)))
            .hint("mend them, and try them with `stationmaster check`")
    })?;
    Ok((listener, Parts { config, store, clock, catalogue, tools, platforms: Vec::new() }))
}

fn options(config: &Config) -> Options {
    let names = Names::new(config.web.listen.ip(), &config.public_url());
    Options { names, limits: Limits::default(), grace: config.jobs.grace.duration() }
}

/// Waits for `stop`, or calls it because the database failed, which is an error; then closes the house.
async fn close(house: House, stop: CancellationToken) -> Result<()> {
    let app = house.app.clone();
    let broken = tokio::select! {
        () = health::tidy(stop.clone()) => false,
        () = app.store.broken() => true,
    };
    stop.cancel();
    tracing::info!("stopping: no new work is taken, and what runs has its grace");
    house.close().await;
    tracing::info!("stopped");
    if broken {
        let message = "The database file cannot be written to, so nothing could be kept.";
        return Err(UserError::new(Reason::Unavailable, message)
            .hint("make room or mend the disk, then start again; what was accepted goes on")
            .into());
    }
    Ok(())
}
