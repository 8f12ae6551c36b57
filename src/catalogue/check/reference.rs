//! What templates and conditions read, and whether it is known at the moment when they are used.

use super::command::Check;
use super::finding::{Remark, listed};
use super::policy;
use crate::catalogue::parameter::Kind;
use crate::catalogue::policy::FACTS;
use crate::expression::Expression;
use crate::message::Template;
use crate::runner::Inspection;

/// A place that reads values.
pub(super) struct Site {
    /// Its path in the document.
    pub path: String,
    /// When it is used.
    pub moment: Moment,
    /// The dotted paths of what it reads.
    pub variables: Vec<String>,
    pub source: Source,
}

/// What reads.
pub(super) enum Source {
    Template(Template),
    /// Decides something, so it must give true or false.
    Condition(Expression),
    /// Gives a number.
    Amount(Expression),
    /// A condition over something that is known only while a step runs.
    Answer,
}

/// A moment in the life of a request, which decides what is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Moment {
    /// The choices of the parameter with this position are asked for.
    Choosing(usize),
    /// The parameters are known, and nothing has been done.
    Asked,
    /// The same, for a text that is kept.
    Keyed,
    /// The same, and it is to be told what it costs.
    Priced,
    /// The same, and it is to be decided whether a human decides.
    Judged,
    /// The step with this position is about to run.
    Before(usize),
    /// The step with this position runs or has run.
    During(usize),
    /// All steps have run.
    Done,
}

/// Notes what cannot be known, and gives the places where all is well.
pub(super) fn check(check: &mut Check<'_, '_>) -> Vec<Site> {
    let inspections: Vec<Inspection> =
        check.command.step.iter().map(|step| inspection(check, step).map(|(_, i)| i).unwrap_or_default()).collect();
    let mut sound = Vec::new();
    for site in sites(check) {
        let scope = Scope { check, inspections: &inspections, moment: site.moment };
        let remarks: Vec<Remark> =
            site.variables.iter().filter_map(|name| scope.judge(name).map(|remark| remark.part(name))).collect();
        if remarks.is_empty() {
            sound.push(site);
            continue;
        }
        for remark in remarks {
            check.findings.add(&site.path, remark);
        }
    }
    sound
}

fn inspection(check: &Check<'_, '_>, step: &crate::catalogue::command::Step) -> Option<(&'static str, Inspection)> {
    step.runners().pop().map(|runner| (runner.name(), runner.inspect(check.tools)))
}

fn sites(check: &Check<'_, '_>) -> Vec<Site> {
    let command = check.command;
    let mut sites = Sites { check, sites: Vec::new() };
    for (index, parameter) in command.param.iter().enumerate() {
        if let Some(from) = &parameter.choices_from {
            sites.template(&format!("param[{index}].choices_from.http"), Moment::Choosing(index), &from.http);
        }
    }
    sites.condition("confirm", Moment::Asked, command.confirm.as_ref());
    sites.condition("approval.when", Moment::Judged, command.approval.as_ref().and_then(|a| a.when.as_ref()));
    if let Some(cost) = &command.cost {
        sites.amount("cost.amount", &cost.amount);
    }
    if let Some(key) = &command.limits.key {
        sites.template("limits.key", Moment::Keyed, key);
    }
    for (index, step) in command.step.iter().enumerate() {
        sites.condition(&format!("step[{index}].when"), Moment::Before(index), step.when.as_ref());
        sites.runner(&format!("step[{index}]"), Moment::Before(index), step);
        if let Some(undo) = &step.undo {
            sites.runner(&format!("step[{index}].undo"), Moment::During(index), undo);
        }
    }
    if let Some(reply) = &command.reply {
        sites.template("reply.text", Moment::Done, &reply.text);
    }
    sites.sites
}

/// Gathers the sites of a command.
struct Sites<'a, 'c, 'd> {
    check: &'a Check<'c, 'd>,
    sites: Vec<Site>,
}

