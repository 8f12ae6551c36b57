//! Counting votes: every person once, by who they are and what they may at the moment of the decision.

use std::collections::{BTreeMap, BTreeSet};

use super::presence::present;
use super::{Case, refusal};
use crate::app::App;
use crate::catalogue::resolve::Asker;
use crate::error::{Result, UserError};
use crate::people;
use crate::people::electorate::{Electorate, Right};
use crate::people::roster::Roster;
use crate::store::vote::{Vote, verdict};

/// The votes on an approval that count.
pub(super) struct Tally {
    /// All votes that were looked at, by the person that each is stored under.
    pub(super) seen: BTreeSet<String>,
    /// Who said yes, by id.
    pub(super) yes: BTreeSet<String>,
    /// Everybody whose vote was looked at, whether it counts or not.
    voters: BTreeSet<String>,
    /// For whom others have voted.
    represented: BTreeSet<String>,
}

/// With what right somebody votes.
pub(super) struct Entitled {
    /// The person for whom it is.
    pub(super) on_behalf_of: Option<String>,
}

/// Counts the votes on a case. `roster` was made before, and what the platforms say of the voters now is remembered for
/// the next one; an error says that they do not say it.
pub(super) async fn count(app: &App, case: &Case, roster: &Roster<'_>) -> Result<Tally> {
    let votes = app.store.votes(&case.approval.id).await?;
    let seen = votes.iter().map(|vote| vote.person.clone()).collect();
    let mut tally = Tally { seen, yes: BTreeSet::new(), voters: BTreeSet::new(), represented: BTreeSet::new() };
    let mut entitled: BTreeMap<String, (Right, Vote)> = BTreeMap::new();
    let electorate = case.electorate(app, roster);
    for vote in votes.into_iter().filter(|vote| vote.verdict == verdict::APPROVE) {
        let voter = owner_now(app, &vote).await?;
        tally.voters.insert(voter.clone());
        let (person, _) = present(app, &voter, None).await?;
        if let Some(right) = electorate.right(&person) {
            entitled.entry(voter).or_insert((right, vote));
        }
    }
    let own = entitled.iter().filter(|(_, (right, _))| *right == Right::Own);
    tally.yes.extend(own.map(|(voter, _)| voter.clone()));
    for (voter, (right, vote)) in entitled {
        let (Right::For(people), Some(of)) = (right, vote.on_behalf_of) else { continue };
        // Whoever has come back and voted has had their vote, and so has whoever others have stood in for.
        let is_free = !tally.yes.contains(&of) && !tally.represented.contains(&of);
        if people.contains(&of) && is_free && still_belongs(app, &electorate, &of).await? {
            tally.represented.insert(of);
            tally.yes.insert(voter);
        }
    }
    Ok(tally)
}

impl Tally {
    /// With what right an asker votes now; the words that say why not, if they cannot.
    pub(super) fn admit(
        &self,
        case: &Case,
        roster: &Roster<'_>,
        (electorate, asker): (&Electorate<'_>, &Asker),
    ) -> Result<Entitled, UserError> {
        let right = entitle(case, electorate, asker)?;
        if self.voters.contains(&asker.person.id) || self.seen.contains(&asker.person.id) {
            return Err(refusal::voted(case.terms.quorum.saturating_sub(self.yes.len()).max(1)));
        }
        let Right::For(people) = right else { return Ok(Entitled { on_behalf_of: None }) };
        let is_free = |person: &&String| !self.yes.contains(*person) && !self.represented.contains(*person);
        match people.iter().find(is_free) {
            Some(person) => Ok(Entitled { on_behalf_of: Some(person.clone()) }),
            None => {
                let names: Vec<&str> = people.iter().map(|person| roster.name(person)).collect();
                Err(refusal::represented(&names.join(" and ")))
            }
        }
    }
}

/// What lets an asker decide about a case; the words that say why nothing does.
pub(super) fn entitle(case: &Case, electorate: &Electorate<'_>, asker: &Asker) -> Result<Right, UserError> {
    if asker.person.id == case.requester.id {
        return Err(refusal::own());
    }
    electorate.right(&asker.person).ok_or_else(|| refusal::stranger(case))
}

/// Whether somebody for whom others vote is of the sets that are asked, by what their platforms say now.
async fn still_belongs(app: &App, electorate: &Electorate<'_>, person: &str) -> Result<bool> {
    let (person, _) = present(app, person, None).await?;
    Ok(electorate.right(&person) == Some(Right::Own))
}

/// Who is behind a vote's identity now: identities may have been linked, or taken apart, since it was given.
async fn owner_now(app: &App, vote: &Vote) -> Result<String> {
    let Some((platform, id)) = vote.identity.split_once(':') else { return Ok(vote.person.clone()) };
    if let Some(declared) = people::named(&app.config, platform, id) {
        return Ok(declared.to_owned());
    }
    Ok(app.store.person_of(platform, id).await?.map_or_else(|| vote.person.clone(), |known| known.id))
}
