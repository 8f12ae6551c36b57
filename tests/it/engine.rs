//! The two database engines that stories run on.

use std::future::Future;
use std::path::Path;

/// 2026-12-01T09:00:00Z.
pub const START: i64 = 1_796_115_600_000;

/// Which database a story runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum On {
    Sqlite,
    Postgres,
}

/// A database of its own, in `folder` or on the server that `tests/run` started.
pub async fn database(on: On, folder: &Path) -> String {
    if on == On::Sqlite {
        return format!("sqlite://{}/test.db", folder.display());
    }
    let server =
        std::env::var("STATIONMASTER_TEST_POSTGRES").expect("run the tests with tests/run, which starts PostgreSQL");
    let name = format!("t_{}", uuid::Uuid::new_v4().simple());
    stationmaster::store::provision::create_database(&server, &name).await.expect("a database")
}

/// Runs a story on both engines.
pub async fn on_both<F: Future<Output = ()>>(story: impl Fn(On) -> F) {
    for on in [On::Sqlite, On::Postgres] {
        eprintln!("on {on:?}");
        story(on).await;
    }
}