impl Sites<'_, '_, '_> {
    fn template(&mut self, key: &str, moment: Moment, template: &Template) {
        let (path, variables) = (self.check.path(key), template.variables());
        self.sites.push(Site { path, moment, variables, source: Source::Template(template.clone()) });
    }

    fn condition(&mut self, key: &str, moment: Moment, condition: Option<&Expression>) {
        if let Some(condition) = condition {
            let (path, variables) = (self.check.path(key), condition.variables());
            self.sites.push(Site { path, moment, variables, source: Source::Condition(condition.clone()) });
        }
    }

    fn amount(&mut self, key: &str, amount: &Expression) {
        let (path, variables) = (self.check.path(key), amount.variables());
        self.sites.push(Site { path, moment: Moment::Priced, variables, source: Source::Amount(amount.clone()) });
    }

    fn runner(&mut self, key: &str, moment: Moment, step: &crate::catalogue::command::Step) {
        let Some((runner, inspection)) = inspection(self.check, step) else { return };
        let path = |key: &str, own: &str| self.check.path(&format!("{key}.{runner}.{own}"));
        for (own, variables) in inspection.reads {
            let template =
                inspection.templates.iter().find(|(key, _)| *key == own).map(|(_, template)| template.clone());
            let source = template.map_or(Source::Answer, Source::Template);
            // What looks at an answer is used when the step is under way and has outputs.
            let is_later = own.starts_with("poll.") || matches!(source, Source::Answer);
            let moment = match moment {
                Moment::Before(index) if is_later => Moment::During(index),
                moment => moment,
            };
            self.sites.push(Site { path: path(key, &own), moment, variables, source });
        }
    }
}

/// What is known at a moment.
struct Scope<'a, 'c, 'd> {
    check: &'a Check<'c, 'd>,
    inspections: &'a [Inspection],
    moment: Moment,
}

