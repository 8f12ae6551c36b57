//! A real browser: Chromium through its driver, which ends with the test.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use thirtyfour::TypingData;
use thirtyfour::prelude::*;

/// The driver's process.
pub struct Driver {
    process: Child,
    port: u16,
}

/// What the browser is told of its owner's taste.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

impl Driver {
    /// Starts the driver on a free port.
    pub fn start() -> Self {
        // Our HTTP client wants to be told whose TLS it uses, also where it uses none. Another test may have told it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // Two that start at the same moment may take the same port, and one of them ends at once.
        (0..5).find_map(|_| Self::try_to_start()).expect("a driver says its port")
    }

    fn try_to_start() -> Option<Self> {
        let mut command = Command::new("chromedriver");
        let mut process =
            command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("chromedriver starts");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let port = lines.find_map(|line| {
            let line = line.expect("readable");
            line.strip_prefix("ChromeDriver was started successfully on port ")?.trim_end_matches('.').parse().ok()
        });
        // What it says later must go somewhere.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, port: port? })
    }

    /// Opens a browser of its own, with cookies of its own.
    pub async fn open(&self, url: &str, scheme: Scheme) -> Browser {
        let mut capabilities = DesiredCapabilities::chrome();
        for flag in ["headless=new", "no-sandbox", "disable-dev-shm-usage", "disable-gpu", "hide-scrollbars"] {
            capabilities.add_arg(&format!("--{flag}")).expect("a flag");
        }
        capabilities.add_arg("--window-size=1000,900").expect("a flag");
        let setting = if scheme == Scheme::Dark { 0 } else { 1 };
        capabilities.add_arg(&format!("--blink-settings=preferredColorScheme={setting}")).expect("a flag");
        let driver = WebDriver::new(format!("http://127.0.0.1:{}", self.port), capabilities).await;
        let browser = Browser { driver: driver.expect("a browser opens"), url: url.to_owned() };
        browser.driver.goto(url).await.expect("the page opens");
        browser
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A browser with the page open.
pub struct Browser {
    /// What drives it.
    pub driver: WebDriver,
    url: String,
}

impl Browser {
    /// What an expression of the page's JavaScript gives.
    pub async fn eval(&self, expression: &str) -> serde_json::Value {
        let script = format!("return {expression};");
        let result = self.driver.execute(script, Vec::new()).await;
        result.unwrap_or_else(|e| panic!("{expression}: {e}")).json().clone()
    }

    /// Waits until an expression of the page's JavaScript is true; the page shows when, by nothing but itself.
    pub async fn until(&self, expression: &str) {
        let begin = Instant::now();
        while self.eval(&format!("!!({expression})")).await != true {
            if begin.elapsed() > Duration::from_secs(10) {
                let shown = self.eval("document.body.innerText").await;
                panic!("never true: {expression}\nthe page shows:\n{}", shown.as_str().unwrap_or_default());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Waits until the page shows a text.
    pub async fn sees(&self, text: &str) {
        self.until(&format!("document.body.innerText.includes({})", serde_json::json!(text))).await;
    }

    /// Types keys into whatever has the focus.
    pub async fn keys(&self, keys: impl Into<TypingData>) {
        self.driver.active_element().await.expect("a focus").send_keys(keys).await.expect("keys are typed");
    }

    /// Clicks what a CSS selector finds first.
    pub async fn click(&self, selector: &str) {
        let element = self.driver.find(By::Css(selector)).await.unwrap_or_else(|e| panic!("{selector}: {e}"));
        element.click().await.unwrap_or_else(|e| panic!("{selector}: {e}"));
    }

    /// Goes to what a CSS selector finds first, as the Tab key would.
    pub async fn focus(&self, selector: &str) {
        let script = format!("document.querySelector({}).focus()", serde_json::json!(selector));
        self.driver.execute(script, Vec::new()).await.unwrap_or_else(|e| panic!("{selector}: {e}"));
    }

    /// Loads the page again.
    pub async fn reload(&self) {
        self.driver.goto(self.url.as_str()).await.expect("the page opens");
    }

    /// Goes to another address, which is loaded again from then on.
    pub async fn go(&mut self, url: &str) {
        self.url = url.to_owned();
        self.reload().await;
    }

    /// Makes the window so large.
    pub async fn resize(&self, width: u32, height: u32) {
        self.driver.set_window_rect(0, 0, width, height).await.expect("the window changes");
    }

    /// Keeps a picture of the page for people to look at.
    pub async fn picture(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("page");
        std::fs::create_dir_all(&folder).expect("a folder for pictures");
        self.driver.screenshot(&folder.join(format!("{name}.png"))).await.expect("a picture");
    }

    /// Closes it.
    pub async fn close(self) {
        self.driver.quit().await.expect("the browser closes");
    }
}
