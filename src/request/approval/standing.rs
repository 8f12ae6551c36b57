//! Standing approvals: a vote given ahead, for the same command with the same decisive values, for a bounded time.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::sheet::Sheet;
use super::{Case, presence, refusal, tally, told};
use crate::app::App;
use crate::catalogue::command::{CommandFile, Standing as Bounds};
use crate::catalogue::parameter::Kind;
use crate::catalogue::resolve::Asker;
use crate::chat::{Choice, Input, Reply, Tone};
use crate::clock::Span;
use crate::error::{Reason, Result, UserError};
use crate::people::Person;
use crate::people::electorate::{Electorate, Right};
use crate::request::input_of;
use crate::request::plan::Proposal;
use crate::store::audit::Act;
use crate::store::standing::Standing;

/// Those that fit a proposal and whose givers may still decide about it, the one that ends first first.
pub(super) async fn ahead(
    app: &App,
    proposal: &Proposal<'_>,
    electorate: &Electorate<'_>,
    version: &str,
) -> Result<Vec<Standing>> {
    let Some(_) = proposal.command.approval.as_ref().and_then(|policy| policy.standing) else { return Ok(Vec::new()) };
    let live = app.store.live_standings_of(&proposal.command.name, version, app.clock.now()).await?;
    let mut found = Vec::new();
    for standing in live.into_iter().filter(|standing| fits(standing, proposal.person, proposal.input)) {
        // Who cannot be asked about has no vote.
        let Ok((grantor, _)) = presence::present(app, &standing.grantor, None).await else { continue };
        if electorate.right(&grantor) == Some(Right::Own) {
            found.push(standing);
        }
    }
    Ok(found)
}

fn fits(standing: &Standing, person: &Person, input: &Map<String, Value>) -> bool {
    let for_them = standing.person.as_ref() == Some(&person.id)
        || standing.team.as_ref().is_some_and(|team| person.teams.contains(team));
    let scope: Option<Map<String, Value>> = serde_json::from_str(&standing.scope).ok();
    let is_same = |scope: Map<String, Value>| scope.iter().all(|(name, value)| input.get(name) == Some(value));
    for_them && scope.is_some_and(is_same)
}

/// The form that asks for whom, for how long and how often.
pub(super) async fn start(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let (case, bounds) = admit(app, id, asker).await?;
    let given = BTreeMap::from([
        ("whom".to_owned(), case.requester.id.clone().into()),
        ("time".to_owned(), String::from(bounds.longest).into()),
        ("uses".to_owned(), bounds.most.into()),
    ]);
    form(&case, bounds)?.open(app, &given, None)
}

fn form(case: &Case, bounds: Bounds) -> Result<Sheet> {
    let choice = |value: String, label: String| Choice { value, label, hint: String::new() };
    let person = std::iter::once(choice(case.requester.id.clone(), case.requester.name.clone()));
    let teams = case.requester.teams.iter().map(|team| choice(format!("team:{team}"), format!("The team {team}")));
    let values = json!({
        "command": case.plan.command,
        "scope": scope_words(&scope(&case.command, &input_of(&case.request)?)?),
        "longest": bounds.longest.to_string(),
        "most": bounds.most,
    });
    let fields = vec![
        ("whom", Input::Choice(person.chain(teams).collect()), true),
        ("time", Input::Line, true),
        ("uses", Input::Number, true),
    ];
    Ok(Sheet::new(("standing", &case.approval.id), "standing_opened", fields).with(values))
}

/// The case and how far it can be approved ahead, if the asker may in their own right.
async fn admit(app: &App, id: &str, asker: &Asker) -> Result<(Case, Bounds)> {
    let case = Case::load(app, id).await?;
    let roster = app.roster().await?;
    refusal::closed(app, &case, &roster)?;
    let right = tally::entitle(&case, &case.electorate(app, &roster), asker)?;
    if right != Right::Own {
        let message = "Who stands in for somebody decides about single requests, and not ahead.";
        return Err(UserError::new(Reason::Denied, message).into());
    }
    let none = || UserError::new(Reason::Denied, "This command cannot be approved ahead.");
    let bounds = case.terms.standing.ok_or_else(none)?;
    scope(&case.command, &input_of(&case.request)?)?;
    Ok((case, bounds))
}

/// The values that decide whether somebody must approve.
fn scope(command: &CommandFile, input: &Map<String, Value>) -> Result<Map<String, Value>, UserError> {
    let decisive = command.decisive();
    let is_secret = |name: &&str| command.param.iter().any(|param| param.name == **name && param.kind == Kind::Secret);
    if decisive.iter().any(|name| is_secret(name)) {
        let message = "This command takes a secret, which cannot be known ahead.";
        return Err(UserError::new(Reason::Denied, message));
    }
    let value = |name: &str| (name.to_owned(), input.get(name).cloned().unwrap_or(Value::Null));
    Ok(decisive.into_iter().map(value).collect())
}

/// A scope as cards show it: `environment=prod, size=large`.
pub(super) fn scope_words(scope: &Map<String, Value>) -> String {
    let word = |(name, value): (&String, &Value)| match value {
        Value::Null => None,
        Value::String(text) => Some(format!("{name}={text}")),
        other => Some(format!("{name}={other}")),
    };
    scope.iter().filter_map(word).collect::<Vec<_>>().join(", ")
}

