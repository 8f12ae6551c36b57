//! The `process` runner with real programs, most of them bad ones.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use stationmaster::runner::{Attempt, Outcome, Progress, Runner, Status};
use tokio::sync::mpsc::UnboundedReceiver;

use super::{Bench, START, attempt, failed, is_refused, runner, told};

/// Runs a shell script as the program; the shell is the program's, not ours.
async fn script(bench: &Bench, text: &str, keys: &str, attempt: &Attempt) -> Outcome {
    bench.program("bin/it", &format!("#!/bin/sh\n{text}\n"));
    run(bench, &format!("program = 'bin/it'\n{keys}"), attempt).await
}

async fn run(bench: &Bench, keys: &str, attempt: &Attempt) -> Outcome {
    Runner::Process(runner(keys)).run(&bench.tools, attempt).await.expect("an outcome")
}

fn logs(listener: &mut UnboundedReceiver<Progress>) -> Vec<String> {
    told(listener).into_iter().filter_map(|progress| progress.log).collect()
}

/// Whether a process is there and not just waiting to be collected.
fn is_alive(pid: &str) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
    stat.rsplit(')').next().is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
}

/// Waits until a killed process has left; the system needs a moment.
async fn leaves(pid: &str) {
    let began = Instant::now();
    while is_alive(pid) {
        assert!(began.elapsed() < Duration::from_secs(5), "process {pid} outlived its group");
        tokio::task::yield_now().await;
    }
}

/// An attempt that may take this long by the machine's clock.
fn short(millis: i64) -> (Attempt, UnboundedReceiver<Progress>) {
    let (attempt, listener) = attempt(json!({}));
    (Attempt { deadline: START + millis, ..attempt }, listener)
}

#[tokio::test]
async fn c4_every_argument_reaches_the_program_as_one() {
    let bench = Bench::new();
    let hostile =
        ["-rf", "--help", "; rm -rf /", "$(touch pwned)", "`id`", "a\nb", "*", "", "a b", "'\"\\", "größe", "&& x |"];
    for value in hostile {
        let (attempt, _) = attempt(json!({"v": value}));
        let outcome =
            script(&bench, "printf '%s\\0' \"$#\" \"$@\" > args", "args = ['--', '{{v}}', 'x={{v}}']", &attempt).await;
        assert_eq!(outcome.status, Status::Done, "{value:?}: {outcome:?}");
        assert_eq!(bench.read("args"), format!("3\0--\0{value}\0x={value}\0"));
    }
    assert!(!bench.tools.data.join("pwned").exists());
}

#[tokio::test]
async fn c4_what_no_program_can_be_given_is_refused() {
    let bench = Bench::new();
    let (attempt, _) = attempt(json!({"nul": "a\0b", "long": "x".repeat(1 << 20)}));
    for keys in ["args = ['{{nul}}']", "env = { A = '{{nul}}' }", "args = ['{{long}}']", "directory = '{{nul}}'"] {
        let outcome = script(&bench, "touch ran", keys, &attempt).await;
        assert!(is_refused(&outcome), "{keys}: {outcome:?}");
    }
    assert!(!bench.tools.data.join("ran").exists());
    let long = script(&bench, "wc -c", "input = { v = '{{long}}' }", &attempt).await;
    assert_eq!(long.status, Status::Done, "the input has no such limit");
}

#[tokio::test]
async fn a_program_that_is_not_there_is_told_and_nothing_has_happened() {
    let bench = Bench::new();
    std::fs::write(bench.tools.commands.join("text"), "no program").expect("written");
    bench.program("broken", "#!/no/such/interpreter\n");
    let (attempt, _) = attempt(json!({}));
    for program in ["no-such-program", "bin/none", "./text", "/nowhere/at/all", "./broken"] {
        let keys = format!("program = '{program}'");
        let outcome = run(&bench, &keys, &attempt).await;
        assert!(is_refused(&outcome), "{program}: {outcome:?}");
        let seen = Runner::Process(runner(&keys)).inspect(&bench.tools).mistakes;
        assert_eq!(seen.is_empty(), program == "./broken", "{program}: {seen:?}");
    }
    assert_eq!(run(&bench, "program = 'true'", &attempt).await.status, Status::Done);
}

