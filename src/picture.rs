//! Pictures of figures: a chart is data, is drawn as SVG, becomes a PNG, and says the same in words.
//!
//! Nothing of a picture is ever kept: the same chart always gives the same bytes. It brings its own paper, so it reads on
//! a dark page as on a light one, and it never tells two things apart by their colour alone.

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::Tree;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::error::Result;

mod alt;
mod canvas;
mod distribution;
mod figure;
pub mod labels;
mod letters;
mod trend;

pub use figure::Row;

/// How many pixels one unit of a drawing has, each way, so that it stays sharp on dense screens.
const SCALE: u32 = 2;
/// Changes whenever the same chart would be drawn differently.
const EDITION: u8 = 1;

/// Figures that can be drawn. All texts are plain text of any length; what is too long is cut.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Chart {
    /// How answers, or anything else, are spread: a bar for each share.
    Distribution(Distribution),
    /// How a figure went over time: a line with an interval at each point.
    Trend(Trend),
}

/// A bar for each share of a whole.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Distribution {
    /// What it is about.
    pub title: String,
    /// The question that was asked, in its own words.
    pub question: String,
    /// The shares, in the order in which they are shown; at most 30 are.
    pub bars: Vec<Bar>,
    /// Which bars belong together, at most three such groups: the satisfied; promoters, passives and detractors.
    #[serde(default)]
    pub highlights: Vec<Highlight>,
    /// A last, quiet line: how many answered, when, which version of the question.
    #[serde(default)]
    pub note: String,
}

/// One bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bar {
    /// What it counts.
    pub label: String,
    /// How much.
    pub share: Share,
}

/// How much a bar counts.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// It may be shown.
    Known {
        /// 0 to 100, as it is to be shown: shares that are to add up to 100 were rounded so that they do. Invariant:
        /// finite, since JSON knows no other numbers.
        percent: f64,
        /// How many that is, where it may be said.
        count: Option<u64>,
    },
    /// It may not be shown, since a small group could be told apart by it.
    Hidden,
}

/// Bars that belong together.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Highlight {
    /// What they are together.
    pub label: String,
    /// Their places, from 0.
    pub bars: Vec<usize>,
}

/// A figure over time.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Trend {
    /// What it is about.
    pub title: String,
    /// The question that was asked, or what else the figure is.
    #[serde(default)]
    pub question: String,
    /// The figures, oldest first; the last 30 are shown.
    pub points: Vec<Point>,
    /// The places, from 0, of the points that answer another question than those before: no line leads there.
    #[serde(default)]
    pub breaks: Vec<usize>,
    /// A last, quiet line.
    #[serde(default)]
    pub note: String,
}

/// One point in time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// When: `2026 Q1`.
    pub label: String,
    /// What it was then.
    pub level: Level,
}

/// What a figure was at one point in time.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It may be shown.
    Known {
        /// The figure, in its own unit. Invariant: finite, as the interval is.
        value: f64,
        /// The lower end of its interval.
        low: f64,
        /// The upper end of its interval.
        high: f64,
    },
    /// It may not be shown, since a small group could be told apart by it.
    Hidden,
    /// There is none.
    Missing,
}

impl Chart {
    /// All that it shows, in words: one sentence or a few, of at most 1000 UTF-16 code units, which is what Slack takes for
    /// a file (<https://docs.slack.dev/reference/methods/files.getUploadURLExternal>); Discord takes 1024.
    pub fn alt(&self) -> String {
        alt::words(self)
    }

    /// What it shows as lines of text: label, length of a bar, figure.
    pub fn rows(&self) -> Vec<Row> {
        match self {
            Self::Distribution(chart) => chart.bars.iter().map(figure::of_bar).collect(),
            Self::Trend(chart) => chart.points.iter().map(figure::of_point).collect(),
        }
    }

    /// Which of its parts belong together, a line for each such group.
    pub fn groups(&self) -> Vec<String> {
        match self {
            Self::Distribution(chart) => {
                distribution::groups(chart).map(|group| figure::of_group(chart, group)).collect()
            }
            Self::Trend(_) => Vec::new(),
        }
    }

    /// What it is about, and the question that was asked; either may be empty.
    pub fn heading(&self) -> (&str, &str) {
        match self {
            Self::Distribution(chart) => (&chart.title, &chart.question),
            Self::Trend(chart) => (&chart.title, &chart.question),
        }
    }

