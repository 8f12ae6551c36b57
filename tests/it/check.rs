//! What the author of a capability file reads: each typical mistake, and what `check` says of it.

use std::fs;
use std::path::Path;

use stationmaster::catalogue::{self, Catalogue, Known, Report, Watch};
use stationmaster::clock::Clock;
use stationmaster::config::HttpPolicy;
use stationmaster::runner::{Tools, WebClient};

/// A folder of capability files.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn with(files: &[(&str, &str)]) -> Self {
        let folder = Self::new();
        for (name, text) in files {
            folder.write(name, text);
        }
        folder
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.path().join(name), text).expect("written");
    }

    async fn check(&self) -> Report {
        catalogue::check(self.path(), None, &self.tools(), &known()).await
    }

    /// What the author reads, with the folder as it is called in a repository.
    async fn read(&self) -> String {
        let report = self.check().await.to_string();
        report.replace(&self.path().display().to_string(), "commands")
    }

    fn tools(&self) -> Tools {
        // Whichever test is first installs it; the others find it there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Tools {
            web: WebClient::new(&HttpPolicy::default()).expect("a client"),
            clock: Clock::system(),
            data: self.path().join("data"),
            commands: self.path().to_owned(),
            public_url: "http://127.0.0.1:7070".into(),
            callback_key: "key".to_owned().into(),
        }
    }
}

fn known() -> Known {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Known { env: names(&["PLATFORM_API"]), secrets: names(&["TOKEN"]), teams: names(&["data-platform", "payments"]) }
}

#[tokio::test]
async fn each_typical_mistake_is_explained() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("mistakes");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let files = fs::read_dir("tests/it/mistakes").expect("the fixtures").map(|entry| entry.expect("a file").path());
    let mut fixtures: Vec<_> = files.filter(|path| path.extension().is_some_and(|e| e == "toml")).collect();
    fixtures.sort();
    assert!(fixtures.len() >= 25, "{fixtures:?}");
    for path in fixtures {
        let name = path.file_stem().and_then(|name| name.to_str()).expect("a name").to_owned();
        let folder = Folder::with(&[(&format!("{name}.toml"), &fs::read_to_string(&path).expect("a fixture"))]);
        let read = folder.read().await;
        assert!(!read.contains("all good"), "{name} is accepted");
        settings.bind(|| insta::assert_snapshot!(name, read));
    }
}