#[tokio::test]
async fn a_program_sees_its_input_and_nothing_of_our_environment() {
    let bench = Bench::new();
    let values =
        json!({"name": "orders", "steps": {"one": {"id": 7}}, "env": {"API": "x"}, "secret": {"KEY": "hunter22"}});
    let (attempt, _) = attempt(values);
    let text = "env | cut -d= -f1 | sort | tr '\\n' ' ' > names; echo \"$TOKEN\" > token; cat > input; pwd > place";
    let keys = "env = { TOKEN = '{{secret.KEY}}' }\ndirectory = 'work/{{name}}'";
    let outcome = script(&bench, text, keys, &attempt).await;
    assert_eq!(outcome.status, Status::Done, "{outcome:?}");
    let names = bench.read("work/orders/names");
    let ours = |name: &&str| {
        !["HOME", "LANG", "PATH", "IDEMPOTENCY_KEY", "STATIONMASTER_URL", "TOKEN", "PWD", "SHLVL", "_"].contains(name)
    };
    assert_eq!(names.split_whitespace().find(ours), None, "{names}");
    assert_eq!(bench.read("work/orders/token"), "hunter22\n");
    let input: Value = serde_json::from_str(&bench.read("work/orders/input")).expect("JSON");
    assert_eq!(input, json!({"name": "orders", "steps": {"one": {"id": 7}}}));
    for up in ["..", "/tmp", "a/../../b", ".hidden", "a//b"] {
        let outcome = script(&bench, "true", &format!("directory = '{up}'"), &attempt).await;
        assert!(is_refused(&outcome), "{up}");
    }
}

#[tokio::test]
async fn d4_json_lines_mean_something_and_all_else_is_log() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    let text = r#"
        echo '{"progress": 40, "label": "half \u001b[31mway\u001b[0m"}'
        echo '{"progress": 20}'
        echo '{"output": {"id": 7}, "link": "https://a.example/7"}'
        echo '{"output": {"name": "x"}}'
        echo '{"link": "javascript:alert(1)"}'
        echo '{"log": "said"}'
        echo '{"progress": "many"}'
        echo '{"progress": 1e999}'
        echo '{"broken": '
        echo '{"level": "info", "msg": "a log of its own"}'
        printf '\377\376 bytes\n'
        printf 'no end'
    "#;
    let outcome = script(&bench, text, "outputs = ['id', 'name']", &attempt).await;
    assert_eq!(outcome.status, Status::Done, "{outcome:?}");
    assert_eq!(Value::Object(outcome.outputs), json!({"id": 7, "name": "x"}));
    assert_eq!(outcome.link.as_deref(), Some("https://a.example/7"));
    let told = told(&mut listener);
    let percents: Vec<_> = told.iter().filter_map(|progress| progress.percent).collect();
    assert_eq!(percents, [40, 40, 40], "the bar never goes back");
    assert_eq!(told[0].label, "half way");
    let logs: Vec<_> = told.iter().filter_map(|progress| progress.log.as_deref()).collect();
    assert_eq!(
        logs,
        [
            "said",
            "{\"progress\": \"many\"}",
            "{\"progress\": 1e999}",
            "{\"broken\":",
            "{\"level\": \"info\", \"msg\": \"a log of its own\"}",
            "\u{fffd}\u{fffd} bytes",
            "no end",
        ]
    );
}

