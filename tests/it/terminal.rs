//! Conversations on a terminal, as they are read afterwards.

use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use stationmaster::chat::terminal::TerminalChat;
use stationmaster::chat::terminal::screen::Screen;
use stationmaster::chat::{Card, Gone, Intent, Platform as _, Sender, Tone};
use tokio_util::sync::CancellationToken;

use crate::scripted::{Scripted, gallery, working};

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
        chat.post("here", &format!("msg_{number}"), card).await.expect("posted");
    }
    insta::assert_snapshot!(paper.text());
}

#[tokio::test]
async fn a_card_changes_in_place_where_somebody_watches() {
    let paper = Paper::default();
    let chat = TerminalChat::new(ada(), Box::new(Cursor::new("")), Screen::live(Box::new(paper.clone())));
    let done = Card { tone: Tone::Good, title: "Done".into(), ..Card::default() };
    chat.post("here", "msg_1", &working("x", 10)).await.expect("posted");
    chat.edit("here", "msg_1", &working("x", 20)).await.expect("edited");
    chat.post("here", "msg_2", &done).await.expect("posted");
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
    assert!(chat.edit("here", "msg_3", &done).await.expect_err("unknown").is::<Gone>());
}
