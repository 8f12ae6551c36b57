//! What commands of the sample platform do that a shell cannot: databases. They are steps of `commands/databases.toml`,
//! run as programs, so this speaks as programs speak to the `process` runner.

use std::io;
use std::process::ExitCode;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::{Reason, Result, UserError};
use crate::store::provision::{About, Place, Size};

/// "Temporary failure, try again later", by sysexits.h.
const EX_TEMPFAIL: u8 = 75;
/// Where the SQLite files are, under the data folder, in which steps run.
const FOLDER: &str = "platform/databases";

/// What a step says on standard input.
#[derive(Debug, Deserialize)]
struct Order {
    /// The URL of a PostgreSQL server, or nothing for SQLite files.
    #[serde(default)]
    server: String,
    #[serde(default)]
    owner: String,
    #[serde(default)]
    owner_name: String,
    #[serde(default)]
    request: String,
    #[serde(default = "small")]
    size: Size,
}

fn small() -> Size {
    Size::Small
}

/// Does what `words` say, with more of it as JSON on standard input; says what came of it as JSON lines.
pub async fn perform(words: &[String]) -> ExitCode {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = async {
        let order: Order = serde_json::from_reader(io::stdin())?;
        match words[..] {
            ["database", "create", name] => create(name, order).await,
            ["database", "take-back", name] => take_back(name, order).await,
            ["database", "drop", name] => remove(name, order).await,
            ["database", "list"] => list(order).await,
            _ => Err(UserError::invalid("The sample platform cannot do that.").into()),
        }
    };
    let Err(error) = done.await else { return ExitCode::SUCCESS };
    let (words, code) = match error.downcast_ref::<UserError>() {
        Some(UserError { message, hint: Some(hint), .. }) => (format!("{message} Hint: {hint}"), ExitCode::FAILURE),
        Some(refusal) => (refusal.message.clone(), ExitCode::FAILURE),
        None => (format!("{error:#}"), ExitCode::from(EX_TEMPFAIL)),
    };
    say(&json!({"error": words}));
    code
}

fn say(line: &Value) {
    println!("{line}");
}

impl Order {
    fn place(&self) -> Place {
        if self.server.is_empty() { Place::Folder(FOLDER.into()) } else { Place::Server(self.server.clone()) }
    }
}

async fn create(name: &str, order: Order) -> Result<()> {
    let place = order.place();
    say(&json!({"progress": 30, "label": format!("making {name}")}));
    let Order { owner, owner_name, request, size, .. } = order;
    let url = place.create(name, &About { owner, owner_name, request, size }).await?;
    say(&json!({"progress": 100, "output": {"url": url}}));
    Ok(())
}

/// Removes what this very request has made, and nothing else.
async fn take_back(name: &str, order: Order) -> Result<()> {
    let place = order.place();
    match place.about(name).await? {
        Some(about) if about.request == order.request => place.remove(name).await,
        _ => Ok(()),
    }
}

async fn remove(name: &str, order: Order) -> Result<()> {
    let place = order.place();
    let Some(about) = place.about(name).await? else {
        let message = format!("There is no database {name}.");
        return Err(UserError::new(Reason::NotFound, message).hint("/db list shows those that there are").into());
    };
    if about.owner != order.owner {
        let message = format!("{name} belongs to {}.", about.owner_name);
        return Err(UserError::new(Reason::Denied, message).hint("only its owner can drop it").into());
    }
    place.remove(name).await
}

async fn list(order: Order) -> Result<()> {
    let row = |(name, about): &(String, About)| json!({"name": name, "owner": about.owner_name, "size": about.size});
    let databases: Vec<Value> = order.place().list().await?.iter().map(row).collect();
    say(&json!({"output": {"databases": databases}}));
    Ok(())
}