#[tokio::test]
async fn d4_a_flood_keeps_head_and_tail_and_the_result() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    let text = "echo first; yes 'a line as long as programs write them, which is about this long' | head -c 50000000; echo; \
                yes 'one more of these, for the other stream' | head -c 50000000 >&2; \
                head -c 5000000 /dev/zero | tr '\\0' x; echo; echo '{\"output\": {\"id\": 7}}'; echo last";
    let outcome = script(&bench, text, "limits = { output = '64KiB' }", &attempt).await;
    assert_eq!((outcome.status, outcome.outputs.get("id")), (Status::Done, Some(&json!(7))));
    let logs = logs(&mut listener);
    assert!(logs.iter().any(|line| line == "first") && logs.iter().any(|line| line == "last"));
    assert!(logs.iter().any(|line| line.ends_with("bytes left out …")));
    let kept: usize = logs.iter().map(String::len).sum();
    assert!(kept < 3 * 64 * 1024, "{kept} bytes kept");
}

#[tokio::test]
async fn d4_a_flood_of_news_is_bounded_too() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    let text = "yes '{\"progress\": 5, \"label\": \"and so on\"}' | head -n 200000";
    assert_eq!(script(&bench, text, "limits = { output = '64KiB' }", &attempt).await.status, Status::Done);
    assert!(told(&mut listener).len() < 3000);
    let text = "i=0; while [ $i -lt 3000 ]; do echo \"{\\\"output\\\": {\\\"key$i\\\": \\\"0123456789012345678901234567890123456789\\\"}}\"; i=$((i+1)); done";
    let outcome = script(&bench, text, "limits = { output = '64KiB' }", &attempt).await;
    assert_eq!(outcome.summary, "its outputs are larger than 64KiB");
    assert!(outcome.outputs.len() < 1500);
}

#[tokio::test]
async fn d4_the_end_is_told_apart() {
    let bench = Bench::new();
    let (attempt, _) = attempt(json!({}));
    for (text, status, summary) in [
        ("echo no >&2; echo '  ' >&2; exit 3", failed(false, false), "it ended with status 3: no"),
        ("echo '{\"error\": \"no such size\"}'; echo noise >&2; exit 1", failed(false, false), "no such size"),
        ("echo '{\"declined\": \"orders is taken\"}'; exit 1", Status::Declined, "orders is taken"),
        ("echo only this; exit 4", failed(false, false), "it ended with status 4: only this"),
        ("exit 75", failed(true, false), "it ended with status 75"),
        ("exec >&- 2>&- <&-; exit 5", failed(false, false), "it ended with status 5"),
        ("kill -9 $$", failed(false, false), "it was killed by SIGKILL (perhaps for lack of memory)"),
        ("kill -15 $$", failed(false, false), "it was killed by SIGTERM"),
        ("echo hunter22 >&2; exit 1", failed(false, false), "it ended with status 1: ••••••"),
        ("exit 0", failed(false, false), "it ended well, but without the output `id`"),
    ] {
        let outcome = script(&bench, text, "outputs = ['id']", &attempt).await;
        assert_eq!((outcome.status, outcome.summary.as_str()), (status, summary), "{text}");
    }
}

#[tokio::test]
async fn d4_a_program_that_ignores_the_end_of_its_time_is_killed_with_its_group() {
    let bench = Bench::new();
    let (attempt, _) = short(500);
    let text = "trap '' TERM; sleep 300 & echo $! > child; echo $$ > parent; echo almost; while :; do sleep 1; done";
    let began = Instant::now();
    let outcome = script(&bench, text, "", &attempt).await;
    assert_eq!(outcome.summary, "it was not done in time, and was ended: almost");
    assert_eq!(outcome.status, failed(false, false));
    assert!(began.elapsed() < Duration::from_secs(10));
    leaves(&bench.read("child")).await;
    leaves(&bench.read("parent")).await;
}

#[tokio::test]
async fn d4_a_program_may_clean_up_when_its_time_is_over() {
    let bench = Bench::new();
    let (attempt, _) = short(500);
    let text = "trap 'echo clean > left; exit 0' TERM; sleep 300 & wait";
    let began = Instant::now();
    assert_eq!(script(&bench, text, "", &attempt).await.status, failed(false, false));
    assert!(began.elapsed() < Duration::from_secs(2), "no need to wait for the whole grace");
    assert_eq!(bench.read("left"), "clean\n");
}

