//! The store on both engines: one commit for many, errors that undo themselves alone, leases, fences, the audit trail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::anyhow;
use stationmaster::clock::{Clock, Span};
use stationmaster::job::{Fenced, Job};
use stationmaster::store::Store;
use stationmaster::store::audit::Act;
use stationmaster::store::person::{Known, Sighting};
use tokio::sync::oneshot;

use crate::engine::{On, START, database, on_both};

async fn note(store: &Store, subject: &'static str, fails: bool) -> stationmaster::error::Result<()> {
    store
        .write(move |tx| {
            Box::pin(async move {
                tx.audit(Act { subject, actor: "ada", action: "noted", detail: "" }).await?;
                tx.enqueue(&Job::Perform { request: subject.into() }, START)?;
                if fails { Err(anyhow!("no")) } else { Ok(()) }
            })
        })
        .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_error_undoes_its_own_write_and_no_other() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let writes = (0..200).map(|n| note(&store, if n % 3 == 0 { "bad" } else { "good" }, n % 3 == 0));
        let results = futures::future::join_all(writes).await;
        let failed = results.iter().filter(|result| result.is_err()).count();
        assert_eq!(failed, 67);
        assert!(results.iter().flat_map(|r| r.as_ref().err()).all(|e| e.to_string() == "no"));
        assert_eq!(store.audit_of("good").await.expect("reads").len(), 133);
        assert!(store.audit_of("bad").await.expect("reads").is_empty());
        assert_eq!(store.verify_audit().await.expect("holds"), 133);
        assert_eq!(store.count_jobs().await.expect("counts"), (1, 0), "one live job of a name");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_write_is_an_error_and_the_next_write_works() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let error = store.write::<(), _>(|_| Box::pin(async { panic!("on purpose") })).await.expect_err("fails");
        assert!(error.to_string().contains("panicked"), "{error}");
        note(&store, "good", false).await.expect("works");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d11_a_claim_that_was_taken_over_writes_nothing() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::manual(START);
        let store = Store::open(&database(on, folder.path()).await, clock.clone()).await.expect("opens");
        let job = Job::Perform { request: "req_1".into() };
        store.write(move |tx| Box::pin(async move { tx.enqueue(&job, START) })).await.expect("enqueues");
        let lease = Span::from_secs(15);
        let first = store.claim_jobs("one", 10, lease).await.expect("claims").remove(0);
        assert!(store.claim_jobs("two", 10, lease).await.expect("claims").is_empty(), "it is held");
        assert!(store.renew_job(&first, lease).await.expect("renews"));
        clock.advance(Span::from_secs(16));
        let second = store.claim_jobs("two", 10, lease).await.expect("claims").remove(0);
        assert_eq!((second.fence, second.failures), (2, 2));
        let late = first.clone();
        let refused = store.write(move |tx| Box::pin(async move { tx.finish_job(&late).await })).await;
        assert!(refused.expect_err("fenced").is::<Fenced>());
        assert!(!store.renew_job(&first, lease).await.expect("answers"), "late renewal");
        store.write(move |tx| Box::pin(async move { tx.finish_job(&second).await })).await.expect("finishes");
        assert_eq!(store.count_jobs().await.expect("counts"), (0, 0));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_claimed_once_however_many_ask() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let url = database(on, folder.path()).await;
        let clock = Clock::manual(START);
        let store = Store::open(&url, clock.clone()).await.expect("opens");
        let other = if on == On::Postgres { Store::open(&url, clock).await.expect("opens") } else { store.clone() };
        store
            .write(|tx| {
                Box::pin(async move {
                    (0..60).try_for_each(|n| tx.enqueue(&Job::Perform { request: format!("req_{n}") }, START))
                })
            })
            .await
            .expect("enqueues");
        let asks = (0..30).map(|n| if n % 2 == 0 { &store } else { &other });
        let claims = asks.map(|store| store.claim_jobs("x", 5, Span::from_secs(15)));
        let mut ids: Vec<String> =
            futures::future::try_join_all(claims).await.expect("claims").into_iter().flatten().map(|c| c.id).collect();
        // Two processes may pass over rows that the other has locked; nobody passes over them for ever.
        ids.extend(store.claim_jobs("x", 64, Span::from_secs(15)).await.expect("claims").into_iter().map(|c| c.id));
        ids.sort();
        let all = ids.len();
        ids.dedup();
        assert_eq!((all, ids.len()), (60, 60));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_or_cut_audit_trail_is_found_out() {
    on_both(|on| async move {
        for (harm, word) in [
            ("update audit set detail = 'other' where seq = 3", "entry 3"),
            ("delete from audit where seq = 2", "lacks entry 2"),
            ("delete from audit where seq = 5", "cut"),
        ] {
            let folder = tempfile::tempdir().expect("a folder");
            let url = database(on, folder.path()).await;
            let store = Store::open(&url, Clock::manual(START)).await.expect("opens");
            for _ in 0..5 {
                note(&store, "good", false).await.expect("notes");
            }
            assert_eq!(store.verify_audit().await.expect("holds"), 5);
            tamper(&url, harm).await;
            let error = store.verify_audit().await.expect_err("found out").to_string();
            assert!(error.contains(word), "{error}");
        }
    })
    .await;
}

async fn tamper(url: &str, sql: &'static str) {
    use sqlx::{Connection, Executor};
    let mut connection = sqlx::AnyConnection::connect(url).await.expect("connects");
    connection.execute(sql).await.expect("changes");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_identity_is_one_person_whoever_remembers_it_first() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let seen = |id: &str| Sighting {
            platform: "web".into(),
            id: "cookie".into(),
            name: "Ada".into(),
            groups: Vec::new(),
            zone: None,
            person: Known { id: id.into(), name: "Ada".into() },
            taken_from: None,
        };
        let both = ["per_1", "per_2"].map(|id| store.remember_person(seen(id)));
        let known = futures::future::try_join_all(both).await.expect("remembers");
        assert_eq!(known[0].id, known[1].id);
        assert_eq!(store.person_of("web", "cookie").await.expect("reads").expect("is there").id, known[0].id);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn d16_a_database_of_a_newer_version_is_refused() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let url = database(on, folder.path()).await;
        drop(Store::open(&url, Clock::system()).await.expect("opens"));
        tamper(
            &url,
            "insert into _sqlx_migrations (version, description, success, checksum, execution_time) \
             select 9999, 'later', success, checksum, 0 from _sqlx_migrations where version = 1",
        )
        .await;
        let error = Store::open(&url, Clock::system()).await.err().expect("refused").to_string();
        assert!(error.contains("newer Stationmaster"), "{error}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_one_process_does_the_work_of_an_sqlite_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = database(On::Sqlite, folder.path()).await;
    let store = Store::open(&url, Clock::system()).await.expect("opens");
    let alone = store.hold_alone().expect("is alone").expect("a guard");
    let other = Store::open(&url, Clock::system()).await.expect("opens, for reading and tokens");
    let error = other.hold_alone().expect_err("is not alone").to_string();
    assert!(error.contains("Another Stationmaster is at work"), "{error}");
    drop(alone);
    other.hold_alone().expect("is alone now");
}

#[tokio::test(flavor = "multi_thread")]
async fn f17_what_is_no_database_is_refused_in_plain_words_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("garbage.db");
    let garbage = b"this is no database, and somebody may want it back ".repeat(100);
    std::fs::write(&file, &garbage).expect("written");
    let opened = Store::open(&format!("sqlite://{}", file.display()), Clock::system()).await;
    let error = opened.err().expect("refused").to_string();
    assert!(error.contains("file is not a database") && error.contains("restore it from a backup"), "{error}");
    assert_eq!(std::fs::read(&file).expect("reads"), garbage);
    let error = Store::open("postgres://ada:hunter22@127.0.0.1:1/x", Clock::system()).await.err().expect("refused");
    let error = error.to_string();
    assert!(error.contains("cannot be used") && !error.contains("hunter22"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn d13_what_a_platform_waits_for_shares_the_next_commit() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let ((entered, inside), (go, gate)) = (oneshot::channel(), oneshot::channel::<()>());
        let held = store.clone();
        let stall = async move {
            entered.send(()).map_err(|()| anyhow!("nobody waits"))?;
            Ok(gate.await?)
        };
        let stalled = tokio::spawn(async move { held.write(|_| Box::pin(stall)).await });
        inside.await.expect("the writer is at work");

        // Four hundred wait already; the urgent one comes last. Polled once, each of them is in its queue.
        let done = Arc::new(AtomicUsize::new(0));
        let count = |_| {
            let done = done.clone();
            store.write(move |_| Box::pin(async move { Ok(done.fetch_add(1, Ordering::SeqCst)) }))
        };
        let mut others = std::pin::pin!(futures::future::join_all((0..400).map(count)));
        assert!(futures::poll!(&mut others).is_pending());
        let mut urgent = std::pin::pin!(store.write_first(|_| Box::pin(async { Ok(()) })));
        assert!(futures::poll!(&mut urgent).is_pending());
        go.send(()).expect("the writer waits");
        let first = urgent.await.map(|()| done.load(Ordering::SeqCst));
        let first = first.expect("it is written");
        assert!(first < 300, "{first} others were written before it");
        assert_eq!(others.await.into_iter().filter(Result::is_ok).count(), 400, "none is left behind");
        stalled.await.expect("no panic").expect("it is written");
    })
    .await;
}
