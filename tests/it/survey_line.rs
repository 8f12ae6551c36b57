//! `stationmaster survey`, as somebody with a file of answers runs it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// What a run came to: its exit status, what it printed, and what it said beside that.
struct Run {
    status: Option<i32>,
    out: String,
    said: String,
}

impl Run {
    fn json(&self) -> Value {
        assert_eq!((self.status, self.said.as_str()), (Some(0), ""), "{}", self.out);
        assert_eq!(self.out.lines().count(), 1, "{}", self.out);
        serde_json::from_str(&self.out).expect("JSON")
    }

    /// The words of a refusal, beside which nothing may be printed.
    fn refusal(&self) -> &str {
        assert_eq!((self.status, self.out.as_str()), (Some(2), ""), "{}", self.said);
        &self.said
    }
}

fn survey_in(folder: &Path, args: &[&str], input: &[u8]) -> Run {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
    command.arg("survey").args(args).current_dir(folder).env_clear();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    // It fails where a wrong argument is refused before anything is read.
    let _ = child.stdin.take().expect("its input").write_all(input);
    let output = child.wait_with_output().expect("an end");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    Run { status: output.status.code(), out: text(output.stdout), said: text(output.stderr) }
}

fn survey(args: &[&str], input: &[u8]) -> Run {
    survey_in(Path::new(env!("CARGO_MANIFEST_DIR")), args, input)
}

fn score(kind: &str, input: &str) -> Run {
    survey(&["score", "--type", kind], input.as_bytes())
}

/// Holds the named values to what is expected, numbers to nine digits.
fn assert_has(found: &Value, expected: Value) {
    for (name, value) in expected.as_object().expect("an object") {
        match (found[name].as_f64(), value.as_f64()) {
            (Some(left), Some(right)) => assert!((left - right).abs() < 1e-9, "{name} is not {right}: {found}"),
            _ => assert_eq!(&found[name], value, "{name}: {found}"),
        }
    }
}

#[test]
fn every_type_is_scored() {
    let enps = score("enps", "10\n9\n8\n\n3\n").json();
    assert_has(&enps, json!({"n": 4, "skipped": 1, "score": 25.0, "promoters": 2, "passives": 1, "detractors": 1}));
    assert_has(&enps, json!({"adjusted": 100.0 / 7.0, "method": "adjusted-wald"}));
    let csat = score("csat5", "5\n4\n3\n").json();
    assert_has(&csat, json!({"n": 3, "score": 200.0 / 3.0, "satisfied": 2, "satisfied_from": 4, "method": "wilson"}));
    let umux = score("umux-lite", "7,6\n6,\n5,5\n,\n").json();
    let umux_mean = (1100.0 / 12.0 + 800.0 / 12.0) / 2.0;
    assert_has(&umux, json!({"n": 2, "incomplete": 1, "skipped": 1, "score": umux_mean, "method": "t"}));
    assert_has(&umux, json!({"sus_equivalent": 0.65 * umux_mean + 22.9}));
    let sus = score("sus", "5,4,2,1,2,3,2,4,5,2\n").json();
    assert_has(&sus, json!({"n": 1, "score": 55.0, "low": null, "high": null, "sd": null}));
    let scale = score("scale7", "1\n7\n7\n").json();
    assert_has(&scale, json!({"n": 3, "score": 5.0, "mean": 5.0, "sd": 12.0_f64.sqrt(), "index": 400.0 / 6.0}));
    assert_has(&scale["favourable"], json!({"count": 2, "percent": 200.0 / 3.0}));
    assert_eq!(scale["distribution"][6], json!({"value": 7.0, "count": 2}));
    let choices = score("choices", "tests,builds\ntests\n\n").json();
    assert_has(&choices, json!({"n": 2, "skipped": 1, "score": null}));
    assert_has(&choices["options"][0], json!({"option": "builds", "count": 1, "percent": 50.0}));
}

#[test]
fn the_interval_is_at_full_precision() {
    // 22 promoters, 10 passives, 4 detractors: 100 (18/39 ± 1.959964 √((27.5/39 − (18/39)²)/39)).
    let answers = ["9\n".repeat(22), "7\n".repeat(10), "0\n".repeat(4)].concat();
    let margin = 1.959964 * ((27.5 / 39.0 - (18.0_f64 / 39.0).powi(2)) / 39.0).sqrt();
    let (low, high) = (100.0 * (18.0 / 39.0 - margin), 100.0 * (18.0 / 39.0 + margin));
    assert_has(&score("enps", &answers).json(), json!({"n": 36, "score": 50.0, "low": low, "high": high}));
}

#[test]
fn nobody_is_not_nought() {
    for kind in ["enps", "csat10", "umux-lite", "sus", "scale5", "choice"] {
        for (input, skipped) in [("", 0), ("\n", 1), ("\n\n", 2), ("\u{feff}", 0)] {
            let found = score(kind, input).json();
            assert_has(&found, json!({"n": 0, "score": null, "low": null, "high": null, "skipped": skipped}));
        }
    }
    assert_has(&score("enps", "0").json(), json!({"n": 1, "score": -100.0}));
}

#[test]
fn files_of_windows_are_files_too() {
    let expected = score("enps", "9\n\n3\n").json();
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    for input in [
        b"9\r\n\r\n3\r\n".to_vec(),
        b"\xef\xbb\xbf9\r\n\r\n3".to_vec(),
        b" 9\t\r\n \r\n3 ".to_vec(),
        b"9,\r\n,\r\n3,\r\n".to_vec(),
        wide("\u{feff}9\r\n\r\n3\r\n"),
    ] {
        assert_eq!(survey(&["score", "--type", "enps"], &input).json(), expected);
    }
    let refused = survey(&["score", "--type", "enps"], b"9\n\xe9\n");
    assert!(refused.refusal().contains("hint: save it as plain text in UTF-8"), "{}", refused.said);
}

