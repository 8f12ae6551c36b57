//! Databases, as files and on a server.

use std::fs;

use sqlx::{AnyConnection, Connection, Executor};
use stationmaster::config::Config;
use stationmaster::store::provision;

use super::house;
use crate::engine::On;
use crate::house::House;

/// The variable that says where databases are made.
const SERVER: &str = "PLATFORM_POSTGRES_URL";

/// A house that makes databases on the server that `tests/run` started.
async fn house_with_server() -> (House, String) {
    let server = std::env::var("STATIONMASTER_TEST_POSTGRES").expect("run the tests with tests/run");
    let mut url = url::Url::parse(&server).expect("a URL");
    url.set_password(Some("not-to-be-seen")).expect("a URL with a host");
    let add = |config: &mut Config| {
        config.templates.present.insert(SERVER.into(), url.to_string());
    };
    (House::sample(On::Postgres, add).await, server)
}

/// Keeps something in a database, and reads it back.
async fn use_database(url: &str) {
    let mut connection = AnyConnection::connect(url).await.expect("it opens");
    connection.execute("create table orders (id text primary key)").await.expect("a table");
    connection.execute("insert into orders (id) values ('first')").await.expect("a row");
    let id: String = sqlx::query_scalar("select id from orders").fetch_one(&mut connection).await.expect("the row");
    assert_eq!(id, "first");
    connection.close().await.expect("closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_a_file_of_its_own() {
    let house = house().await;
    insta::assert_snapshot!(house.done("ada", "/db create orders").await, @"
    [good] Create a database – done
      /db create name=orders
      The database dev_orders is ready:
      sqlite:///data/platform/databases/dev_orders.db
      It is yours: /db drop orders dev when you need it no more.
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    let file = house.platform("databases/dev_orders.db");
    use_database(&format!("sqlite://{}", file.display())).await;
    insta::assert_snapshot!(house.done("ben", "/db create orders").await, @"
    [bad] Create a database – not done
      /db create name=orders
      The step create failed: There is a database dev_orders already. Hint: choose another name
      The team data was asked for help.
      Time: 0s
      [Try again from there] [Start over] [Tell them more]
      (Asked by ben · req_…)
    ");
    house.done("ben", "/db create events size=large").await;
    insta::assert_snapshot!(house.done("ada", "/db list").await, @"
    [good] Show the databases that there are – done
      /db list
      • dev_events: large, of ben
      • dev_orders: small, of ada
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_dropped_by_its_owner_who_is_sure() {
    let house = house().await;
    house.done("ada", "/db create orders").await;
    house.done("ben", "/db drop orders").await;
    insta::assert_snapshot!(house.sure("ben").await, @"
    [bad] Delete a database of yours, with everything in it – not done
      /db drop name=orders
      The step drop failed: dev_orders belongs to ada. Hint: only its owner can drop it
      The team data was asked for help.
      Time: 0s
      [Try again from there] [Start over] [Tell them more]
      (Asked by ben · req_…)
    ");
    assert!(house.platform("databases/dev_orders.db").is_file());
    insta::assert_snapshot!(house.done("ada", "/db drop orders").await, @"
    [waiting] Are you sure?
      Delete a database of yours, with everything in it
      /db drop name=orders
      [Yes, go ahead] [No]
      (Asked by ada)
    ");
    insta::assert_snapshot!(house.sure("ada").await, @"
    [good] Delete a database of yours, with everything in it – done
      /db drop name=orders
      The database dev_orders is gone.
      Time: 0s
      [Run it again]
      (Asked by ada)
    ");
    let left = fs::read_dir(house.platform("databases")).expect("a folder").count();
    assert_eq!(left, 0, "nothing is left of it");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_is_one_of_a_server_where_there_is_one() {
    let (house, server) = house_with_server().await;
    let name = format!("t{}", &uuid::Uuid::new_v4().simple().to_string()[..20]);
    let card = house.done("ada", &format!("/db create {name}")).await;
    let made = url::Url::parse(&server).and_then(|url| url.join(&format!("dev_{name}"))).expect("a URL").to_string();
    assert!(card.contains("– done") && card.contains(&made), "{card}");
    assert!(!card.contains("not-to-be-seen"), "{card}");
    use_database(&made).await;
    let other = house.done("ben", &format!("/db create {name}")).await;
    assert!(other.contains(&format!("There is a database dev_{name} already.")), "{other}");
    let list = house.done("ada", "/db list").await;
    assert!(list.contains(&format!("• dev_{name}: small, of ada")), "{list}");
    house.done("ada", &format!("/db drop {name}")).await;
    assert!(house.sure("ada").await.contains("is gone"));
    let list = house.done("ada", "/db list").await;
    assert!(!list.contains(&name), "{list}");
    house.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f5_making_a_database_again_finds_what_was_made() {
    let folder = tempfile::tempdir().expect("a folder");
    let server = std::env::var("STATIONMASTER_TEST_POSTGRES").expect("run the tests with tests/run");
    for place in [provision::Place::Folder(folder.path().to_owned()), provision::Place::Server(server)] {
        let id = uuid::Uuid::new_v4().simple().to_string();
        let (name, request) = (format!("dev_{id}"), format!("req_{id}"));
        let about = provision::About {
            owner: "ada".into(),
            owner_name: "Ada's; drop table".into(),
            request,
            size: provision::Size::Large,
        };
        let first = place.create(&name, &about).await.expect("made");
        assert_eq!(place.create(&name, &about).await.expect("found"), first);
        assert_eq!(place.about(&name).await.expect("read"), Some(about.clone()));
        let other = provision::About { request: format!("{}x", about.request), ..about.clone() };
        assert!(place.create(&name, &other).await.is_err(), "it is another request's");
        assert_eq!(place.list().await.expect("listed").iter().filter(|(found, _)| *found == name).count(), 1);
        place.remove(&name).await.expect("removed");
        place.remove(&name).await.expect("it is not there, which is no error");
        assert_eq!(place.about(&name).await.expect("read"), None);
        for wrong in ["", "1a", "a-b", "a;b", "A", "../a", &"a".repeat(64)] {
            assert!(place.create(wrong, &about).await.is_err(), "{wrong}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_production_database_waits_for_its_owners_approval() {
    let house = house().await;
    house.done("ada", "/db create orders prod large").await;
    insta::assert_snapshot!(house.sure("ada").await, @"
    [waiting] Create a database – waiting for approval
      /db create name=orders environment=prod size=large
      This needs the approval of the team data before it runs. Nothing has been started.
      Approved: 0 of 1
      Stands until: Wed 2 Dec, 09:00 UTC
      [Cancel]
      (Asked by ada)
    ");
    assert!(!house.platform("databases").exists());
}
