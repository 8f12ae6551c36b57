//! The server on a real socket, against clients that mean no good.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use stationmaster::web::guard::Names;
use stationmaster::web::server::{self, Limits, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// A server with small limits.
struct Server {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

fn short_limits() -> Limits {
    Limits {
        header_time: Duration::from_millis(300),
        body_pause: Duration::from_millis(300),
        answer_time: Duration::from_secs(2),
        ..Limits::default()
    }
}

async fn start(limits: Limits) -> Server {
    let listener = server::listen(([127, 0, 0, 1], 0).into()).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let names = Names::new(address.ip(), "https://bot.example.org");
    let options = Options { names, limits, grace: Duration::from_millis(500) };
    let stop = CancellationToken::new();
    let router = Router::new()
        .route("/", get(|| async { "hello" }))
        .route("/length", post(|body: Bytes| async move { body.len().to_string() }))
        .route(
            "/panic",
            get(|| async {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route("/never", get(std::future::pending::<()>));
    let task = tokio::spawn(server::serve(listener, router, options, stop.clone()));
    Server { address, stop, task }
}

impl Server {
    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.expect("connects")
    }

    /// Everything that is answered to these bytes until the server closes the connection.
    async fn answer_to(&self, bytes: &[u8]) -> String {
        let mut stream = self.connect().await;
        // The server may close before it has read everything.
        stream.write_all(bytes).await.ok();
        read_all(&mut stream).await
    }

    async fn get(&self, path: &str, headers: &str) -> String {
        self.answer_to(format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n").as_bytes()).await
    }

    async fn assert_well(&self) {
        let answer = self.get("/", "Host: localhost\r\n").await;
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with("hello"), "{answer}");
    }
}

/// What arrives until the end, or until the server resets the connection.
async fn read_all(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    let reading = async {
        while let Ok(count @ 1..) = stream.read(&mut piece).await {
            bytes.extend_from_slice(&piece[..count]);
        }
    };
    tokio::time::timeout(Duration::from_secs(20), reading).await.expect("the server closes the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

#[track_caller]
fn assert_status(answer: &str, status: u16) {
    assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "not {status}: {answer}");
}

#[tokio::test]
async fn answers_carry_protective_headers() {
    let server = start(Limits::default()).await;
    let answer = server.get("/", "Host: localhost:7070\r\n").await.to_lowercase();
    for header in [
        "content-security-policy: default-src 'none'; frame-ancestors 'none'",
        "x-content-type-options: nosniff",
        "x-frame-options: deny",
        "referrer-policy: no-referrer",
        "cache-control: no-store",
        "cross-origin-opener-policy: same-origin",
        "cross-origin-resource-policy: same-origin",
    ] {
        assert!(answer.contains(header), "{header}: {answer}");
    }
}

#[tokio::test]
async fn a16_other_names_are_refused() {
    let server = start(Limits::default()).await;
    for host in ["localhost", "LOCALHOST:9", "127.0.0.1", "127.0.0.1:80", "[::1]:7070", "bot.example.org", "localhost."]
    {
        assert_status(&server.get("/", &format!("Host: {host}\r\n")).await, 200);
    }
    for host in ["evil.example.org", "127.0.0.1.evil.org", "localhost.evil.org", "192.0.2.1", "x@localhost", "", "a b"]
    {
        let answer = server.get("/", &format!("Host: {host}\r\n")).await;
        assert_status(&answer, 421);
        assert!(!answer.contains("hello"));
    }
    assert_status(&server.get("http://evil.example.org/", "Host: localhost\r\n").await, 421);
    assert_status(&server.get("/", "").await, 400);
    assert_status(&server.get("/", "Host: localhost\r\nHost: evil.example.org\r\n").await, 400);
    assert_status(&server.get("/nowhere", "Host: evil.example.org\r\n").await, 421);
}

#[tokio::test]
async fn a7_slow_headers_are_cut() {
    let server = start(short_limits()).await;
    let mut stream = server.connect().await;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ").await.expect("sent");
    let answer = read_all(&mut stream).await;
    assert!(!answer.contains("200 OK"), "{answer}");
    server.assert_well().await;
}

#[tokio::test]
async fn a7_slow_bodies_are_cut() {
    let server = start(short_limits()).await;
    for framing in ["Content-Length: 100\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"] {
        let head = format!("POST /length HTTP/1.1\r\nHost: localhost\r\n{framing}");
        let answer = server.answer_to(head.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    server.assert_well().await;
}

#[tokio::test]
async fn a7_large_headers_and_bodies_are_refused() {
    let server = start(Limits::default()).await;
    let header = format!("GET / HTTP/1.1\r\nHost: localhost\r\nX-Large: {}\r\n\r\n", "x".repeat(1024 * 1024));
    assert_status(&server.answer_to(header.as_bytes()).await, 431);
    let many = "X-Many: 1\r\n".repeat(10_000);
    assert_status(&server.get("/", &format!("Host: localhost\r\n{many}")).await, 431);
    let large = "x".repeat(20 * 1024 * 1024);
    let announced =
        format!("POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{large}", large.len());
    assert_status(&server.answer_to(announced.as_bytes()).await, 413);
    let chunk = format!("{:x}\r\n{}\r\n", 64 * 1024, "x".repeat(64 * 1024));
    let chunked =
        format!("POST /length HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n{}", chunk.repeat(64));
    assert_status(&server.answer_to(chunked.as_bytes()).await, 413);
    server.assert_well().await;
}

#[tokio::test]
async fn f5_doubtful_framing_is_refused_or_the_last_of_its_connection() {
    let server = start(Limits::default()).await;
    for framing in
        ["Content-Length: -1", "Content-Length: 3\r\nContent-Length: 5", "Transfer-Encoding: gzip", "Content-Length: x"]
    {
        let request = format!("POST /length HTTP/1.1\r\nHost: localhost\r\n{framing}\r\n\r\nabc");
        assert_status(&server.answer_to(request.as_bytes()).await, 400);
    }
    let smuggled = concat!(
        "POST /length HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    let answer = server.answer_to(smuggled.as_bytes()).await;
    assert!(!answer.contains("hello"), "{answer}");
    assert_eq!(answer.matches("HTTP/1.1").count(), 1, "{answer}");
}

#[tokio::test]
async fn f5_tls_on_the_plain_port_is_closed() {
    let server = start(Limits::default()).await;
    let client_hello = [0x16, 0x03, 0x01, 0x00, 0x05, 0x01, 0x00, 0x00, 0x01, 0x03, b'\r', b'\n', b'\r', b'\n'];
    let answer = server.answer_to(&client_hello).await;
    assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{answer}");
    server.assert_well().await;
}

#[tokio::test]
async fn f6_half_open_connections_do_not_keep_others_out() {
    let server = start(short_limits()).await;
    let mut half_open = Vec::new();
    for _ in 0..400 {
        let mut stream = server.connect().await;
        stream.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
        half_open.push(stream);
    }
    server.assert_well().await;
    for stream in &mut half_open {
        assert!(!read_all(stream).await.contains("200 OK"));
    }
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let server = start(Limits { connections: 2, ..short_limits() }).await;
    let idle = [server.connect().await, server.connect().await];
    server.assert_well().await;
    drop(idle);
}

#[tokio::test]
async fn a_panic_is_an_answer_with_a_reference() {
    let server = start(Limits::default()).await;
    let answer = server.get("/panic", "Host: localhost\r\n").await;
    assert_status(&answer, 500);
    assert!(answer.contains("reference ") && !answer.contains("on purpose"), "{answer}");
    server.assert_well().await;
}

#[tokio::test]
async fn an_answer_that_never_comes_is_given_up() {
    let server = start(Limits { answer_time: Duration::from_millis(200), ..Limits::default() }).await;
    assert_status(&server.get("/never", "Host: localhost\r\n").await, 408);
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_cuts_the_rest_after_the_grace() {
    let server = start(Limits::default()).await;
    let mut idle = server.connect().await;
    idle.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    let mut first = [0; 12];
    idle.read_exact(&mut first).await.expect("answered");
    let mut stuck = server.connect().await;
    stuck.write_all(b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n").await.expect("sent");
    server.assert_well().await;
    server.stop.cancel();
    assert!(read_all(&mut idle).await.ends_with("hello"));
    assert_eq!(read_all(&mut stuck).await, "");
    server.task.await.expect("the server ends");
    assert!(TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_taken_address_is_explained() {
    let server = start(Limits::default()).await;
    let error = server::listen(server.address).await.expect_err("taken");
    let words = error.to_string();
    assert!(words.contains(&server.address.to_string()) && words.contains("hint: stop what listens there"), "{words}");
}