    /// Its last, quiet line; it may be empty.
    pub fn note(&self) -> &str {
        match self {
            Self::Distribution(chart) => &chart.note,
            Self::Trend(chart) => &chart.note,
        }
    }

    /// The same for charts that look the same, and another for every other: 32 hexadecimal digits.
    pub fn key(&self) -> String {
        let said = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(&Sha256::new().chain_update([EDITION]).chain_update(said).finalize()[..16])
    }

    /// Its width and height on a page, in CSS pixels; the PNG has twice as many each way.
    pub fn size(&self) -> (u32, u32) {
        let drawing = self.draw();
        (drawing.width, drawing.height)
    }

    /// As a PNG. It takes some milliseconds of work: not for a thread that others wait for.
    pub fn png(&self) -> Result<Vec<u8>> {
        let drawing = self.draw();
        let tree = Tree::from_str(&drawing.svg, &letters::options())?;
        let size = (drawing.width * SCALE, drawing.height * SCALE);
        let mut pixels = Pixmap::new(size.0, size.1).ok_or_else(|| anyhow::anyhow!("a picture of {size:?} pixels"))?;
        let scale = SCALE as f32;
        resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixels.as_mut());
        Ok(pixels.encode_png()?)
    }

    fn draw(&self) -> canvas::Drawing {
        match self {
            Self::Distribution(chart) => distribution::draw(chart),
            Self::Trend(chart) => trend::draw(chart),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::path::Path;

    fn bar(label: &str, percent: f64, count: u64) -> Bar {
        Bar { label: label.into(), share: Share::Known { percent, count: Some(count) } }
    }

    fn group(label: &str, bars: impl IntoIterator<Item = usize>) -> Highlight {
        Highlight { label: label.into(), bars: bars.into_iter().collect() }
    }

    fn scale() -> Distribution {
        Distribution {
            title: "How is it to build here?".into(),
            question: "I can work without being interrupted".into(),
            bars: vec![
                bar("strongly disagree", 4.0, 2),
                bar("disagree", 13.0, 6),
                bar("neither", 21.0, 10),
                bar("agree", 44.0, 21),
                bar("strongly agree", 18.0, 9),
            ],
            highlights: vec![group("favourable: 62 %", [3, 4])],
            note: "48 of 70 answered, 3 to 13 March 2026, question version 4f2a".into(),
        }
    }

    fn enps() -> Distribution {
        let share = [1.0, 0.0, 2.0, 1.0, 3.0, 6.0, 5.0, 14.0, 23.0, 27.0, 18.0];
        let bars = share.into_iter().enumerate().map(|(at, percent)| bar(&at.to_string(), percent, percent as u64 * 2));
        Distribution {
            title: "eNPS 27 (17 to 37)".into(),
            question: "Would you recommend the platform to a friend in another team?".into(),
            bars: bars.collect(),
            highlights: vec![group("promoters", [9, 10]), group("detractors", 0..=6), group("passives", [7, 8])],
            note: String::new(),
        }
    }

    fn long() -> Distribution {
        let hidden = Bar { label: "נתונים: צוות התשתיות".into(), share: Share::Hidden };
        let uncounted = Share::Known { percent: 12.5, count: None };
        let text = "Waiting for a review by somebody who is in another time zone, is away or has no time for it at all";
        let mut bars = vec![bar(text, 31.0, 1204), hidden, Bar { label: "مرحبا بالعالم".into(), share: uncounted }];
        bars.push(bar("Rindfleischetikettierungsüberwachungsaufgabenübertragungsgesetz", 0.0, 0));
        bars.extend((0..31).map(|at| bar(&format!("<b>option & {at}</b>"), 1.5, 40)));
        Distribution {
            title: "What costs you the most time, of all the things that cost you time in a week that is neither quiet nor busy, in a team that is neither small nor large?".into(),
            question: "כמה זמן לוקח לך לפרוס שינוי לסביבת הייצור (בדקות)?".into(),
            bars,
            ..Distribution::default()
        }
    }

    fn point(label: &str, value: f64, half: f64) -> Point {
        Point { label: label.into(), level: Level::Known { value, low: value - half, high: value + half } }
    }

    fn trend() -> Trend {
        let gap = |label: &str, level| Point { label: label.into(), level };
        Trend {
            title: "Developer experience".into(),
            question: "Share of favourable answers, in percent, with its 95 % interval".into(),
            points: vec![
                point("2024 Q4", 48.0, 9.0),
                point("2025 Q1", 53.0, 8.0),
                gap("2025 Q2", Level::Hidden),
                point("2025 Q3", 55.5, 7.0),
                point("2025 Q4", 71.0, 6.0),
                gap("2026 Q1", Level::Missing),
                point("2026 Q2", 68.0, 6.5),
                point("2026 Q3", 74.0, 5.0),
            ],
            breaks: vec![4],
            note: "No clear change since 2026 Q2".into(),
        }
    }

    fn weeks() -> Trend {
        let points =
            (0..40).map(|week| point(&format!("week {week}"), (f64::from(week) / 5.0).sin() * 30.0 - 10.0, 6.0));
        Trend { title: "eNPS by week".into(), points: points.collect(), breaks: vec![17, 25], ..Trend::default() }
    }

    fn gallery() -> Vec<(&'static str, Chart)> {
        let hidden = |label: &str| Bar { label: label.into(), share: Share::Hidden };
        let all_hidden = Distribution { bars: vec![hidden("yes"), hidden("no")], ..scale() };
        let two = vec![bar("yes", 100.0, 7), bar("no", 0.0, 0)];
        let once = Trend { points: vec![point("2026 Q3", 4.2, 0.3)], breaks: vec![], ..trend() };
        let veiled = Trend { points: vec![Point { label: "2026 Q3".into(), level: Level::Hidden }], ..trend() };
        vec![
            ("scale", Chart::Distribution(scale())),
            ("enps", Chart::Distribution(enps())),
            ("long", Chart::Distribution(long())),
            ("hidden", Chart::Distribution(all_hidden)),
            ("two", Chart::Distribution(Distribution { bars: two, highlights: vec![], ..scale() })),
            ("empty", Chart::Distribution(Distribution::default())),
            ("trend", Chart::Trend(trend())),
            ("weeks", Chart::Trend(weeks())),
            ("once", Chart::Trend(once)),
            ("veiled", Chart::Trend(veiled)),
            ("no_points", Chart::Trend(Trend::default())),
        ]
    }

    /// The pictures lie in `target/tmp/picture` afterwards, to be looked at.
    #[test]
    fn every_picture_of_the_gallery_is_drawn_and_always_the_same() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/tmp/picture");
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, chart) in gallery() {
            let png = chart.png().expect("a picture");
            std::fs::write(folder.join(format!("{name}.png")), &png).expect("a file");
            let (width, height) = chart.size();
            let read = Pixmap::decode_png(&png).expect("a PNG");
            assert_eq!((read.width(), read.height()), (width * SCALE, height * SCALE), "{name}");
            assert_eq!(png, chart.png().expect("a picture"), "{name}");
            assert!(png.len() < 400_000, "{name} has {} bytes", png.len());
        }
    }

    #[test]
    fn the_words_say_every_figure() {
        assert_eq!(
            Chart::Distribution(scale()).alt(),
            "Bar chart, How is it to build here?, “I can work without being interrupted”: strongly disagree 4 % (2); \
             disagree 13 % (6); neither 21 % (10); agree 44 % (21); strongly agree 18 % (9). Marked as favourable: 62 %: \
             agree, strongly agree. 48 of 70 answered, 3 to 13 March 2026, question version 4f2a."
        );
        assert_eq!(
            Chart::Trend(trend()).alt(),
            "Line chart, Developer experience, “Share of favourable answers, in percent, with its 95 % interval”: 2024 Q4 48 \
             (39 to 57); 2025 Q1 53 (45 to 61); 2025 Q2 hidden to protect a small group; 2025 Q3 55.5 (48.5 to 62.5); then \
             the question changed; 2025 Q4 71 (65 to 77); 2026 Q1 no figures; 2026 Q2 68 (61.5 to 74.5); 2026 Q3 74 (69 to \
             79). No clear change since 2026 Q2."
        );
        assert_eq!(Chart::Trend(Trend::default()).alt(), "Line chart: no figures.");
    }

    #[test]
    fn what_is_hidden_is_drawn_as_hidden_and_says_nothing_else() {
        let hidden = || Bar { label: "no".into(), share: Share::Hidden };
        let chart = Chart::Distribution(Distribution { bars: vec![hidden(), hidden()], ..scale() });
        let svg = chart.draw().svg;
        assert_eq!(svg.matches(labels::HIDDEN).count(), 2);
        assert!(!svg.contains("favourable") && !svg.contains(labels::NOTHING), "{svg}");
        assert_eq!(chart.rows()[0], Row { label: "no".into(), bar: None, figure: labels::HIDDEN.into() });
        let empty = Chart::Distribution(Distribution { bars: vec![], ..scale() }).draw().svg;
        assert!(empty.contains(labels::NOTHING) && !empty.contains(labels::HIDDEN), "{empty}");
    }

    #[test]
    fn no_line_leads_over_a_gap_or_a_changed_question() {
        let svg = Chart::Trend(trend()).draw().svg;
        let line = svg.split("<path d=\"").find(|path| path.matches('L').count() == 2).expect("the line");
        assert_eq!(line.split('"').next().expect("a path").matches('M').count(), 4, "{line}");
    }

    #[test]
    fn a_key_is_of_what_is_seen() {
        let chart = Chart::Distribution(scale());
        assert_eq!(chart.key(), chart.clone().key());
        assert_ne!(chart.key(), Chart::Distribution(Distribution { note: String::new(), ..scale() }).key());
        let kept = serde_json::to_string(&chart).expect("JSON");
        assert_eq!(serde_json::from_str::<Chart>(&kept).expect("a chart"), chart);
    }

    fn text() -> impl Strategy<Value = String> {
        prop_oneof![
            2 => "\\PC{0,40}",
            1 => "[<>&\"'\u{0}-\u{1f}\u{202e}\u{2066}א-תا-ي ]{0,30}",
            1 => Just("x & <b>".repeat(1500)),
            1 => Just(format!("z{}", "\u{301}".repeat(3000))),
        ]
    }

    fn number() -> impl Strategy<Value = f64> {
        let odd = vec![0.0, -0.0, 100.0, -5.0, 1e300, 1e-300, f64::NAN, f64::INFINITY];
        prop_oneof![4 => 0f64..100.0, 1 => any::<f64>(), 1 => prop::sample::select(odd)]
    }

    fn any_chart() -> impl Strategy<Value = Chart> {
        let share = prop_oneof![
            4 => (number(), prop::option::of(any::<u64>())).prop_map(|(percent, count)| Share::Known { percent, count }),
            1 => Just(Share::Hidden),
        ];
        let level = prop_oneof![
            4 => (number(), number(), number()).prop_map(|(value, low, high)| Level::Known { value, low, high }),
            1 => Just(Level::Hidden),
            1 => Just(Level::Missing),
        ];
        let places = || prop::collection::vec(0usize..60, 0..8);
        let group = (text(), places()).prop_map(|(label, bars)| Highlight { label, bars });
        let bar = (text(), share).prop_map(|(label, share)| Bar { label, share });
        let point = (text(), level).prop_map(|(label, level)| Point { label, level });
        let heading = || (text(), text(), text());
        prop_oneof![
            (heading(), prop::collection::vec(bar, 0..50), prop::collection::vec(group, 0..5)).prop_map(
                |((title, question, note), bars, highlights)| Chart::Distribution(Distribution {
                    title,
                    question,
                    bars,
                    highlights,
                    note
                })
            ),
            (heading(), prop::collection::vec(point, 0..50), places()).prop_map(
                |((title, question, note), points, breaks)| Chart::Trend(Trend {
                    title,
                    question,
                    points,
                    breaks,
                    note
                })
            ),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn c10_any_chart_is_drawn_within_bounds(chart in any_chart()) {
            let (drawing, alt) = (chart.draw(), chart.alt());
            prop_assert!(alt.encode_utf16().count() <= alt::MOST && !alt.is_empty());
            prop_assert!(drawing.width == 520 && drawing.height <= 1600, "{}", drawing.height);
            prop_assert!(drawing.svg.len() < 120_000, "{}", drawing.svg.len());
            let tree = Tree::from_str(&drawing.svg, &letters::options()).expect("SVG");
            let drawn = tree.root().abs_layer_bounding_box();
            // Nothing is drawn beside the paper: the widest thing is the paper itself.
            prop_assert!(drawn.x() >= -0.1 && drawn.right() <= 520.1, "{} to {}", drawn.x(), drawn.right());
            prop_assert!(drawn.y() >= -0.1 && drawn.bottom() <= drawing.height as f32 + 0.1, "{}", drawn.bottom());
        }

        #[test]
        fn any_chart_becomes_a_picture(chart in any_chart()) {
            let png = chart.png().expect("a picture");
            prop_assert!(png.starts_with(b"\x89PNG\r\n\x1a\n") && png.len() < 2_000_000, "{}", png.len());
        }
    }
}
