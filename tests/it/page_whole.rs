//! The whole of it in a real browser: the program, its sample platform, and a person who types.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use thirtyfour::prelude::Key;

use crate::browser::{Driver, Scheme};

/// The program with the sample platform, in a folder of its own; ended with the test.
pub struct Program {
    process: Child,
    pub url: String,
    folder: tempfile::TempDir,
}

impl Program {
    pub fn start() -> Self {
        let (top, folder) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::tempdir().expect("a folder"));
        let mut process = Command::new(env!("CARGO_BIN_EXE_stationmaster"))
            .current_dir(folder.path())
            .arg("--config")
            .arg(top.join("stationmaster.toml"))
            .env("STATIONMASTER_COMMANDS", top.join("commands"))
            .env("STATIONMASTER_WEB__LISTEN", "127.0.0.1:0")
            .env_remove("PLATFORM_POSTGRES_URL")
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut log = BufReader::new(process.stderr.take().expect("piped")).lines().map_while(Result::ok);
        let ready = log.find(|line| line.contains(" ready ")).expect("it says that it is ready");
        let url = ready.split("url=").nth(1).and_then(|rest| rest.split('"').nth(1)).expect("its address").to_owned();
        // What it logs later must go somewhere.
        std::thread::spawn(move || log.for_each(drop));
        Self { process, url: format!("{url}/"), folder }
    }

    fn data(&self, path: &str) -> PathBuf {
        self.folder.path().join("data").join(path)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_typed_and_is_a_repository() {
    let (program, driver) = (Program::start(), Driver::start());
    let browser = driver.open(&program.url, Scheme::Light).await;
    browser.until("document.querySelector('.home [data-fill]')").await;
    browser.picture("whole-home").await;
    browser.keys("/serv").await;
    browser.until("document.querySelectorAll('#proposals li').length > 0").await;
    browser.picture("whole-proposals").await;
    browser.keys(Key::Tab + "").await;
    browser.until("words.value.startsWith('/service new')").await;
    browser.keys("name=hello" + Key::Enter).await;
    browser.until("document.querySelector('.card.good')").await;
    browser.sees("hello is ready").await;
    browser.picture("whole-done").await;
    assert!(program.data("platform/services/hello/.git").is_dir());

    // The bare command opens its form; a mistake keeps what was typed.
    browser.keys("/service new" + Key::Escape + Key::Enter).await;
    browser.until("document.activeElement.name === 'f.name'").await;
    let choices = browser.eval("document.querySelectorAll('[role=radiogroup] input').length").await;
    assert_eq!(choices, 2, "what has a default cannot be left open");
    browser.picture("whole-form").await;
    browser.keys("Not A Name" + Key::Enter).await;
    browser
        .until("document.activeElement.ariaInvalid === 'true' && document.activeElement.value === 'Not A Name'")
        .await;
    browser.picture("whole-mistake").await;
    browser.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_fails_takes_itself_back_before_ones_eyes() {
    let (program, driver) = (Program::start(), Driver::start());
    let browser = driver.open(&program.url, Scheme::Dark).await;
    browser.until("document.querySelector('.home [data-fill]')").await;
    browser.keys("/service new shop" + Key::Enter).await;
    browser.sees("shop is ready").await;
    browser.keys("/deploy shop" + Key::Enter).await;
    browser.until("document.querySelectorAll('.card.good').length === 2").await;
    browser.picture("whole-deployed").await;
    browser.keys("/deploy shop health=/nothing" + Key::Enter).await;
    browser.until("document.querySelector('.card.active progress')").await;
    browser.picture("whole-deploying").await;
    browser.until("document.querySelector('.card.bad')").await;
    browser.picture("whole-failed").await;
    assert_eq!(browser.eval("document.querySelectorAll('.heard').length").await, 3, "one card each");
    browser.keys("/deploy shop prod" + Key::Enter).await;
    browser.until("document.querySelector('.card.waiting .primary')").await;
    browser.picture("whole-confirm").await;
    browser.click(".card.waiting .primary").await;
    browser.until("document.querySelectorAll('.card.good').length === 3").await;
    browser.keys("/help something to keep my data" + Key::Enter).await;
    browser.until("document.querySelectorAll('.heard').length === 5").await;
    browser.picture("whole-help").await;
    browser.keys("/access grant" + Key::Escape + Key::Enter).await;
    browser.until("document.querySelector('.form')").await;
    browser.until("document.querySelector('.form').getBoundingClientRect().top > 56").await;
    browser.until("document.querySelector('.bar').getBoundingClientRect().top === 0").await;
    browser.picture("whole-access").await;
    browser.close().await;
}
