//! Conversations on a terminal, as they are read afterwards.

use std::io::{Cursor, Read as _, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use stationmaster::chat::terminal::TerminalChat;
use stationmaster::chat::terminal::screen::Screen;
use stationmaster::chat::{Card, Intent, Platform as _, Sender, Tone, Undelivered};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Scripted, gallery, to, working};

/// What was written.
#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("not poisoned").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Paper {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("not poisoned").clone()).expect("text")
    }
}

fn ada() -> Sender {
    Sender { id: "ada".into(), name: "ada".into() }
}

/// A conversation through a pipe: what was typed, and what came of it.
async fn piped(typed: &'static str) -> (String, Arc<Scripted>) {
    let paper = Paper::default();
    let chat = TerminalChat::new(ada(), Box::new(Cursor::new(typed)), Screen::plain(Box::new(paper.clone())));
    let (chat, desk) = (Arc::new(chat), Arc::new(Scripted::default()));
    desk.answer_by(chat.clone());
    chat.run(desk.clone(), CancellationToken::new()).await.expect("a conversation");
    chat.ended().await;
    (paper.text(), desk)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_is_pressed_by_its_number() {
    let (text, _) = piped("/db create orders\n2\n").await;
    insta::assert_snapshot!(text, @r##"
    › /db create orders
    ◌ Running /db create orders
      Step 2 of 3: waiting for the database server.
      █████████░░░░░░░░░░░░░░░  40 %  Copying the schema
      Environment  dev
      Since        40s
      [1] Look at the run → https://ci.example.org/runs/7
      [2] Cancel
      req_01k9z

    › 2
    • Cancelled
      Nothing was left behind.
      [1] Run it again
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_is_asked_field_by_field() {
    let (text, desk) = piped("/db\nOrders\n2\n?pay\npayments\nhunter22\ny\norders\n").await;
    insta::assert_snapshot!(text, @r##"
    › /db
    • Create a PostgreSQL database
      It is ready in about two minutes.
      Enter keeps what stands in [brackets]; /cancel leaves the form.

    Lower case, as it will appear in the connection string
    Name: Orders
      1) dev
      2) staging
      3) prod
    Environment [dev]: 2
    ? and a few letters shows what there is
    Owner (optional): ?pay
      1) payments  ben, 5 services
    ? and a few letters shows what there is
    Owner (optional): payments
    Password (optional): ••••••
    Keep backups [n]: y
    ✗ Lower case letters, digits and _ only: for example orders
    Lower case, as it will appear in the connection string
    Name [Orders]: orders
    ✓ Database orders is ready
    "##);
    let submitted = desk.heard().into_iter().rev().find_map(|event| match event.intent {
        Intent::Submit { values, .. } => Some(serde_json::json!(values)),
        _ => None,
    });
    insta::assert_snapshot!(submitted.expect("the form was sent"), @r##"
    {"backup":true,"environment":"staging","name":"orders","owner":"payments","password":"hunter22"}
    "##);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_can_be_left_and_an_unfinished_one_is_not_sent() {
    let (text, desk) = piped("/db\n/cancel\nhello\n/refused\n/db\norders\n").await;
    insta::assert_snapshot!(text, @r##"
    › /db
    • Create a PostgreSQL database
      It is ready in about two minutes.
      Enter keeps what stands in [brackets]; /cancel leaves the form.

    Lower case, as it will appear in the connection string
    Name: /cancel
    › hello
    • I heard
      hello

    › /refused
    ✗ There is no such command.
      hint: type /help

    › /db
    • Create a PostgreSQL database
      It is ready in about two minutes.
      Enter keeps what stands in [brackets]; /cancel leaves the form.

    Lower case, as it will appear in the connection string
    Name: orders
      1) dev
      2) staging
      3) prod
    The input ended before the form was filled in; it was not sent.
    "##);
    assert!(!desk.heard().iter().any(|event| matches!(event.intent, Intent::Submit { .. })));
}

#[tokio::test]
async fn every_card_of_the_gallery() {
    let paper = Paper::default();
    let chat = TerminalChat::new(ada(), Box::new(Cursor::new("")), Screen::plain(Box::new(paper.clone())));
    for (number, card) in gallery().iter().enumerate() {
        chat.post(to("here", &format!("msg_{number}")), card).await.expect("posted");
    }
    insta::assert_snapshot!(paper.text());
}

