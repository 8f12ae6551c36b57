//! Slack's methods for modals and homes, and what a modal makes of the answer to its submission.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::method::{Given, Outcome, Refusal};
use super::rule;
use super::workspace::{View, Workspace};

/// How many modals may lie upon each other.
const DEEP: usize = 3;

/// Reads and checks a view that a method was given.
fn given_view(workspace: &mut Workspace, given: &Given) -> Result<Value, Refusal> {
    let view = given.structure("view")?;
    check(workspace, &view)?;
    Ok(view)
}

fn check(workspace: &mut Workspace, view: &Value) -> Result<(), Refusal> {
    // Whom and what there is in the workspace, an app need not know before it asks.
    let unknown = unknown_ids(workspace, view);
    if !unknown.is_empty() {
        return Err(Refusal::because("invalid_arguments", &unknown));
    }
    let mut wrong = rule::view(view);
    let external = view["external_id"].as_str().filter(|id| !id.is_empty());
    if external.is_some_and(|id| workspace.views.iter().any(|open| open.body["external_id"] == id)) {
        wrong.push("duplicate_external_id".into());
    }
    if wrong.is_empty() {
        return Ok(());
    }
    workspace.breach(format!("a view was refused: {}", wrong.join("; ")));
    let error =
        if wrong.iter().any(|error| error == "view_too_large") { "view_too_large" } else { "invalid_arguments" };
    Err(Refusal::because(error, &wrong))
}

/// Persons and conversations that are chosen beforehand and do not exist.
fn unknown_ids(workspace: &Workspace, view: &Value) -> Vec<String> {
    let blocks = view["blocks"].as_array().into_iter().flatten();
    let elements: Vec<&Value> = blocks.flat_map(rule::elements).collect();
    let ids = |key: &'static str| elements.iter().filter_map(move |element| element[key].as_str());
    let people = ids("initial_user").filter(|id| workspace.person(id).is_none());
    let channels = ids("initial_channel").chain(ids("initial_conversation"));
    let channels = channels.filter(|id| workspace.channel(id).is_none());
    people.chain(channels).map(|id| format!("there is no {id}")).collect()
}

/// Puts a view before somebody.
fn show(workspace: &mut Workspace, owner: &str, body: Value, previous: Option<&View>) -> Value {
    let (count, order) = (workspace.next(), workspace.next());
    let id = format!("V0{count}");
    let root = previous.map_or_else(|| id.clone(), |previous| previous.root.clone());
    let previous = previous.map(|previous| previous.id.clone());
    let body = rule::with_ids(body, || workspace.next());
    let view = View {
        hash: format!("{}.{count}", workspace.now() / 1000),
        values: values(&body, &Value::Null),
        owner: owner.to_owned(),
        errors: BTreeMap::new(),
        read: false,
        id,
        body,
        root,
        previous,
        order,
    };
    let told = view.to_json();
    workspace.views.push(view);
    json!({ "view": told })
}