#[tokio::test]
async fn d4_children_that_hold_the_pipes_end_with_the_program() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    let began = Instant::now();
    let outcome =
        script(&bench, "(trap '' HUP TERM; sleep 300) & echo $! > child; echo said; exit 0", "", &attempt).await;
    assert_eq!(outcome.status, Status::Done);
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(logs(&mut listener), ["said"]);
    leaves(&bench.read("child")).await;
}

#[tokio::test]
async fn d4_a_child_that_leaves_the_group_does_not_hold_us() {
    let bench = Bench::new();
    let (attempt, _) = attempt(json!({}));
    let began = Instant::now();
    let outcome = script(&bench, "setsid sleep 20 & echo said; exit 0", "", &attempt).await;
    assert_eq!(outcome.status, Status::Done);
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_cancelled_program_ends_with_its_group() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    let cancel = attempt.cancel.clone();
    let stop = async {
        while listener.recv().await.is_some_and(|progress| progress.log.as_deref() != Some("ready")) {}
        cancel.cancel();
    };
    let text = "sleep 300 & echo $! > child; echo '{\"output\": {\"id\": 7}}'; echo ready; wait";
    let (outcome, ()) = tokio::join!(script(&bench, text, "", &attempt), stop);
    assert_eq!((outcome.status, outcome.summary.as_str()), (failed(false, false), "it was stopped: ready"));
    assert_eq!(outcome.outputs.get("id"), Some(&json!(7)));
    leaves(&bench.read("child")).await;
}

#[tokio::test]
async fn a_dropped_run_leaves_nothing_behind() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    tokio::select! {
        outcome = script(&bench, "sleep 300 & echo $! > child; echo ready; wait", "", &attempt) => panic!("{outcome:?}"),
        _ = listener.recv() => {}
    }
    leaves(&bench.read("child")).await;
}

#[tokio::test]
async fn d4_a_program_gets_no_more_memory_than_its_limit() {
    let bench = Bench::new();
    let (attempt, _) = attempt(json!({}));
    let text = "head -c 300000000 /dev/zero | tail -c 250000000 | wc -c > size; exit 0";
    let outcome = script(&bench, text, "limits = { memory = '100MiB' }", &attempt).await;
    assert_eq!(outcome.status, Status::Done);
    assert_ne!(bench.read("size").trim(), "250000000", "the children have the limit too");
    script(&bench, text, "", &attempt).await;
    assert_eq!(bench.read("size").trim(), "250000000");
}

#[tokio::test]
async fn c9_secrets_in_the_log_are_masked() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    let text = r#"echo a hunter22 b; echo hunter22 >&2; echo '{"label": "with hunter22", "log": "hunter22"}'"#;
    script(&bench, text, "", &attempt).await;
    let told = told(&mut listener);
    assert_eq!(told.len(), 4);
    assert!(told.iter().all(|progress| !format!("{progress:?}").contains("hunter22")));
}

#[tokio::test]
async fn f26_the_log_has_no_colours_and_no_control_characters() {
    let bench = Bench::new();
    let (attempt, mut listener) = attempt(json!({}));
    script(&bench, r"printf '\033[31mred\033[0m\ttab\rback\007\n'", "", &attempt).await;
    assert_eq!(logs(&mut listener), ["red tab back"]);
}

#[test]
fn the_plan_shows_each_argument_apart() {
    let process = Runner::Process(runner("program = 'bin/it'\nargs = ['--', '{{v}}', '{{secret}}']"));
    let values = json!({"v": "a b; \"c\"", "secret": "hunter22"});
    let line = process.plan(&values, &attempt(Value::Null).0.mask).expect("a line");
    assert_eq!(line, r#"run bin/it "--" "a b; \"c\"" "••••••""#);
}
