//! What the templates and conditions of a request see, and what of it must never be shown.

use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};

use crate::app::App;
use crate::catalogue::command::CommandFile;
use crate::catalogue::parameter::Kind;
use crate::error::Result;
use crate::mask::Mask;
use crate::people::Person;
use crate::store::request::Request;
use crate::store::step::{Course, Step, state};

/// Named values, and the mask over the secrets among them.
#[derive(Debug, Clone)]
pub struct Values {
    /// A JSON object: parameters, `steps`, `env`, `secret`, `person`, `place`, `request`.
    pub all: Value,
    /// Hides the secrets.
    pub mask: Mask,
}

impl Values {
    /// The values of a use of a command that has not begun.
    pub fn of_input(app: &App, command: &CommandFile, input: &Map<String, Value>, person: &Person) -> Self {
        let secret_input = command.param.iter().filter(|p| p.kind == Kind::Secret).filter_map(|p| input.get(&p.name));
        let mut secrets: Vec<String> = secret_input.filter_map(Value::as_str).map(str::to_owned).collect();
        let mut all = input.clone();
        let mut revealed = Map::new();
        for (name, secret) in &app.config.templates.secret {
            secrets.push(secret.expose_secret().to_owned());
            revealed.insert(name.clone(), secret.expose_secret().into());
        }
        all.insert("secret".into(), Value::Object(revealed));
        all.insert("env".into(), Value::Object(app.template_env.clone()));
        all.insert(
            "person".into(),
            json!({"id": person.id, "name": person.name, "teams": person.teams, "roles": person.roles}),
        );
        all.insert("steps".into(), json!({}));
        Self { all: Value::Object(all), mask: Mask::new(secrets) }
    }

    /// The values of a request under way.
    pub async fn of_request(app: &App, request: &Request, command: &CommandFile, steps: &[Step]) -> Result<Self> {
        let input = super::whole_input_of(request)?;
        let person = app.person(&request.person).await?;
        let mut values = Self::of_input(app, command, &input, &person);
        values.all["place"] = request.place.clone().into();
        values.all["request"] = json!({"id": request.id});
        for step in steps.iter().filter(|step| step.course() == Course::Do && step.state != state::SKIPPED) {
            values.all["steps"][&step.name] = serde_json::from_str(&step.outputs)?;
        }
        Ok(values)
    }
}

/// The input in two parts: what may be kept and shown, and the secrets.
pub fn split_secrets(command: &CommandFile, input: &Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let is_secret = |name: &str| command.param.iter().any(|p| p.name == name && p.kind == Kind::Secret);
    input.clone().into_iter().partition(|(name, _)| !is_secret(name))
}
