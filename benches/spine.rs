//! The accept path and the job path against a bare server that only commits one row, with durable commits on both
//! engines; and how soon and how small the process is. `cargo bench --bench spine`, with STATIONMASTER_BENCH_POSTGRES=postgres://…
//! for the second engine.
//!
//! Figures are printed and never asserted: they belong to the machine.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use serde_json::json;
use stationmaster::app::App;
use stationmaster::catalogue::Catalogue;
use stationmaster::catalogue::capability::CapabilityFile;
use stationmaster::catalogue::command::Command as CatalogueCommand;
use stationmaster::clock::Clock;
use stationmaster::config::Config;
use stationmaster::serve::{self, House, Parts};
use stationmaster::store::Store;
use stationmaster::web::{api, token};

use self::measure::{CLIENTS, Program, Seen, WORK, listen};

mod measure;

/// How long each load lasts.
const LOAD: Duration = Duration::from_secs(5);
/// How many requests the job path works off.
const JOBS: i64 = 1000;

fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("the first provider");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        start_up().await;
        let folder = tempfile::tempdir().expect("a folder");
        measure("SQLite", &format!("sqlite://{}/bench.db", folder.path().display()), folder.path()).await;
        match std::env::var("STATIONMASTER_BENCH_POSTGRES") {
            Ok(server) => {
                let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
                let url = stationmaster::store::provision::create_database(&server, &name).await.expect("a database");
                let folder = tempfile::tempdir().expect("a folder");
                measure("PostgreSQL", &url, folder.path()).await;
            }
            Err(_) => println!("PostgreSQL: not measured, STATIONMASTER_BENCH_POSTGRES is not set"),
        }
    });
}

async fn measure(engine: &str, url: &str, folder: &Path) {
    let local = listen(Router::new().route("/done/{name}", axum::routing::put(|| async { "ok" }))).await;
    let store = Store::open(url, Clock::system()).await.expect("a store");
    let bare = Router::new().route("/bare", post(commit_one_row)).with_state(store.clone());
    let bare_at = listen(bare).await;
    let body = json!({"words": "x"}).to_string();
    report(engine, "bare server, one row", load(&format!("http://{bare_at}/bare"), "", |_| body.clone()).await);

    let app = Arc::new(app(store, folder, &local));
    let secret = token::new_token();
    app.store.create_token("ada", "bench", token::hash(&secret)).await.expect("a token");
    let door = listen(api::router(app.clone())).await;
    let order = |n: u64| {
        json!({"command": "bench", "input": {"name": format!("n-{n}")}, "idempotency_key": format!("k-{n}")})
            .to_string()
    };
    report(engine, "accept path", load(&format!("http://{door}/api/requests"), &secret, order).await);

    let app = Arc::into_inner(app);
    drop(app);
    work_off(engine, url, folder, &local).await;
}

/// Works off what the accept path left, and says how fast.
async fn work_off(engine: &str, url: &str, folder: &Path, local: &str) {
    let store = Store::open(url, Clock::system()).await.expect("a store");
    let (waiting, _) = store.count_jobs().await.expect("counts");
    let house = House::open(app(store, folder, local)).await.expect("opens");
    let store = house.app.store.clone();
    let began = Instant::now();
    let until = (waiting - JOBS).max(0);
    let mut left = waiting;
    while left > until {
        tokio::time::sleep(Duration::from_millis(20)).await;
        left = store.count_jobs().await.expect("counts").0;
    }
    let done = (waiting - left) as f64;
    println!(
        "{engine:<11} {:<22} {:>9.0} requests/s, each with one HTTP step",
        "job path",
        done / began.elapsed().as_secs_f64()
    );
    house.close().await;
}

async fn commit_one_row(State(store): State<Store>) -> StatusCode {
    match store.record_gap("x", "ada", "bench").await {
        Ok(_) => StatusCode::ACCEPTED,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

fn app(store: Store, folder: &Path, local: &str) -> App {
    let mut config = Config { data: folder.join("data"), commands: folder.to_owned(), ..Config::default() };
    config.http.allow_private.push("127.0.0.1".into());
    let file: CapabilityFile = toml::from_str(&WORK.replace("LOCAL", local)).expect("a capability file");
    let capability = Arc::new(file.capability);
    let commands = file
        .command
        .into_iter()
        .map(|file| (file.name.clone(), Arc::new(CatalogueCommand { capability: capability.clone(), file })));
    let catalogue = Catalogue::new(BTreeMap::from([(capability.name.clone(), capability.clone())]), commands.collect());
    let key = ("0".repeat(64).into(), format!("http://{local}"));
    let tools = serve::tools(&config, Clock::system(), key).expect("tools");
    let parts = Parts { config, store, clock: Clock::system(), catalogue, tools, platforms: Vec::new() };
    serve::build(parts).expect("an app")
}

async fn load(url: &str, token: &str, body: impl Fn(u64) -> String + Sync) -> Seen {
    let (next, refused) = (AtomicU64::new(0), AtomicU64::new(0));
    let web = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(CLIENTS as usize).build().expect("a client");
    let began = Instant::now();
    let clients = (0..CLIENTS).map(|_| async {
        let mut times = Vec::new();
        while began.elapsed() < LOAD {
            let body = body(next.fetch_add(1, Ordering::Relaxed));
            let asked = Instant::now();
            let call = web.post(url).bearer_auth(token).header("content-type", "application/json").body(body);
            match call.send().await {
                Ok(answer) if answer.status() == 202 => times.push(asked.elapsed().as_micros() as u64),
                _ => {
                    refused.fetch_add(1, Ordering::Relaxed);
                }
            }
        }
        times
    });
    let times = futures::future::join_all(clients).await.into_iter().flatten().collect();
    Seen::new(times, refused.into_inner(), began)
}

fn report(engine: &str, what: &str, seen: Seen) {
    println!(
        "{engine:<11} {what:<22} {:>9.0} accepted/s   p50 {:>6.1} ms   p99 {:>6.1} ms   {} refused, {CLIENTS} clients",
        seen.rate(),
        seen.within(0.5),
        seen.within(0.99),
        seen.refused
    );
}

/// From the start of the process to the first "ready", and its memory a second later, with nothing to do.
async fn start_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = Program::start(folder.path(), "127.0.0.1:1", &[]).await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (ready, used) = (program.start.as_millis(), program.processor().as_millis());
    println!("start to ready {ready} ms; a second later {used} ms of CPU were used, idle {}", program.memory("VmRSS"));
}