#[test]
fn what_is_no_answer_is_refused_with_its_line() {
    for value in ["11", "-1", "6.5", "1e0", "NaN", "ten", "5;6", "5,6"] {
        let refused = score("enps", &format!("9\r\n\r\n{value}\r\n8\r\n"));
        let words = refused.refusal();
        assert!(words.starts_with("line 3: ") && words.contains(&format!("{value:?}")), "{words}");
        let accepted = "hint: enps takes one whole number from 0 to 10, and nothing where it was skipped\n";
        assert!(words.ends_with(accepted), "{words}");
    }
    for (kind, input) in [("csat5", "0"), ("scale7", "8"), ("umux-lite", "1,2,3"), ("sus", "6"), ("choice", "a,b")] {
        assert!(score(kind, input).refusal().starts_with("line 1: "), "{kind}");
    }
}

#[test]
fn an_unknown_type_is_told_what_there_is() {
    for kind in ["nps", "csat8", "scale12", ""] {
        let refused = score(kind, "1\n");
        assert!(refused.refusal().contains("hint: there are enps, csat3, csat4"), "{}", refused.said);
    }
    assert!(score("text", "fine\n").refusal().contains("text has no score"));
}

#[test]
fn offered_options_are_held_to() {
    let offered = ["score", "--type", "choice", "--options", "yes,no,later"];
    let found = survey(&offered, b"yes\nno\nyes\n").json();
    let counts: Vec<&Value> = found["options"].as_array().expect("a list").iter().map(|row| &row["count"]).collect();
    assert_eq!(counts, [2, 1, 0]);
    assert!(survey(&offered, b"yes\nmaybe\n").refusal().starts_with("line 2: \"maybe\" is not among the options."));
    let misplaced = survey(&["score", "--type", "enps", "--options", "1,2"], b"");
    assert!(misplaced.refusal().contains("enps has no options"));
}

#[test]
fn only_a_random_cohort_narrows_the_interval() {
    let answers = "5\n4\n4\n3\n".repeat(5);
    let narrowed = |population: &str| {
        survey(&["score", "--type", "scale5", "--population", population, "--random-cohort"], answers.as_bytes())
    };
    let width = |found: &Value| found["high"].as_f64().expect("high") - found["low"].as_f64().expect("low");
    let (all, some) = (score("scale5", &answers).json(), narrowed("100").json());
    assert!((width(&some) / width(&all) - (80.0_f64 / 99.0).sqrt()).abs() < 1e-9);
    assert_has(&narrowed("20").json(), json!({"low": 4.0, "high": 4.0}));
    assert!(narrowed("19").refusal().contains("20 have answered, but the population has 19."));
    let unsaid = survey(&["score", "--type", "scale5", "--population", "100"], answers.as_bytes());
    assert!(unsaid.refusal().contains("--random-cohort"));
}

#[test]
fn two_waves_are_compared() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).expect("written");
    let compare = |kind: &str, input: &str| {
        survey_in(folder.path(), &["compare", "--type", kind, "before", "-"], input.as_bytes())
    };
    for (kind, low, high) in
        [("enps", "3\n", "10\n"), ("csat7", "2\n", "7\n"), ("umux-lite", "2,2\n", "6,6\n"), ("scale5", "2\n", "5\n")]
    {
        write("before", &[low.repeat(40), high.repeat(20)].concat());
        let better = compare(kind, &[low.repeat(20), high.repeat(40)].concat()).json();
        assert_has(&better, json!({"words": "higher", "changed": true, "paired": false}));
        let difference =
            better["after"]["score"].as_f64().expect("a score") - better["before"]["score"].as_f64().expect("a score");
        assert_has(&better, json!({"difference": difference}));
        let same = compare(kind, &[low.repeat(41), high.repeat(20)].concat()).json();
        assert_has(&same, json!({"words": "no clear change", "changed": false}));
        let worse = compare(kind, &low.repeat(60)).json();
        assert_has(&worse, json!({"words": "lower", "changed": true}));
        let nobody = compare(kind, "").json();
        assert_has(&nobody, json!({"words": "cannot be compared", "changed": false, "p": null, "difference": null}));
    }
}

#[test]
fn what_cannot_be_compared_is_said() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("before"), "9\n9\n").expect("written");
    std::fs::write(folder.path().join("after"), "9\nsix\n").expect("written");
    let compare = |args: &[&str]| survey_in(folder.path(), &[&["compare", "--type"], args].concat(), b"7\n12\n");
    assert!(
        compare(&["enps", "before", "after"]).refusal().starts_with("after, line 2: \"six\" is no answer to enps.")
    );
    assert!(compare(&["enps", "-", "before"]).refusal().starts_with("standard input, line 2: \"12\""));
    assert!(compare(&["enps", "before", "nowhere"]).refusal().starts_with("nowhere, it cannot be read"));
    assert!(compare(&["enps", "-", "-"]).refusal().contains("only once"));
    assert!(compare(&["choice", "before", "after"]).refusal().contains("no single score"));
    let alike = compare(&["scale10", "before", "before"]).json();
    assert_has(&alike, json!({"words": "cannot be compared", "difference": 0.0, "p": null}));
}

#[test]
fn a_hundred_thousand_answers_are_no_matter() {
    let lines: String = (0..100_000).map(|at| format!("{}\r\n", at % 11)).collect();
    let found = score("enps", &lines).json();
    assert_has(&found, json!({"n": 100_000, "promoters": 18_181, "passives": 18_182, "detractors": 63_637}));
}
