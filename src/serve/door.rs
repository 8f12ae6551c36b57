//! The whole process: the house and its doors, opened in order and closed together.

use std::sync::Arc;

use anyhow::Context as _;
use secrecy::ExposeSecret;
use tokio_util::sync::CancellationToken;

use super::{House, Parts, build, callback_key, tools};
use crate::catalogue::Catalogue;
use crate::catalogue::check::{Known, explain};
use crate::chat::terminal::TerminalChat;
use crate::chat::web::{self as page, WebChat};
use crate::chat::{Platform, Sender};
use crate::clock::Clock;
use crate::config::Config;
use crate::error::{Reason, Result, UserError};
use crate::store::Store;
use crate::web::guard::Names;
use crate::web::server::{self, Limits, Options};
use crate::web::{self, health};

/// Runs until `stop`, then ends gracefully: it takes no new work, and what runs has the grace that is configured. An
/// error, before anything was begun, says what is not right in the configuration, the files or the surroundings.
pub async fn run(mut config: Config, stop: CancellationToken) -> Result<()> {
    health::recorder()?;
    let listener = server::listen(config.web.listen).await?;
    config.web.listen = listener.local_addr()?;
    let store = open_store(&config).await?;
    let page = config.web.page.then(|| Arc::new(WebChat::new(store.conversations())));
    let platforms = page.iter().map(|page| page.clone() as Arc<dyn Platform>).collect();
    let house = open_house(config, store, platforms).await?;

    let app = house.app.clone();
    let config = &app.config;
    let mut router = web::router(&app, &stop);
    if let Some(page) = page {
        router = router.merge(page::router(page, house.desk.clone()));
    }
    let names = Names::new(config.web.listen.ip(), &config.public_url());
    let options = Options { names, limits: Limits::default(), grace: config.jobs.grace.duration() };
    tracing::info!(listen = %config.web.listen, url = config.public_url(), page = config.web.page, "ready");
    let close = async {
        let ended = until_broken(&app.store, stop.cancelled()).await;
        stop.cancel();
        tracing::info!("stopping: no new work is taken, and what runs has its grace");
        house.close().await;
        tracing::info!("stopped");
        ended
    };
    let serve = server::serve(listener, router, options, stop.clone());
    let (ended, (), ()) = tokio::join!(close, serve, health::tidy(stop.clone()));
    ended
}

/// A conversation on the terminal, until its input ends or `stop`; nothing listens on the network.
pub async fn talk(config: Config, person: Sender, stop: CancellationToken) -> Result<()> {
    let store = open_store(&config).await?;
    let chat = Arc::new(TerminalChat::standard(person));
    let house = open_house(config, store, vec![chat.clone()]).await?;
    let enough = async {
        tokio::select! {
            () = stop.cancelled() => {}
            () = chat.ended() => {}
        }
    };
    let ended = until_broken(&house.app.store, enough).await;
    house.close().await;
    ended
}

/// Waits until it is enough; an error if the database fails before that, so that whoever supervises the process knows.
async fn until_broken(store: &Store, enough: impl Future<Output = ()>) -> Result<()> {
    tokio::select! {
        () = enough => Ok(()),
        () = store.broken() => {
            let message = "The database file cannot be written to, so nothing could be kept.";
            let hint = "make room or mend the disk, then start again; what was accepted goes on";
            Err(UserError::new(Reason::Unavailable, message).hint(hint).into())
        }
    }
}

async fn open_store(config: &Config) -> Result<Store> {
    std::fs::create_dir_all(&config.data).with_context(|| format!("create the folder {}", config.data.display()))?;
    Store::open(config.database_url().expose_secret(), Clock::system()).await
}

async fn open_house(config: Config, store: Store, platforms: Vec<Arc<dyn Platform>>) -> Result<House> {
    let clock = Clock::system();
    let tools = tools(&config, clock.clone(), (callback_key(&store).await?, config.public_url()))?;
    let catalogue = Catalogue::load(&config.commands, &tools, &Known::of(&config)).map_err(|problems| {
        UserError::invalid(format!("The capability files have mistakes.\n\n{}", explain(&problems)))
            .hint("mend them, and try them with `stationmaster check`")
    })?;
    House::open(build(Parts { config, store, clock, catalogue, tools, platforms })?).await
}
