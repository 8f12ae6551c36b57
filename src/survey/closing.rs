//! The end of a wave: the last answers are stored, what ties them to people is destroyed, and the results come out.

use super::told;
use super::wave;
use super::{figures, frame, report};
use crate::app::App;
use crate::clock::Span;
use crate::error::Result;
use crate::job::Claim;
use crate::store::answer::Asked;
use crate::store::audit::Act;
use crate::store::survey::{Wave, state};

/// How long processes that share the database have to store the answers that wait in them.
pub const GRACE: Span = Span::from_secs(10);
/// What the subject of the results begins with that are shown to those who were asked, before the wave's id.
pub const RESULTS: &str = "results:";
/// The same of those that the owner is shown, with what is to be done about them.
pub const REPORT: &str = "report:";

/// Where answers of a wave belong.
pub fn asked(wave: &Wave) -> Result<Asked> {
    let survey = wave::survey(wave)?;
    let versions = survey.question.iter().map(|question| (question.name.clone(), question.version())).collect();
    Ok(Asked { wave: wave.id.clone(), minimum: usize::try_from(wave.minimum).unwrap_or(usize::MAX), versions })
}

/// Stores what waits here for waves that are closing; how many answers there were.
pub async fn keep_next(app: &App) -> Result<usize> {
    let mut kept = 0;
    for id in app.waiting.waves() {
        let found = app.store.wave(&id).await?;
        match found.as_ref().map(|wave| wave.state.as_str()) {
            Some(state::OPEN) => {}
            Some(state::CLOSING) => kept += keep_rest(app, &found.expect("it was found")).await?,
            // Nothing more can be stored of it.
            _ => drop(app.waiting.drain(&id)),
        }
    }
    Ok(kept)
}

async fn keep_rest(app: &App, wave: &Wave) -> Result<usize> {
    let rest = app.waiting.drain(&wave.id);
    let count = rest.len();
    if count > 0
        && let Err(error) = app.store.keep_rest(&asked(wave)?, rest.clone()).await
    {
        app.waiting.put_back(&wave.id, rest);
        return Err(error);
    }
    Ok(count)
}

/// Before the process ends: what waits is stored without its groups, where there is enough of it to hide in. What is too
/// little is lost, and those who gave it can answer again.
pub async fn keep_all(app: &App) -> Result<()> {
    for id in app.waiting.waves() {
        let Some(wave) = app.store.wave(&id).await? else { continue };
        if wave.state == state::CLOSING {
            keep_rest(app, &wave).await?;
            continue;
        }
        let mut batch = app.waiting.drain(&id);
        batch.values_mut().for_each(|response| response.cell.clear());
        app.store.keep_answers(&asked(&wave)?, batch).await?;
    }
    Ok(())
}

/// Closes a wave: its key goes.
pub async fn close(app: &App, claim: &Claim, wave: &Wave) -> Result<()> {
    keep_rest(app, wave).await?;
    let (id, claim) = (wave.id.clone(), claim.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            tx.close_wave(&id).await?;
            let now = tx.now();
            tx.continue_job(&claim, now).await
        })
    });
    write.await?;
    app.store.forget_overwritten().await
}

/// Publishes a closed wave, to everybody who was asked and to whom its author names.
pub async fn publish(app: &App, claim: &Claim, wave: &Wave) -> Result<()> {
    let survey = wave::survey(wave)?;
    let record = figures::record(app, wave, &survey).await?;
    // What is published is made once: nobody can learn from how it differs the next time.
    let published = serde_json::to_string(&report::make(app, wave, &record).await?)?;
    let counted = serde_json::to_string(&record)?;
    let roster = app.roster().await?;
    let others = survey.results_to.iter().filter_map(|to| to.strip_prefix("team:"));
    let others: Vec<_> = others.filter(|team| *team != survey.owner).flat_map(|team| roster.reach_team(team)).collect();
    let owners = roster.reach_team(&survey.owner);
    let (wave, claim) = (wave.clone(), claim.clone());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.hold(&claim).await?;
            tx.publish_wave(&wave.id, (&counted, &published)).await?;
            let (results, report) = (format!("{RESULTS}{}", wave.id), format!("{REPORT}{}", wave.id));
            for spot in &owners {
                told::show(tx, &report, spot).await?;
            }
            for spot in others.iter().filter(|spot| !owners.contains(spot)) {
                told::show(tx, &results, spot).await?;
            }
            tx.tell_invited(&wave.id, (&results, &report)).await?;
            tx.touch_invitations(&wave.id).await?;
            let detail = format!("{} wave {}", wave.survey, wave.number);
            tx.audit(Act { subject: &wave.id, actor: "stationmaster", action: "wave-published", detail: &detail })
                .await?;
            tx.finish_job(&claim).await
        })
    });
    write.await
}

/// The plan of a wave that was opened.
pub fn plan(wave: &Wave) -> Result<super::privacy::Plan> {
    frame::read(wave.plan.as_deref().ok_or_else(|| anyhow::anyhow!("the wave {} has no plan", wave.id))?)
}
