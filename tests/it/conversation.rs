//! What the page keeps, on both engines: the order of a conversation, what is new in it, and who visits.

use std::collections::BTreeSet;

use stationmaster::clock::Clock;
use stationmaster::store::Store;
use stationmaster::store::conversation::{Conversations, Entry};

use crate::engine::{On, START, database, on_both};

fn ids(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.id.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_has_an_order_and_tells_what_is_new() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let kept = store.conversations();
        for id in ["a", "b", "c"] {
            kept.append("ada", id, format!("\"{id}\"")).await.expect("added");
        }
        kept.append("ben", "a", "1".into()).await.expect("added");
        let again = kept.append("ada", "a", "\"other\"".into()).await.expect("kept");
        assert_eq!((again.content.as_str(), again.born, again.at), ("\"a\"", 1, START), "what is there stays");

        let seen = kept.count("ada").await.expect("counted");
        assert!(kept.since("ada", seen).await.expect("read").is_empty());
        kept.replace("ada", "a", "\"new\"".into()).await.expect("changed").expect("is there");
        assert!(kept.replace("ada", "z", "\"new\"".into()).await.expect("no error").is_none());
        assert_eq!(ids(&kept.since("ada", seen).await.expect("read")), ["a"]);
        assert_eq!(ids(&kept.since("ada", 0).await.expect("read")), ["b", "c", "a"], "in the order of change");
        let (entries, more) = kept.before("ada", i64::MAX).await.expect("read");
        assert_eq!((ids(&entries), more), (vec!["a", "b", "c"], false), "in the order of arrival");
        assert_eq!(kept.entry("ben", "a").await.expect("read").map(|entry| entry.content).as_deref(), Some("1"));
        assert_eq!(kept.entry("ben", "b").await.expect("read"), None);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn details_stand_with_their_entry_and_not_in_the_conversation() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let kept = store.conversations();
        for id in ["a", "b"] {
            kept.append("ada", id, "1".into()).await.expect("added");
            kept.append("ben", id, "1".into()).await.expect("added");
        }
        let seen = kept.count("ada").await.expect("counted");
        for (head, id) in [("a", "a1"), ("b", "b1"), ("a", "a2")] {
            let detail = kept.append_detail("ada", head, (id, "1".into())).await.expect("added");
            assert_eq!(detail.thread.as_deref(), Some(head));
        }
        kept.append_detail("ben", "a", ("a3", "1".into())).await.expect("added");
        kept.replace("ada", "a1", "2".into()).await.expect("changed").expect("is there");
        assert_eq!(ids(&kept.before("ada", i64::MAX).await.expect("read").0), ["a", "b"]);
        assert_eq!(ids(&kept.since("ada", seen).await.expect("read")), ["b1", "a2", "a1"], "told as any change is");
        let details = async |heads: &[&str]| {
            let heads: Vec<String> = heads.iter().map(|head| (*head).to_owned()).collect();
            kept.details("ada", &heads).await.expect("read").into_iter().map(|entry| entry.id).collect::<Vec<_>>()
        };
        assert_eq!(details(&["a", "b"]).await, ["a1", "b1", "a2"], "in the order of arrival");
        assert_eq!(details(&["b"]).await, ["b1"]);
        assert!(details(&[]).await.is_empty());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_long_conversation_is_read_in_pages() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let kept = store.conversations();
        for number in 0..130 {
            kept.append("ada", &format!("{number:03}"), String::new()).await.expect("added");
        }
        let (mut before, mut all) = (i64::MAX, Vec::new());
        loop {
            let (page, more) = kept.before("ada", before).await.expect("read");
            before = page[0].born;
            all.splice(0..0, page.into_iter().map(|entry| entry.id));
            if !more {
                break;
            }
        }
        assert_eq!(all, (0..130).map(|number| format!("{number:03}")).collect::<Vec<_>>());
    })
    .await;
}

/// Reads on from what was seen, until so many entries have their last content.
async fn follow(kept: &Conversations, entries: usize) {
    let (mut seen, mut done) = (0, BTreeSet::new());
    while done.len() < entries {
        let changed = kept.since("ada", seen).await.expect("read");
        assert!(changed.is_sorted_by_key(|entry| entry.seq));
        seen = changed.last().map_or(seen, |entry| entry.seq);
        done.extend(changed.into_iter().filter(|entry| entry.content == "2").map(|entry| entry.id));
        tokio::task::yield_now().await;
    }
}

/// Two processes write to one conversation while a third follows it: whoever reads on from the last change that was seen
/// misses none, whatever the order of the commits.
#[tokio::test(flavor = "multi_thread")]
async fn who_follows_a_conversation_misses_nothing() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let url = database(on, folder.path()).await;
        let first = Store::open(&url, Clock::manual(START)).await.expect("opens").conversations();
        let second = match on {
            On::Sqlite => first.clone(),
            On::Postgres => Store::open(&url, Clock::manual(START)).await.expect("opens").conversations(),
        };
        let write = |kept: Conversations, who: &'static str| async move {
            for number in 0..40 {
                let id = format!("{who}{number}");
                kept.append("ada", &id, "1".into()).await.expect("added");
                kept.replace("ada", &id, "2".into()).await.expect("changed");
            }
        };
        let writers = futures::future::join(write(first.clone(), "x"), write(second, "y"));
        let both = futures::future::join(writers, follow(&first, 80));
        tokio::time::timeout(std::time::Duration::from_secs(60), both).await.expect("every change is seen");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn visitors_are_counted_and_known_by_their_cookie_alone() {
    on_both(|on| async move {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Store::open(&database(on, folder.path()).await, Clock::manual(START)).await.expect("opens");
        let kept = store.conversations();
        let ada = kept.welcome("id1", "hash1").await.expect("welcome");
        assert_eq!((ada.id.as_str(), ada.name.as_str()), ("id1", "Developer 1"));
        assert_eq!(kept.welcome("id2", "hash2").await.expect("welcome").name, "Developer 2");
        assert!(kept.welcome("id3", "hash1").await.is_err(), "a cookie is one visitor's");
        kept.rename("id1", "Ada").await.expect("renamed");
        let known = kept.visitor("hash1").await.expect("read").expect("known");
        assert_eq!((known.id.as_str(), known.name.as_str()), ("id1", "Ada"));
        assert_eq!(kept.visitor("id1").await.expect("read"), None);
    })
    .await;
}
