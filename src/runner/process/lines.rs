//! What a program writes: JSON lines that mean something, and its log, in bounded memory.

use std::collections::VecDeque;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::runner::exchange::is_web_address;
use crate::runner::{Attempt, Progress};

/// The longest line of the log that is kept, in characters.
const LONGEST_LINE: usize = 2000;
/// How many last lines are kept of a log that is too long, and how many bytes of each before it is made plain.
const TAIL: usize = 20;
const RAW: usize = 4 * LONGEST_LINE;

/// A line that means something. A line that is no such JSON object is one of the log.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Line {
    progress: Option<f64>,
    label: Option<String>,
    output: Option<Map<String, Value>>,
    link: Option<String>,
    log: Option<String>,
    error: Option<String>,
    declined: Option<String>,
}

/// What has been learned from the lines of one stream.
#[derive(Debug)]
pub(super) struct Lines<'a> {
    attempt: &'a Attempt,
    /// Whether JSON lines are looked for.
    speaks: bool,
    /// How many bytes of log, and how many of outputs, are kept.
    limit: usize,
    read: usize,
    spent: usize,
    pub(super) outputs: Map<String, Value>,
    /// Whether the outputs were more than the limit.
    pub(super) overflown: bool,
    pub(super) link: Option<String>,
    pub(super) error: Option<String>,
    /// Why it cannot be done as it was asked for.
    pub(super) declined: Option<String>,
    /// The last line of the log that says something.
    pub(super) last: Option<String>,
    percent: Option<u8>,
    /// The last lines of a log that is too long, as they came: in a flood nothing is done to a line that goes again.
    tail: VecDeque<Vec<u8>>,
    left_out: usize,
}

impl<'a> Lines<'a> {
    pub(super) fn new(attempt: &'a Attempt, speaks: bool, limit: usize) -> Self {
        Self {
            attempt,
            speaks,
            limit,
            read: 0,
            spent: 0,
            outputs: Map::new(),
            overflown: false,
            link: None,
            error: None,
            declined: None,
            last: None,
            percent: None,
            tail: VecDeque::new(),
            left_out: 0,
        }
    }

    /// Reads a stream to its end. A line longer than the limit loses its rest; reading goes on all the same, since a
    /// program that nobody reads would stand still.
    pub(super) async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let (mut line, mut chunk) = (Vec::new(), vec![0; 16 * 1024]);
        while let Ok(count @ 1..) = stream.read(&mut chunk).await {
            for part in chunk[..count].split_inclusive(|byte| *byte == b'\n') {
                let (text, ends) = part.strip_suffix(b"\n").map_or((part, false), |text| (text, true));
                let room = self.limit.saturating_sub(line.len());
                line.extend_from_slice(&text[..text.len().min(room)]);
                self.left_out += text.len().saturating_sub(room);
                if ends {
                    self.take(&line);
                    line.clear();
                }
            }
        }
        if !line.is_empty() {
            self.take(&line);
        }
    }

    fn take(&mut self, line: &[u8]) {
        self.read += line.len() + 1;
        let within = self.read <= self.limit;
        let says = self.speaks && line.trim_ascii_start().starts_with(b"{");
        match if says { serde_json::from_slice(line).ok().filter(Line::means_something) } else { None } {
            Some(said) => {
                self.spent += if said.output.is_some() { line.len() } else { 0 };
                self.learn(said, within);
            }
            None => self.log(line, within),
        }
    }

    fn learn(&mut self, said: Line, within: bool) {
        let mask = &self.attempt.mask;
        self.overflown = self.spent > self.limit;
        if let Some(output) = said.output.filter(|_| !self.overflown) {
            self.outputs.extend(output);
        }
        if let Some(error) = said.error {
            self.error = Some(plain(&mask.text(&error)));
        }
        if let Some(declined) = said.declined {
            self.declined = Some(plain(&mask.text(&declined)));
        }
        let link = said.link.filter(|link| is_web_address(link));
        self.link = link.clone().or(self.link.take());
        // A bar never goes back. In bounds by the clamp.
        let before = self.percent;
        let percent = said.progress.map(|number| number.clamp(0.0, 100.0) as u8);
        self.percent = percent.max(before);
        if within && (percent.is_some() || said.label.is_some() || link.is_some()) || self.percent > before {
            let label = plain(&mask.text(&said.label.unwrap_or_default()));
            self.attempt.progress.send(Progress { percent: self.percent, label, link, log: None }).ok();
        }
        if let Some(log) = said.log {
            self.log(log.as_bytes(), within);
        }
    }

    fn log(&mut self, line: &[u8], within: bool) {
        if within {
            return self.send(line);
        }
        // The memory of the line that goes is used for the one that comes.
        let mut kept = if self.tail.len() < TAIL { Vec::new() } else { self.tail.pop_front().unwrap_or_default() };
        self.left_out += kept.len() + line.len().saturating_sub(RAW);
        kept.clear();
        kept.extend_from_slice(&line[..line.len().min(RAW)]);
        self.tail.push_back(kept);
    }

    /// Sends what is kept of the end of a log that was too long.
    pub(super) fn close(&mut self) {
        if self.left_out > 0 {
            self.tell(format!("… {} bytes left out …", self.left_out));
        }
        for line in std::mem::take(&mut self.tail) {
            self.send(&line);
        }
    }

    fn send(&mut self, line: &[u8]) {
        let line = plain(&self.attempt.mask.text(&String::from_utf8_lossy(line)));
        if !line.is_empty() {
            self.last = Some(line.clone());
            self.tell(line);
        }
    }

    fn tell(&self, log: String) {
        self.attempt.progress.send(Progress { log: Some(log), ..Progress::default() }).ok();
    }
}

impl Line {
    fn means_something(&self) -> bool {
        let words = [&self.label, &self.link, &self.log, &self.error, &self.declined];
        self.progress.is_some() || self.output.is_some() || words.iter().any(|word| word.is_some())
    }
}

/// One line of plain text: no colours, no control characters, not too long.
fn plain(text: &str) -> String {
    static COLOUR: LazyLock<Regex> =
        LazyLock::new(|| Regex::new("\x1b\\[[0-9;?]*[ -/]*[@-~]").expect("a fixed pattern compiles"));
    let text = COLOUR.replace_all(text, "");
    let words = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    words.take(LONGEST_LINE).collect::<String>().trim().to_owned()
}
