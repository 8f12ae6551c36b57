//! The API for pipelines and other programs: a request is asked for, watched and called off.
//!
//! Whoever shows a token is the person that it was made for, with that person's rights.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get, post};
use axum::{Json, Router};
use serde_json::{Value, json};

use self::order::Order;
use super::refusal::Refusal;
use super::token;
use crate::app::App;
use crate::catalogue::resolve::{Asker, Call, Resolved};
use crate::chat::{Form, PlatformName};
use crate::error::{Reason, Result, UserError};
use crate::people::Person;
use crate::request::values::Values;
use crate::request::{self, Origin, plan, press};
use crate::store::request::Request;

mod order;
mod shown;

/// The conversation that all API calls are made in; `[command.allow] channels` may name it.
const PLACE: &str = "api";

/// What describes the API: OpenAPI 3.1.
const DOCUMENT: &str = include_str!("api/openapi.json");

type Answer = Result<Response, Refusal>;

/// The routes of the API, as the document describes them.
pub fn router(app: Arc<App>) -> Router {
    routes().into_iter().fold(Router::new(), |router, (path, route)| router.route(path, route)).with_state(app)
}

fn routes() -> [(&'static str, MethodRouter<Arc<App>>); 5] {
    [
        ("/api/openapi.json", get(describe)),
        ("/api/catalogue", get(catalogue)),
        ("/api/requests", post(ask)),
        ("/api/requests/{id}", get(watch)),
        ("/api/requests/{id}/cancel", post(cancel)),
    ]
}

async fn describe() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

/// What the caller may use.
async fn catalogue(State(app): State<Arc<App>>, headers: HeaderMap) -> Answer {
    let person = caller(&app, &headers).await?;
    Ok(Json(shown::catalogue(&app.catalogue.load(), &person, PLACE)).into_response())
}

/// Accepts a request; the same idempotency key of the same person is the same request.
async fn ask(State(app): State<Arc<App>>, headers: HeaderMap, body: Result<Bytes, BytesRejection>) -> Answer {
    let person = caller(&app, &headers).await?;
    let order = Order::read(&headers, &body?)?;
    let asker = Asker::member(PlatformName::Api, person, PLACE);
    let catalogue = app.catalogue.load_full();
    let call = match catalogue.resolve(order.asked(), &asker, &app.choices).await? {
        Resolved::Call(call) => call,
        Resolved::Form(form) => return Err(incomplete(&form).into()),
    };
    if call.is_dry_run() {
        return Ok(Json(json!({ "plan": plan::plan(&app, &call, &asker.person, PLACE)? })).into_response());
    }
    if !order.confirm && asks_to_confirm(&app, &call, &asker.person)? {
        return Err(UserError::invalid("This asks whether you are sure.")
            .field("confirm", "send true to say that you are sure")
            .into());
    }
    let origin = Origin {
        source: format!("{}:{}:{}", PlatformName::Api, asker.person.id, order.idempotency_key),
        person: asker.person,
        platform: PlatformName::Api,
        place: PLACE.into(),
        thread: None,
        identity: String::new(),
        confirmed: order.confirm,
    };
    let accepted = request::accept(&app, &call, &origin).await?;
    // What has just been accepted has no steps yet, and nobody need be asked for them.
    let steps = if accepted.fresh { Vec::new() } else { app.store.steps(&accepted.request.id).await? };
    let shown = shown::request(&app, &accepted.request, &steps)?;
    let place = format!("/api/requests/{}", accepted.request.id);
    Ok((StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(shown)).into_response())
}

async fn watch(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    let person = caller(&app, &headers).await?;
    let found = visible(&app, &id, &person).await?;
    Ok(Json(shown::request(&app, &found, &app.store.steps(&found.id).await?)?).into_response())
}

async fn cancel(State(app): State<Arc<App>>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    let person = caller(&app, &headers).await?;
    let found = press::cancel(&app, &id, &person).await?;
    let steps = app.store.steps(&found.id).await?;
    Ok((StatusCode::ACCEPTED, Json(shown::request(&app, &found, &steps)?)).into_response())
}

/// The person whom the caller's token speaks for. Every way to fail looks the same and takes as long.
async fn caller(app: &App, headers: &HeaderMap) -> Result<Person, Refusal> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let token = match (given.next(), given.next()) {
        (Some(one), None) => one.to_str().ok().and_then(bearer).unwrap_or_default(),
        _ => "",
    };
    let known = app.store.person_of_token(&token::hash(token)).await?;
    // Where persons are declared, one who is declared no more has left, and the token with them.
    let is_here = |id: &str| app.config.person.is_empty() || app.config.person.contains_key(id);
    let known = known.filter(|known| is_here(&known.id)).ok_or_else(Refusal::unknown_caller)?;
    Ok(app.person_of(&known).await?)
}

fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// A request that is the person's own, or that they were given because they asked for the same.
async fn visible(app: &App, id: &str, person: &Person) -> Result<Request> {
    let own = press::own(app, id, person).await;
    let joined = |entry: &crate::store::audit::Entry| entry.action == "joined" && entry.actor == person.id;
    match own {
        Err(_) if app.store.audit_of(id).await?.iter().any(joined) => {
            app.store.request(id).await?.ok_or_else(|| anyhow::anyhow!("a request with an audit trail is gone"))
        }
        other => other,
    }
}

fn asks_to_confirm(app: &App, call: &Call, person: &Person) -> Result<bool> {
    let command = &call.command().file;
    let mut values = Values::of_input(app, command, call.input(), person);
    values.all["place"] = Value::from(PLACE);
    command.needs_confirmation(&values.all)
}

/// What a form would ask, as errors of the fields of `input`.
fn incomplete(form: &Form) -> UserError {
    let message = form.error.as_deref().unwrap_or("Some of the input is missing or wrong.");
    let wrong = form.fields.iter().filter_map(|field| Some((field, field.error.as_ref()?)));
    let error =
        wrong.fold(UserError::new(Reason::Invalid, message), |error, (field, said)| error.field(&field.name, said));
    error.hint("GET /api/catalogue says what it takes")
}
