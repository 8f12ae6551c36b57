//! A desk that answers by a fixed script, to try an adapter without what is behind it.

use std::sync::{Arc, Mutex, OnceLock};

use async_trait::async_trait;
use serde_json::{Value, json};
use stationmaster::chat::*;
use stationmaster::error::{Result, UserError};
use stationmaster::picture::{Bar, Chart, Distribution, Highlight, Level, Point, Share, Trend};

/// A desk that answers by a fixed script.
#[derive(Default)]
pub struct Scripted {
    platform: OnceLock<Arc<dyn Platform>>,
    heard: Mutex<Vec<Event>>,
}

impl Scripted {
    /// Answers by way of this platform.
    pub fn answer_by(&self, platform: Arc<dyn Platform>) {
        assert!(self.platform.set(platform).is_ok());
    }

    /// What was heard, each delivery once.
    pub fn heard(&self) -> Vec<Event> {
        self.heard.lock().expect("not poisoned").clone()
    }

    async fn answer(platform: Arc<dyn Platform>, event: Event) -> Result<()> {
        match &event.intent {
            Intent::Say { words } if words == "/db" || words == "/db create" => {
                platform.reply(&event, &Reply::Form(form(None, None))).await
            }
            Intent::Say { words } if words.starts_with("/db create") => {
                let key = stationmaster::job::new_id("msg");
                platform.post(to(&event.place, &key), &working(words, 40)).await?;
                platform.reply(&event, &Reply::Nothing).await
            }
            Intent::Say { words } if words == "/gallery" => {
                for card in gallery() {
                    let key = stationmaster::job::new_id("msg");
                    platform.post(to(&event.place, &key), &card).await?;
                }
                platform.reply(&event, &Reply::Form(every_question())).await
            }
            Intent::Press { token } if token.parts().0 == "cancel" => {
                let message = event.reply_to.clone().expect("a button belongs to a message");
                platform.edit(&event.place, &message, &cancelled()).await?;
                platform.reply(&event, &Reply::Nothing).await
            }
            Intent::Say { words } => {
                let body = stationmaster::markdown::escape(words);
                let card = Card { title: "I heard".into(), body, ..Card::default() };
                platform.reply(&event, &Reply::Card(card)).await
            }
            _ => platform.reply(&event, &Reply::Nothing).await,
        }
    }
}

#[async_trait]
impl Inbox for Scripted {
    async fn accept(&self, event: Event) -> Result<bool> {
        if matches!(&event.intent, Intent::Say { words } if words == "/refused") {
            return Err(UserError::invalid("There is no such command.").hint("type /help").into());
        }
        let mut heard = self.heard.lock().expect("not poisoned");
        if heard.iter().any(|known| (&known.person, &known.id) == (&event.person, &event.id)) {
            return Ok(false);
        }
        heard.push(event.clone());
        if let Some(platform) = self.platform.get().cloned() {
            tokio::spawn(async move { Self::answer(platform, event).await.expect("the platform takes the answer") });
        }
        Ok(true)
    }

    fn words(&self, error: &anyhow::Error) -> Card {
        Card { title: error.to_string(), ..Card::default() }
    }

    async fn ask(&self, event: Event) -> Reply {
        let reply = match &event.intent {
            Intent::Suggest { token, typed, .. } => Reply::Choices(proposals(&token.to_string(), typed)),
            Intent::OpenHome => Reply::Card(home()),
            Intent::Press { token } if token.is_sealed() => Reply::Form(pulse(None)),
            Intent::Submit { token, values } if token.is_sealed() => {
                if values.get("change").is_some_and(|text| text == "Ask Ben") {
                    return Reply::Form(pulse(Some("What is marked may tell who you are.".into())));
                }
                Reply::Card(Card { tone: Tone::Good, title: "Thank you".into(), ..Card::default() })
            }
            Intent::Submit { values, .. } => {
                let name = values.get("name").and_then(Value::as_str).unwrap_or_default();
                if name.is_empty() || name.chars().any(char::is_uppercase) {
                    let error = "Lower case letters, digits and _ only: for example orders";
                    return Reply::Form(form(Some(json!(name)), Some(error.into())));
                }
                let card = Card { tone: Tone::Good, title: format!("Database {name} is ready"), ..Card::default() };
                Reply::Card(card)
            }
            _ => Reply::Nothing,
        };
        self.heard.lock().expect("not poisoned").push(event);
        reply
    }
}

/// A first post of `key` to `place`.
pub fn to<'a>(place: &'a str, key: &'a str) -> Post<'a> {
    Post { place, key, tried_at: None }
}

fn proposals(token: &str, typed: &str) -> Vec<Choice> {
    let choice = |value: &str, hint: &str| Choice { value: value.into(), label: value.into(), hint: hint.into() };
    let all = match token {
        "say" => vec![
            choice("/db create", "Create a PostgreSQL database"),
            choice("/db drop", "Remove a database and everything in it"),
            choice("/deploy", "Bring a service to an environment"),
            choice("/env check", "See whether an environment is healthy"),
            choice("/help", "Find a command by what you mean"),
            choice("/service new", "A small service in a git repository of its own"),
        ],
        _ => vec![choice("orders", "ada, 2 services"), choice("payments", "ben, 5 services")],
    };
    all.into_iter().filter(|choice| choice.value.contains(typed)).collect()
}

