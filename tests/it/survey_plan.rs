//! `stationmaster survey plan`, as it is typed.

use std::collections::BTreeSet;
use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

/// How it ended, and what it said on standard output and standard error.
fn run(args: &[&str], table: &str) -> (Option<i32>, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stationmaster"));
    command.args(["survey", "plan"]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it runs");
    // One that refuses its arguments does not read.
    child.stdin.take().expect("its input").write_all(table.as_bytes()).ok();
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
    (output.status.code(), text(output.stdout), text(output.stderr))
}

fn plan(args: &[&str], table: &str) -> Value {
    let (status, said, errors) = run(args, table);
    assert_eq!((status, errors.as_str()), (Some(0), ""), "{table}");
    serde_json::from_str(&said).expect("JSON")
}

/// Which groups are published, everyone first.
fn published(plan: &Value) -> Vec<&str> {
    let is_published = |line: &Value| line["published"] == json!(true);
    let everyone = is_published(&plan["everyone"]).then_some("everyone");
    let groups = plan["groups"].as_array().expect("groups").iter().filter(|group| is_published(group));
    everyone.into_iter().chain(groups.map(|group| group["group"].as_str().expect("a name"))).collect()
}

fn group<'a>(plan: &'a Value, name: &str) -> &'a Value {
    let groups = plan["groups"].as_array().expect("groups");
    groups.iter().find(|group| group["group"] == name).expect("the group")
}

/// All numbers of a plan.
fn numbers(plan: &Value) -> BTreeSet<u64> {
    match plan {
        Value::Array(values) => values.iter().flat_map(numbers).collect(),
        Value::Object(values) => values.values().flat_map(numbers).collect(),
        value => value.as_u64().into_iter().collect(),
    }
}

#[test]
fn a_small_group_takes_another_with_it() {
    let plan = plan(&[], "group,asked,answered\nplatform,12,9\ninfra,6,3\ndata,8,7\n");
    assert_eq!(published(&plan), ["everyone", "platform"]);
    assert_eq!(plan["k"], 5);
    assert_eq!(plan["everyone"]["answered"], 19);
    assert_eq!(group(&plan, "platform")["asked"], 12);
    assert_eq!(group(&plan, "platform")["dimension"], "group");
    assert_eq!(group(&plan, "infra")["reason"], "fewer than 5 answered");
    let reason = "beside everyone and platform, it would tell fewer than 5 people apart, whose answers could then be \
                  found by subtraction";
    assert_eq!(group(&plan, "data")["reason"], reason);
}

#[test]
fn the_count_of_a_hidden_group_is_nowhere() {
    let (_, said, _) = run(&[], "team,asked,answered\nash,67,53\nbirch,41,3\ncedar,37,29\n");
    let plan: Value = serde_json::from_str(&said).expect("JSON");
    for hidden in plan["groups"].as_array().expect("groups").iter().filter(|group| group["published"] == json!(false)) {
        let keys: BTreeSet<&str> = hidden.as_object().expect("an object").keys().map(String::as_str).collect();
        assert_eq!(keys, BTreeSet::from(["dimension", "group", "published", "reason"]));
    }
    assert_eq!(numbers(&plan), BTreeSet::from([5, 53, 67, 85, 145]));
    assert!(!said.contains("41") && !said.contains("37") && !said.contains("29"), "{said}");
}

#[test]
fn dimensions_are_planned_together() {
    let nested = "team,region,asked,answered\nash,north,9,8\nbirch,north,7,6\ncedar,south,9,5\n,south,4,4\n";
    let said = plan(&[], nested);
    assert_eq!(published(&said), ["everyone", "ash", "birch", "north", "south"], "four in the south are in no team");
    assert_eq!(
        group(&said, "cedar")["reason"].as_str().map(|reason| reason.starts_with("beside south (region), ")),
        Some(true)
    );
    assert_eq!(group(&said, "north")["answered"], 14);
    let crossing = "team,role,asked,answered\nash,lead,1,1\nash,developer,9,8\nbirch,lead,1,1\nbirch,developer,8,8\n";
    assert_eq!(published(&plan(&[], crossing)), ["everyone", "ash", "birch"], "the lead of ash is one person");
}

#[test]
fn k_is_what_it_is_asked_to_be() {
    let table = "group,asked,answered\nash,4,3\nbirch,9,4\n";
    assert_eq!(published(&plan(&["--k", "3"], table)), ["everyone", "ash", "birch"]);
    assert_eq!(published(&plan(&["--k", "4"], table)), ["everyone"]);
    assert_eq!(published(&plan(&["--k", "8"], table)), Vec::<&str>::new());
    for k in ["2", "0", "-1", "five"] {
        let (status, said, errors) = run(&[&format!("--k={k}")], table);
        assert_eq!((status, said.as_str()), (Some(2), ""), "{errors}");
    }
}

#[test]
fn asked_may_be_left_out() {
    let plan = plan(&[], "group,answered\nash,6\nbirch,5\n");
    assert_eq!(plan["asked_is_answered"], true);
    assert_eq!((published(&plan), &group(&plan, "birch")["asked"]), (vec!["everyone", "ash", "birch"], &json!(5)));
}

#[test]
fn tables_come_from_all_kinds_of_programs() {
    let plain = plan(&[], "group,asked,answered\nash,6,6\n\"oak, old\",7,7\n");
    assert_eq!(published(&plain), ["everyone", "ash", "oak, old"]);
    for table in [
        "\u{feff}group,asked,answered\r\nash,6,6\r\n\"oak, old\",7,7\r\n",
        "Answered, group ,ASKED\n 6 , ash , 6\n7,\"oak, old\",7",
    ] {
        let mut said = plan(&[], table);
        for group in said["groups"].as_array_mut().expect("groups") {
            group["dimension"] = json!("group");
        }
        assert_eq!(said, plain, "{table:?}");
    }
}

#[test]
fn a_wrong_table_is_refused_with_its_line_and_what_to_do() {
    for (table, message) in [
        ("", "There is no table"),
        ("group,asked,answered\n", "The table has no line but"),
        ("group,asked\nash,5\n", "line 1: no column is called `answered`"),
        ("asked,answered\n5,5\n", "line 1: no column says which group"),
        ("group,group,answered\na,b,5\n", "line 1: column 2 is called `group`"),
        ("group,asked,answered\nash,5\n", "line 2: there are 2 fields, and 3 columns"),
        ("group,asked,answered\nash,5,6\n", "line 2: 6 answered, but only 5 were asked"),
        ("group,answered\n\nash,6.5\n", "line 3: `6.5` is no count"),
        ("group,answered\nash,-1\n", "line 2: `-1` is no count"),
        ("group,answered\nash,99999999999\n", "line 2: `99999999999` is no count"),
        ("group,answered\nash,4294967295\nbirch,1\n", "line 3: with it there are more than"),
        ("group,answered\nash,7\nash,7\n", "line 3: the same groups are counted in line 2"),
        ("group,answered\nash,7\nTotal,7\n", "line 3: this counts people again"),
        ("group,answered\n,7\n", "line 2: the group has no name"),
        ("group,answered\n\"ash,7\n", "line 2: a quotation mark is opened"),
    ] {
        let (status, said, errors) = run(&[], table);
        assert_eq!((status, said.as_str()), (Some(2), ""), "{table:?}");
        assert!(errors.starts_with(message) && errors.contains("\nhint: "), "{table:?}: {errors}");
    }
}
