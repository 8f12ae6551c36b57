//! What is written, and what of it can be changed afterwards: on a terminal, the card that was written last.

use std::io::{self, IsTerminal as _, Write};

use super::paint::tame;
use super::render::{Look, progress, render};
use crate::chat::Card;

/// What a terminal is taken to be where it does not say, in columns and lines.
const USUAL: (usize, usize) = (80, 24);

/// Where text is written.
pub struct Screen {
    out: Box<dyn Write + Send>,
    /// Whether there is somebody who watches: cards change in place, in colours.
    live: bool,
    colours: bool,
    prompt: String,
    /// The card that nothing was written after: its key, and the lines from its top to the prompt.
    last: Option<(String, usize)>,
}

impl Screen {
    /// The process's standard output.
    pub fn standard() -> Self {
        let live = io::stdout().is_terminal() && io::stdin().is_terminal();
        // https://no-color.org
        let colours = live && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { live, colours, ..Self::plain(Box::new(io::stdout())) }
    }

    /// A file, a pipe, a test: text that stays as it was written.
    pub fn plain(out: Box<dyn Write + Send>) -> Self {
        Self { out, live: false, colours: false, prompt: String::new(), last: None }
    }

    /// A terminal of the usual size.
    pub fn live(out: Box<dyn Write + Send>) -> Self {
        Self { live: true, ..Self::plain(out) }
    }

    /// Whether somebody watches.
    pub fn is_live(&self) -> bool {
        self.live
    }

    /// Writes a card, every line of it after `indent`, in place of the one of the same key if nothing came after that.
    /// `before` is what the key's card was: where nobody watches, only what has changed is worth another line.
    pub fn card(&mut self, key: Option<&str>, (card, before): (&Card, Option<&Card>), indent: &str) -> io::Result<()> {
        let (width, height) = self.size();
        let look = Look { width: width.saturating_sub(indent.len()), colours: self.colours };
        let text = match before {
            Some(before) if !self.live && is_same_but_progress(before, card) => match &card.progress {
                now if *now == before.progress => return Ok(()),
                Some(now) => progress(now, card.tone, look),
                None => return Ok(()),
            },
            _ => render(card, look) + "\n",
        };
        let text = text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("{indent}{line}\n") });
        let text: String = text.collect();
        self.rewind(key, height)?;
        self.out.write_all(text.as_bytes())?;
        self.last = key.map(|key| (key.to_owned(), text.lines().count()));
        self.show_prompt()
    }

    /// Writes a line.
    pub fn line(&mut self, text: &str) -> io::Result<()> {
        self.rewind(None, 0)?;
        for line in text.lines() {
            writeln!(self.out, "{}", tame(line))?;
        }
        self.last = None;
        self.show_prompt()
    }

    /// Asks for a line.
    pub fn ask(&mut self, prompt: &str) -> io::Result<()> {
        self.rewind(None, 0)?;
        self.prompt = tame(prompt);
        self.show_prompt()
    }

    /// The line that was asked for has come; what stands above it stays.
    pub fn heard(&mut self, line: &str, is_secret: bool) -> io::Result<()> {
        if !self.live {
            // What was typed at a terminal is on it already; elsewhere the record would lack it.
            let shown = if is_secret { crate::mask::HIDDEN.to_owned() } else { tame(line) };
            writeln!(self.out, "{}{shown}", self.prompt)?;
        } else if is_secret {
            writeln!(self.out)?;
        }
        self.prompt.clear();
        self.last = None;
        self.out.flush()
    }

    /// Goes back to where the text that comes now begins.
    fn rewind(&mut self, key: Option<&str>, height: usize) -> io::Result<()> {
        if !self.live {
            return Ok(());
        }
        match &self.last {
            // What has left the top of the terminal cannot be reached any more.
            Some((last, lines)) if Some(last.as_str()) == key && *lines < height => {
                write!(self.out, "\r\x1b[{lines}A\x1b[J")
            }
            _ => write!(self.out, "\r\x1b[J"),
        }
    }

    fn show_prompt(&mut self) -> io::Result<()> {
        if self.live {
            write!(self.out, "{}", self.prompt)?;
        }
        self.out.flush()
    }

    /// Columns and lines.
    fn size(&self) -> (usize, usize) {
        let size = self.live.then(|| rustix::termios::tcgetwinsize(io::stdout()).ok()).flatten();
        size.filter(|size| size.ws_col > 0).map_or(USUAL, |size| (size.ws_col.into(), size.ws_row.into()))
    }
}

fn is_same_but_progress(before: &Card, card: &Card) -> bool {
    (before.tone, &before.title, &before.body, &before.buttons) == (card.tone, &card.title, &card.body, &card.buttons)
}

/// A terminal that does not show what is typed, for as long as this lives.
pub struct Hidden(rustix::termios::Termios);

impl Hidden {
    /// Hides what is typed; `None` if standard input is no terminal.
    pub fn begin() -> Option<Self> {
        use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
        let before = tcgetattr(io::stdin()).ok()?;
        let mut hidden = before.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        tcsetattr(io::stdin(), OptionalActions::Now, &hidden).ok()?;
        Some(Self(before))
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // If it fails the terminal is gone.
        let _ = rustix::termios::tcsetattr(io::stdin(), rustix::termios::OptionalActions::Now, &self.0);
    }
}
