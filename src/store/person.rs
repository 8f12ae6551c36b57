//! Persons and the platform identities that are theirs, and what they looked for in vain.

use sqlx::FromRow;

use super::audit::Act;
use super::{Store, Tx};
use crate::clock::Millis;
use crate::error::Result;

/// What the id of a person begins with whom the configuration does not name.
pub const OWN: &str = "per_";

/// A person as stored; teams and roles are the configuration's.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Known {
    /// `per_…`, or the name of the configuration.
    pub id: String,
    /// The name to show.
    pub name: String,
}

/// An identity on a platform, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Identity {
    /// The platform's name.
    pub platform: String,
    /// The platform's id.
    pub id: String,
    /// The person's id.
    pub person: String,
    /// The person's name.
    pub person_name: String,
    /// The name that the platform shows, once it was seen.
    pub name: Option<String>,
    group_ids: Option<String>,
    /// When its owner made it one person with others.
    pub linked_at: Option<Millis>,
    /// The time zone that the platform says they are in, by its IANA name.
    pub zone: Option<String>,
}

/// What somebody looked for in vain.
#[derive(Debug, Clone, PartialEq, Eq, FromRow)]
pub struct Gap {
    /// `gap_…`
    pub id: String,
    /// What they typed.
    pub words: String,
    /// Who.
    pub person: String,
}

/// An identity as it was just seen.
#[derive(Debug, Clone)]
pub struct Sighting {
    /// The platform's name.
    pub platform: String,
    /// The platform's id.
    pub id: String,
    /// The name that the platform shows.
    pub name: String,
    /// The platform's ids of the groups that it is in.
    pub groups: Vec<String>,
    /// The time zone that the platform says, by its IANA name; where it says none, the one that was said last stays.
    pub zone: Option<String>,
    /// Whose it becomes, if it is nobody's yet.
    pub person: Known,
    /// The person from whom it is taken, because the configuration says otherwise now.
    pub taken_from: Option<String>,
}

impl Identity {
    /// An identity of which nothing is known but whose it is.
    pub fn new((platform, id): (&str, &str), person: &str) -> Self {
        let (platform, id, person) = (platform.to_owned(), id.to_owned(), person.to_owned());
        Self {
            platform,
            id,
            person_name: person.clone(),
            person,
            name: None,
            group_ids: None,
            linked_at: None,
            zone: None,
        }
    }

    /// The platform's ids of the groups that it was in when it was last asked.
    pub fn groups(&self) -> Vec<String> {
        let groups = self.group_ids.as_deref().and_then(|groups| serde_json::from_str(groups).ok());
        groups.unwrap_or_default()
    }

    /// Whether it is the platform's identity of this id.
    pub fn is(&self, platform: &str, id: &str) -> bool {
        self.platform == platform && self.id == id
    }
}

/// The columns of an [`Identity`].
const COLUMNS: &str = "i.platform, i.id, i.person, p.name as person_name, i.name, i.group_ids, i.linked_at, i.zone";

impl Tx {
    /// Makes sure that the person is known; an id that is known keeps its name.
    pub async fn know_person(&mut self, id: &str, name: &str) -> Result<()> {
        let sql = "insert into person (id, name, created_at) values ($1, $2, $3) on conflict (id) do nothing";
        sqlx::query(sql).bind(id).bind(name).bind(self.now).execute(&mut self.connection).await?;
        Ok(())
    }