/// What a view's elements hold: what was filled in under the same ids before, else what it says itself.
fn values(body: &Value, before: &Value) -> Value {
    let mut values = json!({});
    for block in body["blocks"].as_array().into_iter().flatten() {
        for element in rule::elements(block) {
            let Some(initial) = rule::initial(element) else { continue };
            let (block, action) = (text(&block["block_id"]), text(&element["action_id"]));
            let held = &before[&block][&action];
            let kept = held["type"] == initial["type"];
            values[&block][&action] = if kept { held.clone() } else { initial };
        }
    }
    values
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn pull(workspace: &mut Workspace, given: &Given) -> Result<String, Refusal> {
    let trigger = given.needed("trigger_id")?.to_owned();
    workspace.pull(&trigger).map_err(Refusal::new)
}

/// `views.open`
pub fn open(workspace: &mut Workspace, given: &Given) -> Outcome {
    let view = given_view(workspace, given)?;
    let owner = pull(workspace, given)?;
    if view["type"] != "modal" {
        return Err(Refusal::because("invalid_arguments", &["a home is not opened".into()]));
    }
    // Another modal takes the place of the one that is open.
    workspace.views.retain(|view| view.owner != owner || view.body["type"] != "modal");
    Ok(show(workspace, &owner, view, None))
}

/// `views.push`
pub fn push(workspace: &mut Workspace, given: &Given) -> Outcome {
    let view = given_view(workspace, given)?;
    let owner = pull(workspace, given)?;
    push_view(workspace, &owner, view)
}

fn push_view(workspace: &mut Workspace, owner: &str, view: Value) -> Outcome {
    let depth = workspace.views.iter().filter(|view| view.owner == owner && view.body["type"] == "modal").count();
    if depth >= DEEP {
        workspace.breach("a fourth modal was pushed");
        return Err(Refusal::new("push_limit_reached"));
    }
    let previous = workspace.modal_mut(owner).map(|view| view.clone());
    let previous = previous.ok_or_else(|| Refusal::new("not_found"))?;
    Ok(show(workspace, owner, view, Some(&previous)))
}

/// `views.update`
pub fn update(workspace: &mut Workspace, given: &Given) -> Outcome {
    let body = given_view(workspace, given)?;
    let (id, external) = (given.text("view_id"), given.text("external_id"));
    let is_meant =
        |view: &View| Some(view.id.as_str()) == id || external.is_some_and(|id| view.body["external_id"] == id);
    let found = workspace.views.iter().position(is_meant).ok_or_else(|| Refusal::new("not_found"))?;
    if given.text("hash").is_some_and(|hash| hash != workspace.views[found].hash) {
        return Err(Refusal::new("hash_conflict"));
    }
    change(workspace, found, body);
    Ok(json!({ "view": workspace.views[found].to_json() }))
}

/// Gives the view at `found` another body; what was filled in stays where the ids stay.
fn change(workspace: &mut Workspace, found: usize, body: Value) {
    let body = rule::with_ids(body, || workspace.next());
    let (now, count) = (workspace.now() / 1000, workspace.next());
    let view = &mut workspace.views[found];
    view.values = values(&body, &view.values);
    (view.body, view.hash) = (body, format!("{now}.{count}"));
    view.errors.clear();
    (view.read, view.order) = (false, count);
}

/// `views.publish`
pub fn publish(workspace: &mut Workspace, given: &Given) -> Outcome {
    let owner = given.needed("user_id")?.to_owned();
    let view = given_view(workspace, given)?;
    if view["type"] != "home" || workspace.person(&owner).is_none() {
        return Err(Refusal::because("invalid_arguments", &["a home of somebody is published".into()]));
    }
    let known = workspace.views.iter().position(|view| view.owner == owner && view.body["type"] == "home");
    let hash = given.text("hash");
    if known.is_some_and(|found| hash.is_some_and(|hash| hash != workspace.views[found].hash)) {
        return Err(Refusal::new("hash_conflict"));
    }
    match known {
        Some(found) => {
            change(workspace, found, view);
            Ok(json!({ "view": workspace.views[found].to_json() }))
        }
        None => Ok(show(workspace, &owner, view, None)),
    }
}

/// What the modal `id` does when its submission is answered by `ack`.
pub fn answer(workspace: &mut Workspace, id: &str, ack: &Value) {
    if let Err(why) = try_answer(workspace, id, ack) {
        workspace.breach(format!("the answer to a submission was refused: {why}: {ack}"));
        fail(workspace, id);
    }
}

/// What the modal says when its submission was not answered, or not as Slack wants it.
pub fn fail(workspace: &mut Workspace, id: &str) {
    if let Some(view) = workspace.views.iter_mut().find(|view| view.id == id) {
        view.errors = BTreeMap::from([(String::new(), "We had some trouble connecting. Try again?".to_owned())]);
        view.read = false;
    }
}

fn try_answer(workspace: &mut Workspace, id: &str, ack: &Value) -> Result<(), String> {
    let found = workspace.views.iter().position(|view| view.id == id).ok_or("the modal is gone")?;
    let owner = workspace.views[found].owner.clone();
    let action = match ack {
        Value::Null => "",
        Value::String(text) if text.is_empty() => "",
        Value::Object(object) if object.is_empty() => "",
        ack => ack["response_action"].as_str().ok_or("it has no response_action")?,
    };
    match action {
        "" => drop(workspace.views.remove(found)),
        "clear" => workspace.views.retain(|view| view.owner != owner || view.body["type"] != "modal"),
        "errors" => {
            let errors = ack["errors"].as_object().filter(|errors| !errors.is_empty()).ok_or("it has no errors")?;
            let view = &mut workspace.views[found];
            let asks = |id: &str| {
                let blocks = view.body["blocks"].as_array().into_iter().flatten();
                blocks.into_iter().any(|block| block["block_id"] == id && block["type"] == "input")
            };
            if let Some(stray) = errors.keys().find(|id| !asks(id)) {
                return Err(format!("there is no question {stray}"));
            }
            view.errors = errors.iter().map(|(id, error)| (id.clone(), text(error))).collect();
            view.read = false;
        }
        "update" | "push" => {
            let body = ack["view"].clone();
            check(workspace, &body).map_err(|refusal| refusal.error)?;
            match action {
                "update" => change(workspace, found, body),
                _ => drop(push_view(workspace, &owner, body).map_err(|refusal| refusal.error)?),
            }
        }
        other => return Err(format!("there is no response_action {other}")),
    }
    Ok(())
}
