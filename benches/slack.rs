//! Signed slash-commands through both of Slack's transports to the real process, which keeps every one durably before it
//! acknowledges it. `cargo bench --bench slack`, with STATIONMASTER_BENCH_POSTGRES=postgres://… for the second engine.
//!
//! Slack waits three seconds for an acknowledgement. Each transport is driven as fast as it goes, and then steadily at
//! 1000 commands a second, where the time of an acknowledgement counts from when the command was due to be sent. Figures
//! are printed and never asserted: they belong to the machine, which the load itself uses as well.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::put;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use self::measure::{CLIENTS, Program, Seen};
use self::stand_in::StandIn;

mod measure;
mod stand_in;

/// How long Slack waits for an acknowledgement, in microseconds.
const LATE: u64 = 3_000_000;
/// How long a transport is driven as fast as it goes.
const SPRINT: Duration = Duration::from_secs(10);
/// How long it is driven steadily, and how many commands a second that are.
const STEADY: (Duration, f64) = (Duration::from_secs(30), 1000.0);
/// How long what was acknowledged may take to become requests.
const WORKED_OFF: Duration = Duration::from_secs(120);
/// What deliveries over HTTP are signed with.
const SECRET: &str = "3c1f7a90d2b84e56a1c09f3e7d5b2468";

/// How commands come to the process.
enum Transport {
    /// Signed, to its door.
    Http(reqwest::Client, String),
    /// On the sockets that it opened.
    Socket(Arc<StandIn>),
}

fn main() {
    rustls::crypto::ring::default_provider().install_default().expect("the first provider");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        measure_engine("SQLite", None).await;
        match std::env::var("STATIONMASTER_BENCH_POSTGRES") {
            Ok(server) => measure_engine("PostgreSQL", Some(&server)).await,
            Err(_) => println!("PostgreSQL: not measured, STATIONMASTER_BENCH_POSTGRES is not set"),
        }
    });
}

async fn measure_engine(engine: &str, server: Option<&str>) {
    let local = measure::listen(Router::new().route("/done/{name}", put(|| async { "ok" }))).await;
    for is_socket in [false, true] {
        let folder = tempfile::tempdir().expect("a folder");
        let (slack, api) = StandIn::open().await;
        let mut settings = vec![("SLACK__BOT_TOKEN", "xoxb-1-bench".to_owned()), ("SLACK__API_URL", api)];
        settings.push(match is_socket {
            true => ("SLACK__APP_TOKEN", "xapp-1-bench".to_owned()),
            false => ("SLACK__SIGNING_SECRET", SECRET.to_owned()),
        });
        if let Some(server) = server {
            let name = format!("bench_{}", uuid::Uuid::new_v4().simple());
            let url = stationmaster::store::provision::create_database(server, &name).await.expect("a database");
            settings.push(("DATABASE__URL", url));
        }
        let program = Program::start(folder.path(), &local, &settings).await;
        let transport = if is_socket {
            Transport::Socket(slack.clone())
        } else {
            let web = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(CLIENTS as usize).build();
            Transport::Http(web.expect("a client"), format!("{}/slack/events", program.address))
        };
        let name = format!("{engine} {}", if is_socket { "Socket Mode" } else { "HTTP" });
        drive(&name, &program, &transport).await;
        println!("{name:<24} {} messages posted or edited meanwhile", slack.messages.load(Ordering::Relaxed));
    }
}

/// Drives one transport steadily and then as fast as it goes, and says what came of it.
async fn drive(name: &str, program: &Program, transport: &Transport) {
    let next = AtomicU64::new(0);
    let mut acknowledged = 0;
    for (what, time, rate) in [("1000 a second", STEADY.0, Some(STEADY.1)), ("as fast as it goes", SPRINT, None)] {
        let before = program.processor();
        let seen = load(transport, &next, (time, rate)).await;
        acknowledged += seen.times.len();
        let used = (program.processor() - before).as_secs_f64();
        let late = seen.times.iter().filter(|time| **time > LATE).count();
        println!(
            "{name:<24} {what:<18} {:>6.0} acks/s   p50 {:>7.1} ms   p99 {:>7.1} ms   max {:>7.1} ms   {late} late   {} lost   \
             {:>5.1} s CPU per 10 000",
            seen.rate(),
            seen.within(0.5),
            seen.within(0.99),
            seen.within(1.0),
            seen.refused,
            used / seen.times.len().max(1) as f64 * 10_000.0
        );
    }
    let took = work_off(program, acknowledged).await;
    println!(
        "{name:<24} {acknowledged} acknowledged, all of them requests after {took} s; ready in {} ms; {}",
        program.start.as_millis(),
        program.memory("VmHWM")
    );
}

async fn load(transport: &Transport, next: &AtomicU64, (time, rate): (Duration, Option<f64>)) -> Seen {
    let (began, first, lost) = (Instant::now(), next.load(Ordering::Relaxed), AtomicU64::new(0));
    let clients = (0..CLIENTS).map(|_| async {
        let mut times = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = rate.map(|rate| began + Duration::from_secs_f64((number - first) as f64 / rate));
            let sent = due.unwrap_or_else(Instant::now);
            if sent.duration_since(began) >= time {
                return times;
            }
            tokio::time::sleep_until(sent.into()).await;
            if transport.send(number).await {
                times.push(sent.elapsed().as_micros() as u64);
            } else {
                lost.fetch_add(1, Ordering::Relaxed);
            }
        }
    });
    let times = futures::future::join_all(clients).await.into_iter().flatten().collect();
    Seen::new(times, lost.into_inner(), began)
}

/// Waits until everything that was acknowledged is a request; after how many seconds it is, or that it never was.
async fn work_off(program: &Program, acknowledged: usize) -> String {
    let began = Instant::now();
    while began.elapsed() < WORKED_OFF {
        let figures = program.get("/metrics").await.unwrap_or_default();
        let requests = figures.lines().filter(|line| line.starts_with("stationmaster_requests{"));
        let count: f64 = requests.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).sum();
        if count as usize >= acknowledged {
            return format!("{:.1}", began.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    format!("more than {}", WORKED_OFF.as_secs())
}

impl Transport {
    /// Somebody types a command; whether it was acknowledged.
    async fn send(&self, number: u64) -> bool {
        let command = command(number);
        match self {
            Self::Http(web, url) => {
                let fields = command.as_object().expect("an object");
                let fields = fields.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
                let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
                let at = jiff::Timestamp::now().as_second().to_string();
                let call = web
                    .post(url)
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header("x-slack-signature", sign(&at, &body))
                    .header("x-slack-request-timestamp", at);
                call.body(body).send().await.is_ok_and(|answer| answer.status() == 200)
            }
            Self::Socket(slack) => slack.send(command).await,
        }
    }
}

/// A use of the command, by one of two hundred persons in one of fifty channels.
fn command(number: u64) -> Value {
    let (person, channel) = (number % 200, number % 50);
    json!({
        "token": "x", "team_id": "T1", "team_domain": "house", "api_app_id": "A1", "is_enterprise_install": "false",
        "channel_id": format!("C{channel}"), "channel_name": "general", "user_id": format!("U{person}"),
        "user_name": format!("person-{person}"), "command": "/bench", "text": format!("name=n-{number}"),
        "trigger_id": format!("{number}.1.bench"), "response_url": "https://hooks.slack.com/commands/T1/1/x",
    })
}

/// Slack's signature (<https://docs.slack.dev/authentication/verifying-requests-from-slack>).
fn sign(at: &str, body: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("any length");
    mac.update(format!("v0:{at}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}
