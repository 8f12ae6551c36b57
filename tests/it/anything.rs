//! Any card and any form, with words in them that are something to somebody's parser.

use proptest::prelude::*;
use serde_json::{Value, json};
use stationmaster::chat::{Action, Button, Card, Choice, Field, Form, Input, Picture, Progress, Style, Token, Tone};
use stationmaster::picture::{Bar, Chart, Distribution, Highlight, Level, Point, Share, Trend};

/// Words that are something to somebody's parser.
const WORDS: [&str; 35] = [
    "<!channel>",
    "<@U0BEN>",
    "<https://evil.example|good>",
    "@here",
    "#general",
    "https://evil.example/?a=1&b=2",
    "*b*",
    "_i_",
    "~s~",
    "`c`",
    "```",
    ":boom:",
    "&lt;",
    "&amp;amp;",
    "\u{202e}txet",
    "שלום",
    "👩‍👩‍👧‍👦",
    "𝕆𝕣𝕕𝕖𝕣𝕤",
    "z\u{301}\u{302}\u{303}",
    "@everyone",
    "<@1300000000000000012>",
    "<@&1300000000000000004>",
    "<#1300000000000000003>",
    "</tea:1>",
    "<t:0:R>",
    "<:e:1>",
    "[click](https://evil.example)",
    "**b**",
    "||x||",
    "__u__",
    "# h",
    "-# s",
    "> q",
    "1. l",
    "\n",
];

fn text(most: usize) -> impl Strategy<Value = String> {
    let word = prop_oneof![
        3 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        2 => "[ a-z]{1,12}",
        1 => "\\PC{0,20}",
        1 => Just("x".repeat(400)),
        1 => "[\u{0}-\u{1f}]{1,3}",
    ];
    prop::collection::vec(word, 0..most).prop_map(|words| words.join(" "))
}

fn button() -> impl Strategy<Value = Button> {
    let action = prop_oneof![
        text(6).prop_map(|object| Action::Press(Token::new("x", &object))),
        text(60).prop_map(Action::Fill),
        Just(Action::Open("https://example.org/run".into())),
        text(3).prop_map(Action::Open),
        text(9).prop_map(|path| Action::Open(format!("https://example.org/{path}"))),
    ];
    let style = prop::sample::select(vec![Style::Plain, Style::Primary, Style::Danger]);
    (text(6), action, style).prop_map(|(label, action, style)| Button { label, action, style })
}

/// A chart of few bars or points: that any chart can be drawn is said where it is drawn.
fn chart() -> impl Strategy<Value = Chart> {
    let share = prop_oneof![
        (0f64..=100.0, prop::option::of(0u64..999)).prop_map(|(percent, count)| Share::Known { percent, count }),
        Just(Share::Hidden),
    ];
    let level = prop_oneof![
        (-100f64..100.0).prop_map(|value| Level::Known { value, low: value - 5.0, high: value + 5.0 }),
        Just(Level::Hidden),
    ];
    let bars = prop::collection::vec((text(4), share).prop_map(|(label, share)| Bar { label, share }), 0..8);
    let points = prop::collection::vec((text(2), level).prop_map(|(label, level)| Point { label, level }), 0..8);
    let highlights = prop::collection::vec((text(3), 0usize..9), 0..3)
        .prop_map(|groups| groups.into_iter().map(|(label, bar)| Highlight { label, bars: vec![bar] }).collect());
    let heading = || (text(6), text(9), text(6));
    let distribution = (heading(), bars, highlights).prop_map(|((title, question, note), bars, highlights)| {
        Chart::Distribution(Distribution { title, question, bars, highlights, note })
    });
    let trend = (heading(), points).prop_map(|((title, question, note), points)| {
        Chart::Trend(Trend { title, question, points, breaks: vec![2], note })
    });
    prop_oneof![distribution, trend]
}

/// A card whose every text is escaped: nothing of it is a link or has a look.
pub fn card() -> impl Strategy<Value = Card> {
    let tone = prop::sample::select(vec![Tone::Neutral, Tone::Active, Tone::Waiting, Tone::Good, Tone::Bad]);
    let words = (text(12), text(40), 1usize..40, prop::option::of(text(8)));
    let facts = prop::collection::vec((text(4), text(8)), 0..40);
    let picture = prop::option::weighted(0.3, chart().prop_map(|chart| Picture { chart }));
    let rest = (facts, prop::option::of((any::<u8>(), text(6))), picture, prop::collection::vec(button(), 0..60));
    (tone, words, rest).prop_map(|(tone, (title, body, times, footnote), (facts, progress, picture, buttons))| {
        let progress = progress.map(|(percent, label)| Progress { percent, label });
        // Up to 20 kB and beyond.
        let body = stationmaster::markdown::escape(&body.repeat(times));
        Card { tone, title, body, facts, progress, picture, buttons, footnote }
    })
}

fn field() -> impl Strategy<Value = Field> {
    let choice = (text(3), text(3), text(3)).prop_map(|(value, label, hint)| Choice { value, label, hint });
    let input = prop_oneof![
        prop::sample::select(vec![
            Input::Line,
            Input::Text,
            Input::Number,
            Input::Toggle,
            Input::Date,
            Input::Person,
            Input::Channel,
            Input::Secret,
            Input::Lookup(Token::new("field", "x:y")),
        ]),
        prop::collection::vec(choice, 0..150).prop_map(Input::Choice),
    ];
    let value = prop_oneof![
        text(9).prop_map(Value::String),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!("2026-02-30")),
        Just(json!("U0NOBODY")),
        Just(json!("C0NOWHERE")),
        Just(json!("discord:1300000000000000012")),
    ];
    let more = (text(4), text(9), any::<bool>(), prop::option::of(value), prop::option::of(text(9)));
    (input, more).prop_map(|(input, (label, help, required, value, error))| Field {
        name: String::new(),
        label,
        help,
        input,
        required,
        value,
        error,
    })
}

pub fn form() -> impl Strategy<Value = Form> {
    let fields = prop::collection::vec(field(), 0..40);
    (text(6), text(40), fields, text(4), prop::option::of(text(6))).prop_map(
        |(title, intro, mut fields, submit, error)| {
            for (index, field) in fields.iter_mut().enumerate() {
                field.name = format!("field_{index}");
            }
            let intro = stationmaster::markdown::escape(&intro);
            Form { title, intro, fields, submit, token: Token::new("run", "x"), error }
        },
    )
}