/// What was filled in.
struct Wish {
    person: Option<String>,
    team: Option<String>,
    time: Span,
    uses: i64,
}

impl Wish {
    fn read(case: &Case, bounds: Bounds, values: &BTreeMap<String, Value>) -> Result<Self, UserError> {
        let mut mistake = UserError::invalid("Something does not fit.");
        let text = |name: &str| match values.get(name) {
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        let whom = text("whom");
        let team = whom.strip_prefix("team:").filter(|team| case.requester.teams.iter().any(|name| name == team));
        if team.is_none() && whom != case.requester.id {
            mistake = mistake.field("whom", "Pick one of these.");
        }
        let time =
            text("time").parse::<Span>().ok().filter(|time| (1..=bounds.longest.millis()).contains(&time.millis()));
        if time.is_none() {
            mistake = mistake.field("time", format!("Write for example 7d; at most {}.", bounds.longest));
        }
        let uses = text("uses").parse::<f64>().ok().filter(|uses| uses.fract() == 0.0).map(|uses| uses as i64);
        let uses = uses.filter(|uses| (1..=i64::from(bounds.most)).contains(uses));
        if uses.is_none() {
            mistake = mistake.field("uses", format!("Write a whole number from 1 to {}.", bounds.most));
        }
        match (time, uses) {
            (Some(time), Some(uses)) if mistake.fields.is_empty() => {
                let person = team.is_none().then(|| whom.clone());
                Ok(Self { person, team: team.map(str::to_owned), time, uses })
            }
            _ => Err(mistake),
        }
    }
}

/// Gives a standing approval. The request at hand still waits for its own votes.
pub(super) async fn grant(app: &App, id: &str, values: &BTreeMap<String, Value>, asker: &Asker) -> Result<Reply> {
    let (case, bounds) = admit(app, id, asker).await?;
    let wish = match Wish::read(&case, bounds, values) {
        Ok(wish) => wish,
        Err(mistake) => return form(&case, bounds)?.open(app, values, Some(&mistake)),
    };
    let scope = scope(&case.command, &input_of(&case.request)?)?;
    let standing = Standing {
        id: crate::job::new_id("sta"),
        grantor: asker.person.id.clone(),
        identity: asker.signature(),
        command: case.request.command.clone(),
        scope: Value::Object(scope.clone()).to_string(),
        person: wish.person,
        team: wish.team,
        approval: case.approval.id.clone(),
        policy_version: case.approval.policy_version.clone(),
        uses_left: wish.uses,
        expires_at: app.clock.now() + wish.time.millis(),
        created_at: 0,
        revoked_at: None,
        revoked_by: None,
    };
    let said = json!({ "approval": {
        "id": case.approval.id, "command": standing.command, "scope": scope_words(&scope), "uses": standing.uses_left,
        "whom": standing.team.as_ref().map_or(case.requester.name.clone(), |team| format!("the team {team}")),
        "until": app.roster().await?.calendar_of(&asker.person.id).words(standing.expires_at),
    }});
    keep(app, &case, standing).await?;
    told(app, ("standing_granted", Tone::Good), &said)
}

async fn keep(app: &App, case: &Case, standing: Standing) -> Result<()> {
    let (request, trace) = (case.request.id.clone(), case.trace());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            tx.insert_standing(&standing).await?;
            let whom = standing.person.clone().or(standing.team.clone()).unwrap_or_default();
            let detail = format!(
                "{trace} as {}: {} for {whom}, {} uses, {}",
                standing.identity, standing.id, standing.uses_left, standing.scope
            );
            let act = Act { subject: &request, actor: &standing.grantor, action: "standing approval", detail: &detail };
            tx.audit(act).await
        })
    });
    write.await
}

/// Takes one back: who gave it may, and the team that owns the capability.
pub(super) async fn revoke(app: &App, id: &str, asker: &Asker) -> Result<Reply> {
    let unknown = || UserError::new(Reason::NotFound, "There is no such standing approval.");
    let standing = app.store.standing(id).await?.ok_or_else(unknown)?;
    if !may_revoke(app, &standing, &asker.person) {
        return Err(unknown().into());
    }
    let (id, by, signature) = (standing.id.clone(), asker.person.id.clone(), asker.signature());
    let write = app.store.write(move |tx| {
        Box::pin(async move {
            if tx.revoke_standing(&id, &by).await? {
                let detail = format!("as {signature}");
                tx.audit(Act { subject: &id, actor: &by, action: "revoked", detail: &detail }).await?;
            }
            Ok(())
        })
    });
    write.await?;
    super::list::list(app, asker).await
}

/// Whether somebody may take back a standing approval.
pub(super) fn may_revoke(app: &App, standing: &Standing, person: &Person) -> bool {
    let catalogue = app.catalogue.load();
    let owner = catalogue.commands.get(&standing.command).map(|command| command.capability.owner.clone());
    standing.grantor == person.id || owner.is_some_and(|owner| person.teams.contains(&owner))
}
