//! Slack: commands, mentions, shortcuts, forms and the home of one workspace, over sockets or signed HTTP.
//!
//! What Slack can do and what it takes is known here and nowhere else. Nothing of a card is ever Slack's own markup, so
//! no text can become a mention or a link: see `markup.rs`.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::ExposeSecret;
use slack_morphism::SlackApiToken;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use self::api::Api;
use self::cache::Cache;
use self::door::Secrets;
use self::fault::Fault;
use self::standing::{Groups, Profile};
use self::vitals::Vitals;
use super::{
    Answer, Card, Delivery, Event, Finding, Health, Inbox, Offer, Platform, PlatformName, Post, Reply, Sender, Standing,
};
use crate::clock::{Clock, Span};
use crate::config;
use crate::error::{Result, UserError};
use crate::job;
use crate::store::draft::Drafts;
use crate::store::pace::Pace;

mod api;
mod blocks;
mod cache;
mod door;
mod examination;
mod fault;
mod field;
mod inbound;
mod labels;
mod limits;
pub mod manifest;
mod markup;
mod modal;
mod outbound;
mod payload;
mod picture;
mod socket;
mod standing;
mod taking;
mod typed;
mod vitals;
mod way;

pub(in crate::chat) use self::picture::preview;

/// How long a delivery waits until it is known who we are.
const INTRODUCTION: Duration = Duration::from_secs(2);
/// How often it is looked whether Slack has refused the token meanwhile.
const LOOK: Duration = Duration::from_secs(5);

/// One Slack workspace.
pub struct SlackChat(Arc<Workspace>);

/// What the parts of the adapter share.
struct Workspace {
    api: Api,
    /// With it, sockets are opened.
    app_token: Option<SlackApiToken>,
    /// With them, deliveries over HTTP are believed.
    secrets: Option<Secrets>,
    /// Who we are, once Slack has said it.
    identity: watch::Sender<Option<Arc<Identity>>>,
    vitals: Vitals,
    drafts: Drafts,
    clock: Clock,
    /// The direct conversations, by person.
    directs: Cache<String>,
    people: Cache<Profile>,
    groups: tokio::sync::Mutex<Groups>,
    /// The files that show charts, by the charts' keys.
    pictures: Cache<String>,
}

/// Who we are.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Identity {
    /// The workspace.
    team: String,
    /// The grid it is in.
    enterprise: Option<String>,
    /// Whether the app is installed in all of the grid.
    is_wide: bool,
    /// The app, if Slack says it.
    app: Option<String>,
    /// The app's own person.
    user: String,
}

impl Identity {
    /// Whether something that says it is of this workspace, of this grid and for this app is meant for us.
    fn is_ours(&self, (team, enterprise, app): (Option<&str>, Option<&str>, Option<&str>)) -> bool {
        let is_app = self.app.as_deref().zip(app).is_none_or(|(ours, theirs)| ours == theirs);
        let is_grid = self.is_wide && self.enterprise.is_some() && self.enterprise.as_deref() == enterprise;
        is_app && (is_grid || team == Some(&self.team))
    }
}

impl SlackChat {
    /// The workspace of these tokens; none if there is no bot token. An error says what is missing.
    pub fn new(config: &config::Slack, drafts: Drafts, clock: Clock) -> Result<Option<Self>> {
        let Some(bot) = &config.bot_token else { return Ok(None) };
        let secrets = Secrets::new(config)?;
        if secrets.is_none() && config.app_token.is_none() {
            return Err(UserError::invalid("Slack has a bot token, and no way to be heard.")
                .hint("set slack.app_token for Socket Mode, or slack.signing_secret for events over HTTP")
                .into());
        }
        Ok(Some(Self(Arc::new(Workspace {
            api: Api::new(config, bot.expose_secret())?,
            app_token: config.app_token.as_ref().map(api::token),
            secrets,
            identity: watch::Sender::default(),
            vitals: Vitals::default(),
            drafts,
            clock,
            directs: Cache::default(),
            people: Cache::default(),
            groups: tokio::sync::Mutex::default(),
            pictures: Cache::default(),
        }))))
    }
}

impl Workspace {
    /// Who we are; waits a moment if that is just being found out.
    async fn identity(&self) -> Option<Arc<Identity>> {
        let mut known = self.identity.subscribe();
        let found = tokio::time::timeout(INTRODUCTION, known.wait_for(Option::is_some)).await;
        found.ok()?.ok()?.clone()
    }

    /// Who we are, however long that takes to find out; nothing if it is stopped before.
    async fn known(&self, stop: &CancellationToken) -> Option<Arc<Identity>> {
        let mut known = self.identity.subscribe();
        tokio::select! {
            () = stop.cancelled() => None,
            found = known.wait_for(Option::is_some) => found.ok()?.clone(),
        }
    }