#[tokio::test]
async fn a_card_changes_in_place_where_somebody_watches() {
    let paper = Paper::default();
    let chat = TerminalChat::new(ada(), Box::new(Cursor::new("")), Screen::live(Box::new(paper.clone())));
    let done = Card { tone: Tone::Good, title: "Done".into(), ..Card::default() };
    chat.post(to("here", "msg_1"), &working("x", 10)).await.expect("posted");
    chat.edit("here", "msg_1", &working("x", 20)).await.expect("edited");
    chat.post(to("here", "msg_2"), &done).await.expect("posted");
    chat.edit("here", "msg_1", &done).await.expect("edited");
    insta::assert_snapshot!(paper.text().replace('\x1b', "^").replace('\r', "^M"), @r##"
    ^M^[J◌ Running x
      Step 2 of 3: waiting for the database server.
      ██░░░░░░░░░░░░░░░░░░░░░░  10 %  Copying the schema
      Environment  dev
      Since        40s
      [1] Look at the run → https://ci.example.org/runs/7
      [2] Cancel
      req_01k9z

    ^M^[9A^[J◌ Running x
      Step 2 of 3: waiting for the database server.
      ████░░░░░░░░░░░░░░░░░░░░  20 %  Copying the schema
      Environment  dev
      Since        40s
      [1] Look at the run → https://ci.example.org/runs/7
      [2] Cancel
      req_01k9z

    ^M^[J✓ Done

    ^M^[J✓ Done
    "##);
    assert!(chat.edit("here", "msg_3", &done).await.expect_err("unknown").is::<Undelivered>());
}

#[tokio::test]
async fn details_are_indented_under_their_card() {
    let paper = Paper::default();
    let chat = TerminalChat::new(ada(), Box::new(Cursor::new("")), Screen::plain(Box::new(paper.clone())));
    let card = |title: &str, body: &str| Card { title: title.into(), body: body.into(), ..Card::default() };
    chat.post(to("here", "msg_1"), &card("Failed", "")).await.expect("posted");
    let long = "A line that is so long that it does not fit into the eighty columns of a usual terminal.";
    chat.post(to("here/msg_1", "msg_2"), &card("What it said", long)).await.expect("posted");
    chat.edit("here/msg_1", "msg_2", &card("What it said", "Less.")).await.expect("edited");
    chat.edit("here/msg_1", "msg_2", &card("What it said", "Less.")).await.expect("edited");
    insta::assert_snapshot!(paper.text(), @r##"
    • Failed

        • What it said
          A line that is so long that it does not fit into the eighty columns of a
          usual terminal.

        • What it said
          Less.
    "##);
}

/// A command with a secret, whose step really runs.
const SECRETIVE: &str = r#"
[capability]
name = "work"
title = "Work"
need = "As a developer I want work done so that it is done"
owner = "platform"
maturity = "ga"

[[command]]
name = "work do"
summary = "Do some work"
[[command.param]]
name = "key"
type = "secret"

[[command.step]]
name = "work"
[command.step.process]
program = "/bin/sh"
args = ["-c", "echo '{\"progress\": 50}'"]
[command.reply]
text = "All of it."
"#;

/// A real terminal (`script` of util-linux makes one) with a real process on it.
struct Terminal {
    process: Child,
    keys: ChildStdin,
    shown: String,
}

impl Terminal {
    fn open(folder: &std::path::Path) -> Self {
        std::fs::create_dir(folder.join("commands")).expect("a folder");
        std::fs::write(folder.join("commands/work.toml"), SECRETIVE).expect("a file");
        let program =
            format!("stty cols 80 rows 30; {} chat; stty -a | grep -o ' echo '", env!("CARGO_BIN_EXE_stationmaster"));
        let mut process = Command::new("script")
            .args(["--quiet", "--flush", "--return", "--command", &program, "/dev/null"])
            .current_dir(folder)
            .env("USER", "ada")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("script starts");
        let keys = process.stdin.take().expect("piped");
        Self { process, keys, shown: String::new() }
    }

    /// Waits until the terminal has shown a text after what was waited for before, then types.
    fn after(&mut self, text: &str, typed: &str) -> usize {
        let (mut bytes, begin) = (Vec::new(), self.shown.len());
        let output = self.process.stdout.as_mut().expect("piped");
        while !String::from_utf8_lossy(&bytes).contains(text) {
            let mut byte = [0];
            assert_eq!(output.read(&mut byte).expect("readable"), 1, "never shown: {text}\n{}", self.shown);
            bytes.push(byte[0]);
        }
        self.shown.push_str(&String::from_utf8_lossy(&bytes));
        self.keys.write_all(typed.as_bytes()).expect("typed");
        begin
    }
}

#[test]
fn c9_on_a_real_terminal_a_secret_is_not_shown_and_a_card_changes_in_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut terminal = Terminal::open(folder.path());
    terminal.after("Hello, ada", "");
    terminal.after("› ", "/work do\n");
    terminal.after("key: ", "hunter22\n");
    let begin = terminal.after("All of it.", "\x04");
    terminal.after(" echo ", "");
    assert!(terminal.process.wait().expect("it ends").success());
    assert!(terminal.shown.contains("/work do"), "what is no secret is shown");
    assert!(!terminal.shown.contains("hunter22"), "{}", terminal.shown);
    assert!(terminal.shown[begin..].contains("A\x1b[J"), "the card went up and changed: {}", terminal.shown);
}
