//! The way out to the network: limits, redirects and addresses.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use stationmaster::runner::WebClient;
use stationmaster::runner::web_client::{Answer, Call, Trouble};
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{Server, client};

fn get(url: &str) -> Call {
    let deadline = Duration::from_secs(20);
    Call { method: Method::GET, url: url.to_owned(), headers: HeaderMap::new(), body: None, deadline }
}

async fn send(client: &WebClient, call: Call) -> Result<Answer, Trouble> {
    client.send(call, &CancellationToken::new()).await
}

fn open() -> WebClient {
    client(&["127.0.0.1"], &[])
}

#[tokio::test]
async fn d1_a_hanging_server_ends_with_the_deadline() {
    let hanging = Server::new(|stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let call = Call { deadline: Duration::from_millis(200), ..get(&hanging.url()) };
    let began = Instant::now();
    assert_eq!(
        send(&open(), call).await.expect_err("no answer"),
        Trouble::Lost("127.0.0.1 did not answer in time".into())
    );
    assert!(began.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn d1_a_dripping_answer_ends_with_the_deadline() {
    let dripping = Server::new(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n").await.ok();
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let call = Call { deadline: Duration::from_millis(300), ..get(&dripping.url()) };
    assert!(matches!(send(&open(), call).await, Err(Trouble::Lost(why)) if why.contains("not whole in time")));
}

#[tokio::test]
async fn d1_a_lie_about_the_length_does_no_harm() {
    let huge = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 99999999999999\r\n\r\n{}").await;
    assert!(matches!(send(&open(), get(&huge.url())).await, Err(Trouble::Lost(_))));
    let small = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}and much more").await;
    assert_eq!(send(&open(), get(&small.url())).await.expect("an answer").body, b"{}");
    for broken in ["-1", "abc", "1e3"] {
        let server = Server::saying(format!("HTTP/1.1 200 OK\r\ncontent-length: {broken}\r\n\r\n{{}}")).await;
        assert!(matches!(send(&open(), get(&server.url())).await, Err(Trouble::Lost(_))), "{broken}");
    }
}

#[tokio::test]
async fn d1_a_body_of_50_mb_is_not_read() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = written.clone();
    let big = Server::new(move |mut stream| {
        let count = count.clone();
        async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok();
            let chunk = vec![b'x'; 64 * 1024];
            while count.load(Ordering::SeqCst) < 50_000_000 && stream.write_all(&chunk).await.is_ok() {
                count.fetch_add(chunk.len(), Ordering::SeqCst);
            }
        }
    })
    .await;
    assert!(matches!(send(&open(), get(&big.url())).await, Err(Trouble::TooBig(status)) if status == 200));
    // What is beyond 1 MiB is in the buffers of the two sockets.
    assert!(written.load(Ordering::SeqCst) < 20_000_000, "the connection stayed open");
}

#[tokio::test]
async fn d1_of_a_big_refusal_the_status_counts() {
    let body = "x".repeat(3 << 20);
    let big = Server::saying(format!("HTTP/1.1 404 Not Found\r\ncontent-length: {}\r\n\r\n{body}", body.len())).await;
    let answer = send(&open(), get(&big.url())).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), answer.body.len()), (404, 1 << 20));
}

#[tokio::test]
async fn d1_a_packed_answer_is_not_unpacked() {
    let packed = Server::saying("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nabcd").await;
    assert_eq!(send(&open(), get(&packed.url())).await.expect("an answer").body, b"abcd");
}

#[tokio::test]
async fn d1_a_head_without_end_is_cut() {
    let endless = Server::new(|mut stream| async move {
        stream.write_all(b"HTTP/1.1 200 OK\r\n").await.ok();
        while stream.write_all(format!("x-{}: y\r\n", "z".repeat(4000)).as_bytes()).await.is_ok() {}
    })
    .await;
    assert!(matches!(send(&open(), get(&endless.url())).await, Err(Trouble::Lost(_))));
}

#[tokio::test]
async fn d1_endless_redirects_end() {
    let circle = Server::saying("HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\n\r\n").await;
    let refused = send(&open(), get(&circle.url())).await.expect_err("no answer");
    assert_eq!(refused, Trouble::Refused("it was sent on more than 5 times".into()));
    assert_eq!(circle.count(), 6);
}