    /// An identity, if it was ever seen.
    pub async fn identity(&mut self, platform: &str, id: &str) -> Result<Option<Identity>> {
        let sql = format!(
            "select {COLUMNS} from identity i join person p on p.id = i.person where i.platform = $1 and i.id = $2"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(platform).bind(id);
        Ok(query.fetch_optional(&mut self.connection).await?)
    }

    /// How many identities a person has.
    pub async fn count_identities(&mut self, person: &str) -> Result<i64> {
        let sql = "select count(*) from identity where person = $1";
        Ok(sqlx::query_scalar(sql).bind(person).fetch_one(&mut self.connection).await?)
    }

    /// Makes an identity somebody else's.
    pub async fn give_identity(&mut self, (platform, id): (&str, &str), person: &Known) -> Result<()> {
        self.know_person(&person.id, &person.name).await?;
        let sql = "update identity set person = $3, linked_at = null where platform = $1 and id = $2";
        let query = sqlx::query(sql).bind(platform).bind(id).bind(&person.id);
        query.execute(&mut self.connection).await?;
        Ok(())
    }

    /// All that was one person's is another's from now on: identities, requests, tokens.
    pub async fn absorb(&mut self, from: &str, into: &str) -> Result<()> {
        // A program that repeats an order by its key still means the request that it has made before.
        let sql = "update request set source = $2 || substr(source, length($1) + 1) where person = $3 \
                   and substr(source, 1, length($1)) = $1 and not exists (select 1 from request other \
                   where other.source = $2 || substr(request.source, length($1) + 1))";
        let query = sqlx::query(sql).bind(format!("api:{from}:")).bind(format!("api:{into}:")).bind(from);
        query.execute(&mut self.connection).await?;
        let sql = "update identity set person = $2, linked_at = $3 where person = $1";
        sqlx::query(sql).bind(from).bind(into).bind(self.now).execute(&mut self.connection).await?;
        for sql in [
            "update request set person = $2 where person = $1",
            "update token set person = $2 where person = $1",
            "update gap set person = $2 where person = $1",
            "update invitation set person = $2 where person = $1 and not exists (select 1 from invitation other \
             where other.person = $2 and other.wave = invitation.wave)",
            "update named_answer set person = $2 where person = $1 and not exists (select 1 from named_answer other \
             where other.person = $2 and other.wave = named_answer.wave)",
            "insert into never_asked (person, survey, at) select $2, survey, at from never_asked where person = $1 \
             on conflict (person, survey) do nothing",
            "update standing_approval set grantor = $2 where grantor = $1",
            "update standing_approval set person = $2 where person = $1",
            "update review set person = $2 where person = $1",
            "update escalation set requester = $2 where requester = $1",
            "update escalation set holder = $2 where holder = $1",
            "update escalation set resolved_by = $2 where resolved_by = $1",
            "update idea set person = $2 where person = $1",
            "update absence set person = $2 where person = $1",
            "update absence set delegate = $2 where delegate = $1",
        ] {
            sqlx::query(sql).bind(from).bind(into).execute(&mut self.connection).await?;
        }
        Ok(())
    }

    async fn sight(&mut self, seen: &Sighting) -> Result<Known> {
        let before = self.identity(&seen.platform, &seen.id).await?;
        // Somebody else may have seen it first, and then it is whose they found it to be.
        let kept = before.map(|before| Known { id: before.person, name: before.person_name });
        let kept = kept.filter(|kept| Some(&kept.id) != seen.taken_from.as_ref());
        let owner = kept.unwrap_or_else(|| seen.person.clone());
        self.know_person(&owner.id, &owner.name).await?;
        let sql = "insert into identity (platform, id, person, name, group_ids, zone) values ($1, $2, $3, $4, $5, $6) \
                   on conflict (platform, id) do update set name = excluded.name, group_ids = excluded.group_ids, \
                   zone = coalesce(excluded.zone, identity.zone), \
                   linked_at = case when identity.person = excluded.person then identity.linked_at else null end, \
                   person = excluded.person";
        let query = sqlx::query(sql).bind(&seen.platform).bind(&seen.id).bind(&owner.id).bind(&seen.name);
        query.bind(serde_json::to_string(&seen.groups)?).bind(&seen.zone).execute(&mut self.connection).await?;
        if let Some(former) = seen.taken_from.as_ref().filter(|former| **former != owner.id) {
            self.settle_taken(former, &owner.id).await?;
        }
        if owner.id != seen.person.id {
            return Ok(owner);
        }
        let sql = "update person set name = $2 where id = $1 and name <> $2";
        sqlx::query(sql).bind(&owner.id).bind(&seen.person.name).execute(&mut self.connection).await?;
        Ok(seen.person.clone())
    }

    /// A person of whom nothing is left but what they did is whom the configuration now says that they are.
    async fn settle_taken(&mut self, former: &str, owner: &str) -> Result<()> {
        if former.starts_with(OWN) && !owner.starts_with(OWN) && self.count_identities(former).await? == 0 {
            self.absorb(former, owner).await?;
            let detail = format!("{former}, as the configuration says");
            self.audit(Act { subject: owner, actor: "stationmaster", action: "linked", detail: &detail }).await?;
        }
        Ok(())
    }
}

impl Store {
    /// The person behind a platform's identity.
    pub async fn person_of(&self, platform: &str, identity: &str) -> Result<Option<Known>> {
        let sql =
            "select p.id, p.name from identity i join person p on p.id = i.person where i.platform = $1 and i.id = $2";
        let query = sqlx::query_as(sql).bind(platform).bind(identity);
        Ok(query.fetch_optional(self.reader()).await?)
    }