impl Scope<'_, '_, '_> {
    /// Why `variable` is not known, if it is not.
    fn judge(&self, variable: &str) -> Option<Remark> {
        let (root, rest) = variable.split_once('.').map_or((variable, None), |(root, rest)| (root, Some(rest)));
        let is_choosing = matches!(self.moment, Moment::Choosing(_));
        match root {
            "this" => None,
            _ if root.starts_with('@') => None,
            "env" => self.judge_listed(rest, "env", &self.check.known.env),
            "secret" if self.moment == Moment::Keyed => {
                Some(Remark::new("a secret cannot be part of the key, which is kept"))
            }
            "secret" => self.judge_listed(rest, "secret", &self.check.known.secrets),
            "person" | "place" | "request" | "steps" if is_choosing => {
                let remark = Remark::new(format!("`{root}` is not known while choices are asked for"));
                Some(remark.hint("the parameters before this one, env.NAME and secret.NAME are"))
            }
            "person" => judge_part(variable, rest, &["id", "name", "teams", "roles"]),
            "place" => judge_part(variable, rest, &[]),
            _ if policy::is_fact(self.check.command, self.moment, root) => {
                policy::judge_fact(self.check.command, self.moment, (root, rest))
            }
            "request" if self.is_early() => {
                Some(Remark::new("there is no request yet when this is decided").hint("leave `request` out"))
            }
            "request" => judge_part(variable, rest, &["id"]),
            "steps" => rest.and_then(|rest| self.judge_step(variable, rest)),
            _ => self.judge_parameter(root, rest),
        }
    }

    /// Whether nothing has been done at this moment.
    fn is_early(&self) -> bool {
        matches!(self.moment, Moment::Asked | Moment::Keyed | Moment::Priced | Moment::Judged)
    }

    fn judge_listed(&self, name: Option<&str>, root: &str, known: &[String]) -> Option<Remark> {
        let Some(name) = name else {
            return Some(Remark::new(format!("`{root}` needs a name: {root}.NAME")));
        };
        if known.iter().any(|known| known == name) {
            return None;
        }
        let (message, hint) = match root {
            "env" => (
                format!("the variable `{name}` is not open to capability files"),
                format!("add it to `env` of [templates] in stationmaster.toml: env = [\"{name}\"]"),
            ),
            _ => (
                format!("there is no secret `{name}`"),
                format!("add it to [templates.secret] in stationmaster.toml: {name} = \"…\""),
            ),
        };
        let near = crate::spelling::nearest(name, known.iter().map(String::as_str));
        Some(Remark::new(message).hint(near.map_or(hint, |near| format!("did you mean `{root}.{near}`?"))))
    }

    fn judge_parameter(&self, name: &str, rest: Option<&str>) -> Option<Remark> {
        let parameters = &self.check.command.param;
        let names = || parameters.iter().map(|parameter| parameter.name.as_str());
        let Some(position) = names().position(|known| known == name) else {
            let others = ["person", "place", "request", "steps", "env", "secret"];
            let facts = FACTS.iter().copied().filter(|_| self.moment == Moment::Judged);
            return Some(
                Remark::new(format!("there is no value `{name}`")).guess(name, names().chain(others).chain(facts)),
            );
        };
        match self.moment {
            Moment::Choosing(own) if position == own => {
                Some(Remark::new(format!("the choices of `{name}` cannot depend on `{name}` itself")))
            }
            Moment::Choosing(own) if position > own => {
                let of = &parameters[own].name;
                let remark = Remark::new(format!("the choices of `{of}` depend on `{name}`, which comes after it"));
                Some(remark.hint(format!("declare `{name}` before `{of}`, and without need of `{of}`")))
            }
            Moment::Keyed if parameters[position].kind == Kind::Secret => {
                let remark = Remark::new(format!("`{name}` is a secret, and the key is kept"));
                Some(remark.hint("use other parameters"))
            }
            _ => rest.map(|_| Remark::new(format!("`{name}` is one value and has no parts"))),
        }
    }

    fn judge_step(&self, variable: &str, rest: &str) -> Option<Remark> {
        let steps = &self.check.command.step;
        let mut parts = rest.split('.');
        let name = parts.next().unwrap_or_default();
        let Some(position) = steps.iter().position(|step| step.name == name) else {
            let remark = Remark::new(format!("there is no step `{name}`"));
            return Some(remark.guess(name, steps.iter().map(|step| step.name.as_str())));
        };
        if let Some(remark) = self.judge_order(variable, position) {
            return Some(remark);
        }
        let (output, outputs) = (parts.next()?, self.inspections[position].outputs.as_ref()?);
        if outputs.iter().any(|known| known == output) {
            return None;
        }
        let remark = Remark::new(format!("the step `{name}` has no output `{output}`"));
        Some(match outputs.is_empty() {
            true => remark.hint(format!("add it to the step: outputs = {{ {output} = \"$.{output}\" }}")),
            false => remark.guess(output, outputs.iter().map(String::as_str)),
        })
    }

    /// Why the outputs of the step at `position` are not known yet, if they are not.
    fn judge_order(&self, variable: &str, position: usize) -> Option<Remark> {
        let name = &self.check.command.step[position].name;
        let (run, own) = match self.moment {
            _ if self.is_early() || matches!(self.moment, Moment::Choosing(_)) => {
                let remark =
                    Remark::new(format!("`{variable}` is not known yet: this is decided before any step runs"));
                return Some(remark.hint("use parameters, `person` or `place`"));
            }
            Moment::During(index) => (index + 1, index),
            Moment::Before(index) => (index, index),
            _ => return None,
        };
        if position < run {
            return None;
        }
        if position == own {
            let remark = Remark::new(format!("the step `{name}` reads its own output before it has run"));
            return Some(remark.hint("only its `poll` and its `undo` can"));
        }
        let reader = &self.check.command.step[own].name;
        let remark = Remark::new(format!("`{variable}` is not known yet: the step `{name}` comes after `{reader}`"));
        let back = format!("steps.{reader}.");
        let is_mutual =
            self.inspections[position].reads.iter().flat_map(|(_, names)| names).any(|n| n.starts_with(&back));
        Some(match is_mutual {
            true => {
                remark.hint(format!("{} wait for each other: one of them must do without", listed(&[reader, name])))
            }
            false => remark.hint(format!("move the step `{name}` before `{reader}`")),
        })
    }
}

/// Why a value does not have this part, if it does not.
pub(super) fn judge_part(variable: &str, part: Option<&str>, parts: &[&str]) -> Option<Remark> {
    let part = part?;
    if parts.contains(&part) {
        return None;
    }
    Some(Remark::new(format!("there is no value `{variable}`")).guess(part, parts.iter().copied()))
}