fn button(label: &str, action: Action, style: Style) -> Button {
    Button { label: label.into(), action, style }
}

/// The home.
pub fn home() -> Card {
    let fill = |line: &str| button(line, Action::Fill(line.into()), Style::Plain);
    Card {
        title: "What can I get you?".into(),
        body: "Type a command, or press one of these to see how it looks. `/help` finds one by what you mean.".into(),
        buttons: vec![
            fill("/db create orders"),
            fill("/service new name=hello"),
            fill("/env check dev"),
            fill("/help database"),
        ],
        ..Card::default()
    }
}

/// A card of work under way.
pub fn working(words: &str, percent: u8) -> Card {
    Card {
        tone: Tone::Active,
        title: format!("Running {words}"),
        body: "Step **2 of 3**: waiting for the *database server*.".into(),
        facts: vec![("Environment".into(), "dev".into()), ("Since".into(), "40s".into())],
        progress: Some(Progress { percent, label: "Copying the schema".into() }),
        buttons: vec![
            button("Look at the run", Action::Open("https://ci.example.org/runs/7".into()), Style::Plain),
            button("Cancel", Action::Press(Token::new("cancel", "req_1")), Style::Danger),
        ],
        picture: None,
        footnote: Some("req_01k9z".into()),
    }
}

fn cancelled() -> Card {
    let repeat = button("Run it again", Action::Press(Token::new("repeat", "req_1")), Style::Primary);
    Card {
        title: "Cancelled".into(),
        body: "Nothing was left behind.".into(),
        buttons: vec![repeat],
        ..Card::default()
    }
}

/// A card of every kind, and some that try to be more than text.
pub fn gallery() -> Vec<Card> {
    let tones = [
        (Tone::Waiting, "Waiting for an approval of data-platform"),
        (Tone::Good, "Database orders is ready"),
        (Tone::Bad, "The database could not be created"),
        (Tone::Neutral, "Three commands match"),
    ];
    let mut cards = vec![working("/db create orders environment=dev", 64)];
    cards.extend(tones.map(|(tone, title)| {
        Card {
            tone,
            title: title.into(),
            body: "A line with `code`, **bold** and [a link](https://example.org/).\n\n1. one\n2. two\n\n```\n$ psql \
               postgres://orders@db.example.org/orders\nERROR: role \"orders\" does not exist\n```\n\n> said before"
                .into(),
            facts: vec![("Took".into(), "1m 12s".into()), ("Owner".into(), "data-platform".into())],
            buttons: vec![
                button("Try again", Action::Press(Token::new("retry", "req_1")), Style::Primary),
                button("Details", Action::Press(Token::new("details", "req_1")), Style::Plain),
            ],
            footnote: Some("hint: ask /help database".into()),
            progress: None,
            picture: None,
        }
    }));
    let long = "a-very-long-name-that-nobody-would-choose-but-somebody-will-".repeat(4);
    cards.push(Card {
        title: long.clone(),
        body: format!("`{long}` and {long}"),
        facts: vec![(long.clone(), long.clone())],
        buttons: vec![button(&long, Action::Press(Token::new("x", "")), Style::Plain)],
        ..Card::default()
    });
    cards.push(hostile());
    cards.push(Card::default());
    cards.extend([results(), Card { title: "Since last year".into(), picture: Some(trend()), ..Card::default() }]);
    cards
}

/// The results of a survey.
pub fn results() -> Card {
    let known = |percent, count| Share::Known { percent, count: Some(count) };
    let bar = |(label, share): (&str, Share)| Bar { label: label.into(), share };
    let bars = [
        ("strongly disagree", known(4.0, 2)),
        ("disagree", known(12.5, 6)),
        ("neither, or it depends on the week", known(20.8, 10)),
        ("agree", known(62.5, 30)),
        ("צוות התשתיות", Share::Hidden),
    ];
    let chart = Chart::Distribution(Distribution {
        title: "How is it to build here?".into(),
        question: "I can work without being interrupted".into(),
        bars: bars.map(bar).into(),
        highlights: vec![Highlight { label: "favourable".into(), bars: vec![3] }],
        note: "48 of 70 answered, March 2026".into(),
    });
    Card {
        tone: Tone::Good,
        title: "The results are in".into(),
        body: "**3.4** of 5, from 3.1 to 3.7: no clear change.".into(),
        facts: vec![("Answered".into(), "48 of 70".into())],
        picture: Some(Picture { chart }),
        footnote: Some("wave 3".into()),
        ..Card::default()
    }
}

