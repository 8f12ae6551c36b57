//! Calling a request off while a program of it runs: the program ends, and what was done is taken back, undisturbed.

use std::path::Path;

use stationmaster::chat::Reply;
use stationmaster::desk;

use crate::engine::on_both;
use crate::house::{House, button, read};

/// A step that says what it has begun and goes on for ever, and an undo that lasts until there is a file `go`.
const ENDLESS: &str = r#"
[capability]
name = "builds"
title = "Builds"
need = "As a developer I want to build so that I can ship"
owner = "platform"
maturity = "ga"
[[command]]
name = "build"
summary = "Build it"
[[command.param]]
name = "what"
type = "string"
[[command.step]]
name = "make"
[command.step.process]
program = "sh"
args = ["-c", "echo '{\"output\": {\"id\": \"7\"}}'; touch begun; sleep 300"]
[command.step.undo.process]
program = "sh"
args = ["-c", "touch undoing; while [ ! -e go ]; do sleep 0.05; done; mv undoing undone"]
"#;

async fn appears(file: &Path) {
    while !file.exists() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_cannot_be_called_off() {
    on_both(|on| async move {
        let house = House::with(on, &[ENDLESS]).await;
        let file = |name: &str| house.app.tools.data.join(name);
        house.say("ada", "/build it").await;
        desk::outbox::deliver_next(&house.app, 64).await.expect("sent");
        let cancel = button(&house.card("ada"), "Cancel");
        let presses = async {
            appears(&file("begun")).await;
            let first = house.press("ada", &cancel).await;
            appears(&file("undoing")).await;
            let second = house.press("ada", &cancel).await;
            std::fs::write(file("go"), "").expect("written");
            (first, second)
        };
        let ((), replies) = tokio::join!(house.settle(), presses);
        assert_eq!(replies, (Reply::Nothing, Reply::Nothing));
        assert!(file("undone").exists(), "the undo came to its end");
        insta::allow_duplicates! { insta::assert_snapshot!(read(&house.card("ada")), @"
        [neutral] Build it – cancelled
          /build what=it
          What was done before has been taken back.
          [Run it again]
          (Asked by ada)
        ") }
        house.finish().await;
    })
    .await;
}
