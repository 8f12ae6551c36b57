//! The log: one line per event on standard error, for people or for programs.
//!
//! Invariant: nothing that is logged can end its line or steer a terminal, whatever somebody typed.

use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

use crate::config::{Log, LogFormat};
use crate::error::{Result, UserError};

/// Begins logging in this process; panics are logged too. An error if `log.level` is no filter, or if it has begun.
pub fn start(log: &Log) -> Result<()> {
    let filter = EnvFilter::try_new(&log.level).map_err(|error| {
        UserError::invalid(format!("log.level is not a filter: {error}")).hint("write for example info")
    })?;
    tracing::subscriber::set_global_default(subscriber(filter, log.format, io::stderr))?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, reason = panic.payload_as_str(), "a part of the program panicked");
    }));
    Ok(())
}

fn subscriber<W>(filter: EnvFilter, format: LogFormat, writer: W) -> Box<dyn Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_writer(OneLine(writer));
    match format {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).with_span_list(false).finish()),
    }
}

/// Escapes what would end a line or steer a terminal. The formatter hands over one whole line at a time.
struct OneLine<W>(W);

impl<'w, W: MakeWriter<'w>> MakeWriter<'w> for OneLine<W> {
    type Writer = OneLine<W::Writer>;

    fn make_writer(&'w self) -> Self::Writer {
        OneLine(self.0.make_writer())
    }
}

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let mut line = escape(text.trim_end_matches('\n'));
        line.push('\n');
        self.0.write_all(line.as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// The text with control characters, line and paragraph separators and marks of writing direction spelt out.
fn escape(text: &str) -> String {
    let is_unsafe = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let mut escaped = String::with_capacity(text.len() + 1);
    for letter in text.chars() {
        match letter {
            '\n' => escaped.push_str("\\n"),
            // The four digits are right in JSON too; all of these letters have no more.
            unsafe_letter if is_unsafe(unsafe_letter) => {
                escaped.push_str(&format!("\\u{:04x}", u32::from(unsafe_letter)))
            }
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Memory(Arc<Mutex<Vec<u8>>>);

    impl Write for Memory {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().expect("no panic").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, act: impl FnOnce()) -> String {
        let memory = Memory::default();
        let writer = memory.clone();
        let subscriber = subscriber(EnvFilter::new("info"), format, move || writer.clone());
        tracing::subscriber::with_default(subscriber, act);
        String::from_utf8(memory.0.lock().expect("no panic").clone()).expect("UTF-8")
    }

    const EVIL: &str = "one\ntwo\r\u{1b}[31mred\u{9b}31m\u{202e}\u{2028}{\"level\":\"ERROR\"}\0";

    #[test]
    fn text_stays_on_its_line() {
        let text = logged(LogFormat::Text, || tracing::info!(said = EVIL, shown = %EVIL, "{EVIL}"));
        assert_eq!(text.matches('\n').count(), 1, "{text:?}");
        assert!(!text.trim_end().contains(|c: char| c.is_control() || c == '\u{202e}' || c == '\u{2028}'), "{text:?}");
        assert!(text.contains(r"one\ntwo"), "{text}");
    }

    #[test]
    fn json_stays_one_object_a_line() {
        let text = logged(LogFormat::Json, || {
            let _span = tracing::info_span!("request", id = EVIL).entered();
            tracing::warn!(said = EVIL, "{EVIL}");
            tracing::debug!("not at this level");
        });
        let line = text.strip_suffix('\n').expect("a line");
        let event: serde_json::Value = serde_json::from_str(line).expect("one JSON object");
        assert_eq!(event["level"], "WARN");
        assert_eq!(event["message"], event["said"]);
        assert!(event["message"].as_str().is_some_and(|said| said.starts_with("one\ntwo")), "{event}");
        assert!(event["span"]["id"].is_string(), "{event}");
    }
}