fn trend() -> Picture {
    let known = |label: &str, value: f64| Point {
        label: label.into(),
        level: Level::Known { value, low: value - 0.3, high: value + 0.3 },
    };
    let hidden = Point { label: "2025 Q4".into(), level: Level::Hidden };
    let points = vec![known("2025 Q3", 3.1), hidden, known("2026 Q1", 3.6), known("2026 Q2", 3.4)];
    Picture { chart: Chart::Trend(Trend { title: "Flow".into(), points, breaks: vec![2], ..Trend::default() }) }
}

/// A card whose every text tries to be more than text.
pub fn hostile() -> Card {
    let script = "<script>window.broken=1</script><img src=x onerror=window.broken=1>";
    let turned = "\u{202e}desrever\u{200b} שלום עולם z\u{0300}\u{0301}\u{0302}\u{0303}\u{0304}\u{0305}\u{0306}\u{0307}\u{0308}\u{0309}\u{030a}\u{030b}\u{030c}";
    Card {
        tone: Tone::Waiting,
        title: format!("{turned} {script}"),
        body: format!("{script} [click](javascript:window.broken=1) @everyone {turned}"),
        facts: vec![(turned.into(), script.into()), ("\" onclick=\"window.broken=1".into(), turned.into())],
        progress: Some(Progress { percent: 250, label: script.into() }),
        buttons: vec![
            button(script, Action::Press(Token::new("x", "\"><script>window.broken=1</script>")), Style::Plain),
            button("open", Action::Open("javascript:window.broken=1".into()), Style::Plain),
            button(turned, Action::Fill("\"><script>window.broken=1</script>".into()), Style::Plain),
        ],
        picture: Some(Picture {
            chart: Chart::Distribution(Distribution {
                title: script.into(),
                question: turned.into(),
                bars: vec![Bar { label: script.into(), share: Share::Hidden }],
                ..Distribution::default()
            }),
        }),
        footnote: Some(script.into()),
    }
}

fn field(name: &str, label: &str, input: Input) -> Field {
    let (name, label) = (name.to_owned(), label.to_owned());
    Field { name, label, help: String::new(), input, required: false, value: None, error: None }
}

fn choices(names: &[&str]) -> Input {
    let choice = |name: &&str| Choice { value: (*name).into(), label: (*name).into(), hint: String::new() };
    Input::Choice(names.iter().map(choice).collect())
}

/// The form of `/db create`.
pub fn form(name: Option<Value>, error: Option<String>) -> Form {
    Form {
        title: "Create a PostgreSQL database".into(),
        intro: "It is ready in about **two minutes**.".into(),
        fields: vec![
            Field {
                required: true,
                value: name,
                error,
                help: "Lower case, as it will appear in the connection string".into(),
                ..field("name", "Name", Input::Line)
            },
            Field {
                required: true,
                value: Some(json!("dev")),
                ..field("environment", "Environment", choices(&["dev", "staging", "prod"]))
            },
            field("owner", "Owner", Input::Lookup(Token::new("field", "db create:owner"))),
            field("password", "Password", Input::Secret),
            field("backup", "Keep backups", Input::Toggle),
        ],
        submit: "Create it".into(),
        token: Token::new("invoke", "db create"),
        error: None,
    }
}

/// The form of a survey, of which nothing is kept.
pub fn pulse(error: Option<String>) -> Form {
    Form {
        title: "How is it here?".into(),
        intro: String::new(),
        fields: vec![
            field("flow", "I can work without being interrupted", choices(&["1", "2", "3"])),
            field("load", "What I must know is manageable", choices(&["1", "2", "3"])),
            field("change", "What would you change?", Input::Text),
        ],
        submit: "Send".into(),
        token: Token::new(SEALED, "inv_1"),
        error,
    }
}

/// A form with every kind of question, some of them answered wrongly.
pub fn every_question() -> Form {
    let help = "A line that helps, which may be so long that it goes on into a second line on a small screen.";
    let wrong = |field: Field, value: &str, error: &str| Field {
        value: Some(json!(value)),
        error: Some(error.into()),
        ..field
    };
    let sizes = ["tiny", "small", "medium", "large", "huge", "enormous"];
    Form {
        title: "Every kind of question".into(),
        intro: String::new(),
        fields: vec![
            Field { help: help.into(), required: true, ..field("line", "One line", Input::Line) },
            wrong(field("number", "Number", Input::Number), "many", "A whole number, for example 3"),
            wrong(field("env", "Environment", choices(&["dev", "prod"])), "prdo", "Did you mean prod?"),
            Field { value: Some(json!("medium")), ..field("size", "Size", choices(&sizes)) },
            field("why", "Why", Input::Text),
            Field { value: Some(json!(true)), ..field("backup", "Keep backups for thirty days", Input::Toggle) },
            field("owner", "Owner", Input::Lookup(Token::new("field", "x:owner"))),
            field("until", "Until", Input::Date),
            field("who", "Who", Input::Person),
            field("where", "Where", Input::Channel),
            field("secret", "Password", Input::Secret),
        ],
        submit: "Send".into(),
        token: Token::new("invoke", "gallery"),
        error: Some("Two answers need another look.".into()),
    }
}