    /// Finds out who we are, and again whenever Slack refuses the token: after five minutes or so, since a token that was
    /// revoked does not come back, and one that lacked a right may.
    async fn introduce(&self, stop: &CancellationToken) {
        let mut failures = 0;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.until_introduction(failures)) => {}
            }
            if self.api.refusal().is_none() && self.identity.borrow().is_some() {
                continue;
            }
            failures = if self.introduce_once().await { 0 } else { failures + 1 };
        }
    }

    fn until_introduction(&self, failures: i64) -> Duration {
        if self.api.refusal().is_some() {
            return job::pause(i64::MAX).duration();
        }
        match (self.identity.borrow().is_some(), failures) {
            (true, _) => LOOK,
            (false, 0) => Duration::ZERO,
            (false, failures) => job::pause(failures).duration(),
        }
    }

    /// Asks Slack who we are; whether it said so.
    async fn introduce_once(&self) -> bool {
        match self.ask_who().await {
            Ok(identity) => {
                tracing::info!(team = identity.team, app = identity.app, "Slack knows us");
                self.identity.send_replace(Some(Arc::new(identity)));
                true
            }
            Err(Fault::Refused(reason)) => {
                tracing::error!(reason, "Slack refuses the bot token");
                self.api.set_refusal(Some(reason));
                false
            }
            Err(fault) => {
                tracing::warn!(error = %fault, "Slack does not say who we are");
                self.vitals.set_trouble(Some(fault.to_string()));
                false
            }
        }
    }

    async fn ask_who(&self) -> Result<Identity, Fault> {
        let said = self.api.check("auth.test", None).await?;
        let text = |name: &str| said[name].as_str().map(str::to_owned);
        let (Some(team), Some(user)) = (text("team_id"), text("user_id")) else {
            return Err(Fault::Lost("auth.test does not say of which workspace the token is".into()));
        };
        self.api.set_refusal(None);
        let app = match text("app_id") {
            Some(app) => Some(app),
            None => self.app_of(text("bot_id")).await,
        };
        let is_wide = said["is_enterprise_install"].as_bool() == Some(true);
        Ok(Identity { team, enterprise: text("enterprise_id"), is_wide, app, user })
    }

    /// The app of a bot. Without it, deliveries are told apart by their workspace alone.
    async fn app_of(&self, bot: Option<String>) -> Option<String> {
        let said = self.api.read("bots.info", &[("bot", &bot?)]).await;
        let said = said.inspect_err(|fault| tracing::debug!(error = %fault, "Slack does not say which app this is"));
        said.ok()?["bot"]["app_id"].as_str().map(str::to_owned)
    }
}

#[async_trait]
impl Platform for SlackChat {
    fn name(&self) -> PlatformName {
        PlatformName::Slack
    }

    async fn run(&self, inbox: Arc<dyn Inbox>, stop: CancellationToken) -> Result<()> {
        let sockets = async {
            if let Some(token) = &self.0.app_token {
                socket::listen(&self.0, token, (inbox, stop.clone())).await;
            }
        };
        tokio::join!(self.0.introduce(&stop), sockets);
        Ok(())
    }

    async fn reply(&self, event: &Event, reply: &Reply) -> Result<()> {
        self.0.answer(event, reply).await
    }

    async fn post(&self, post: Post<'_>, card: &Card) -> Result<String> {
        self.0.post(post, card).await
    }

    async fn edit(&self, place: &str, message: &str, card: &Card) -> Result<()> {
        self.0.edit(place, message, card).await
    }

    async fn standing(&self, person: &str) -> Result<Standing> {
        self.0.standing(person).await
    }

    async fn groups(&self) -> Result<Option<Vec<String>>> {
        self.0.groups().await.map(Some)
    }

    async fn members(&self, group: &str) -> Result<Option<Vec<Sender>>> {
        self.0.members(group).await.map(Some)
    }

    async fn receive(&self, inbox: Arc<dyn Inbox>, delivery: Delivery<'_>) -> Answer {
        self.0.receive(&inbox, delivery).await
    }

    /// One message a second in a conversation; for a workspace Slack says no more than "several hundred a minute"
    /// (<https://docs.slack.dev/apis/web-api/rate-limits>).
    fn pace(&self) -> Pace {
        Pace { conversation: Span::from_secs(1), everywhere: Span::from_millis(150) }
    }

    fn health(&self) -> Health {
        let is_known = self.0.identity.borrow().is_some();
        self.0.vitals.health(self.0.api.refusal(), is_known, self.0.app_token.is_some())
    }

    /// Slack does not tell a bot which commands its app has, so what is on offer is not compared.
    async fn examine(&self, _: &[Offer]) -> Vec<Finding> {
        self.0.examine().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a9_what_is_of_others_is_not_ours() {
        let identity = Identity { team: "T1".into(), app: Some("A1".into()), user: "U0".into(), ..Identity::default() };
        assert!(identity.is_ours((Some("T1"), None, Some("A1"))));
        assert!(identity.is_ours((Some("T1"), Some("E1"), None)));
        for foreign in [
            (Some("T2"), None, Some("A1")),
            (Some("T1"), None, Some("A2")),
            (None, None, Some("A1")),
            (None, Some("E1"), Some("A1")),
        ] {
            assert!(!identity.is_ours(foreign), "{foreign:?}");
        }
        let wide = Identity { enterprise: Some("E1".into()), is_wide: true, ..identity };
        assert!(wide.is_ours((None, Some("E1"), Some("A1"))));
        assert!(!wide.is_ours((None, Some("E2"), Some("A1"))));
    }
}
