//! The clock of a real process, turned by a test: the library libfaketime stands between the process and its machine. Only
//! the date is turned; how fast time passes, and how long a process waits, stays as it is.

use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};

/// A clock that a process reads.
pub struct Clockwork {
    library: String,
    /// By how many seconds the machine's clock is wrong.
    file: PathBuf,
}

impl Clockwork {
    /// A clock that shows what the machine's does, kept in a file.
    pub fn new(file: PathBuf) -> Self {
        let library = std::env::var("STATIONMASTER_TEST_FAKETIME").expect("STATIONMASTER_TEST_FAKETIME; run tests/run");
        std::fs::write(&file, "+0").expect("written");
        Self { library, file }
    }

    /// What makes a process look at it.
    pub fn settings(&self) -> Vec<(String, String)> {
        let file = self.file.display().to_string();
        [
            ("LD_PRELOAD", self.library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_CACHE_DURATION", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
            ("NO_FAKE_STAT", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    /// Turns it to an instant such as `2026-12-01T10:00:30Z`; by how many seconds it is ahead then.
    pub fn turn_to(&self, instant: &str) -> i64 {
        let wanted: jiff::Timestamp = instant.parse().expect("an instant");
        let now = jiff::Timestamp::try_from(SystemTime::now()).expect("after 1970");
        let ahead = wanted.as_second() - now.as_second();
        // It is read at any moment, so it is never half written.
        let next = self.file.with_extension("next");
        std::fs::write(&next, format!("{ahead:+}")).expect("written");
        std::fs::rename(&next, &self.file).expect("renamed");
        ahead
    }

    /// Waits until the process at this address has seen that it was turned to an instant.
    pub async fn until_seen(&self, address: &str, instant: &str) {
        let wanted: jiff::Timestamp = instant.parse().expect("an instant");
        let web = reqwest::Client::builder().no_proxy().build().expect("a client");
        let began = Instant::now();
        loop {
            let answer = web.get(format!("{address}/readyz")).send().await.expect("an answer");
            let date = answer.headers()["date"].to_str().expect("a date").to_owned();
            if jiff::fmt::rfc2822::parse(&date).expect("a date").timestamp() >= wanted {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it still shows {date}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}