#[tokio::test]
async fn d1_a_redirect_to_a_private_address_is_not_followed() {
    let secret = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = secret.address.port();
    for target in
        [secret.url(), format!("http://0x7f.1:{port}/"), format!("//localhost:{port}/"), "file:///etc/passwd".into()]
    {
        let door =
            Server::saying(format!("HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n")).await;
        let narrow = client(&[&door.address.to_string()], &[]);
        let answer = send(&narrow, get(&door.url())).await;
        assert!(matches!(answer, Err(Trouble::Refused(_))), "{target}: {answer:?}");
    }
    assert_eq!(secret.count(), 0);
}

#[tokio::test]
async fn d1_a_name_that_leads_inside_is_refused_at_the_connect() {
    let secret = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let port = secret.address.port();
    let closed = client(&[], &[]);
    for host in ["localhost", "LOCALHOST"] {
        let answer = send(&closed, get(&format!("http://{host}:{port}/"))).await;
        assert!(matches!(&answer, Err(Trouble::Refused(why)) if why.contains("allow_private")), "{answer:?}");
    }
    assert_eq!(secret.count(), 0);
    let opened = client(&["localhost"], &[]);
    assert!(send(&opened, get(&format!("http://localhost:{port}/"))).await.is_ok());
}

#[tokio::test]
async fn secrets_do_not_follow_a_redirect_to_another_place() {
    let (here, there) = (MockServer::start().await, MockServer::start().await);
    let to_there = ResponseTemplate::new(307).insert_header("location", there.uri());
    Mock::given(any()).respond_with(to_there).mount(&here).await;
    Mock::given(any()).respond_with(ResponseTemplate::new(200)).mount(&there).await;
    let mut call = get(&here.uri());
    call.headers.insert(AUTHORIZATION, HeaderValue::from_static("Bearer hunter22"));
    call.headers.insert("x-api-key", HeaderValue::from_static("hunter22"));
    assert_eq!(send(&open(), call).await.expect("an answer").status, 200);
    assert!(here.received_requests().await.expect("recorded")[0].headers.contains_key("x-api-key"));
    let received = &there.received_requests().await.expect("recorded")[0];
    assert!(!received.headers.contains_key("x-api-key") && !received.headers.contains_key("authorization"));
}

#[tokio::test]
async fn only_reads_follow_redirects() {
    let circle = Server::saying("HTTP/1.1 307 Temporary Redirect\r\nlocation: /b\r\ncontent-length: 0\r\n\r\n").await;
    let answer = send(&open(), Call { method: Method::POST, ..get(&circle.url()) }).await.expect("an answer");
    assert_eq!((answer.status.as_u16(), circle.count()), (307, 1));
}

#[tokio::test]
async fn what_may_have_happened_is_told_apart() {
    let gone = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address");
    let unreached = send(&open(), get(&format!("http://{gone}/"))).await;
    assert!(matches!(&unreached, Err(Trouble::Unreached(why)) if why.contains("refused")), "{unreached:?}");
    let unknown = send(&open(), get("http://no-such-host.invalid/")).await;
    assert!(matches!(unknown, Err(Trouble::Unreached(_))), "{unknown:?}");
    let silent = Server::new(|stream| async move { drop(stream) }).await;
    assert!(matches!(send(&open(), get(&silent.url())).await, Err(Trouble::Lost(_))));
    assert_eq!(silent.count(), 1, "a lost answer is not asked for again");
    let late = send(&open(), Call { deadline: Duration::ZERO, ..get(&silent.url()) }).await;
    assert!(matches!(late, Err(Trouble::Unreached(_))), "{late:?}");
    let stopped = CancellationToken::new();
    stopped.cancel();
    assert!(matches!(open().send(get(&silent.url()), &stopped).await, Err(Trouble::Unreached(_))));
}

#[tokio::test]
async fn json_is_fetched_or_the_reason_told() {
    let good = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{\"a\": [1]}"[..48].to_owned()).await;
    let long = Duration::from_secs(5);
    assert!(open().get_json(&good.url(), long).await.is_err(), "cut short");
    let good = Server::saying("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"a\": [1]}").await;
    assert_eq!(open().get_json(&good.url(), long).await.expect("JSON"), serde_json::json!({"a": [1]}));
    let bad = Server::saying("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 2\r\n\r\n{}").await;
    assert_eq!(
        open().get_json(&bad.url(), long).await.expect_err("503").to_string(),
        "the answer was 503 Service Unavailable"
    );
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let deep = Server::saying(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{deep}", deep.len())).await;
    assert_eq!(open().get_json(&deep.url(), long).await.expect_err("deep").to_string(), "the answer is not JSON");
}