    /// An identity, if it was ever seen, and all others of the same person.
    pub async fn identities_around(&self, platform: &str, id: &str) -> Result<Vec<Identity>> {
        let sql = format!(
            "select {COLUMNS} from identity me join identity i on i.person = me.person join person p on p.id = i.person \
             where me.platform = $1 and me.id = $2 order by i.platform, i.id"
        );
        let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(platform).bind(id);
        Ok(query.fetch_all(self.reader()).await?)
    }

    /// The identities of a person.
    pub async fn identities_of(&self, person: &str) -> Result<Vec<Identity>> {
        let sql = format!(
            "select {COLUMNS} from identity i join person p on p.id = i.person where i.person = $1 \
             order by i.platform, i.id"
        );
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(person).fetch_all(self.reader()).await?)
    }

    /// All identities that were ever seen.
    pub async fn identities(&self) -> Result<Vec<Identity>> {
        let sql =
            format!("select {COLUMNS} from identity i join person p on p.id = i.person order by i.platform, i.id");
        Ok(sqlx::query_as(sqlx::AssertSqlSafe(sql)).fetch_all(self.reader()).await?)
    }

    /// The name of a person.
    pub async fn person_name(&self, id: &str) -> Result<Option<String>> {
        let sql = "select name from person where id = $1";
        Ok(sqlx::query_scalar(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// Keeps an identity as it was seen; gives whose it is.
    pub async fn remember_person(&self, seen: Sighting) -> Result<Known> {
        self.write(move |tx| Box::pin(async move { tx.sight(&seen).await })).await
    }

    /// Keeps what somebody looked for and did not find; gives the gap's id.
    pub async fn record_gap(&self, words: &str, person: &str, place: &str) -> Result<String> {
        let (words, person, place) = (words.to_owned(), person.to_owned(), place.to_owned());
        self.write(move |tx| {
            Box::pin(async move {
                let id = crate::job::new_id("gap");
                let sql = "insert into gap (id, words, person, place, at) values ($1, $2, $3, $4, $5)";
                let query = sqlx::query(sql).bind(&id).bind(words).bind(person).bind(place);
                query.bind(tx.now).execute(&mut tx.connection).await?;
                Ok(id)
            })
        })
        .await
    }

    /// What a person looked for in vain, by the gap's id.
    pub async fn gap(&self, id: &str) -> Result<Option<Gap>> {
        let sql = "select id, words, person from gap where id = $1";
        Ok(sqlx::query_as(sql).bind(id).fetch_optional(self.reader()).await?)
    }

    /// What was looked for in vain, newest first.
    pub async fn gaps(&self, most: i64) -> Result<Vec<String>> {
        let sql = "select words from gap order by at desc limit $1";
        Ok(sqlx::query_scalar(sql).bind(most).fetch_all(self.reader()).await?)
    }
}
