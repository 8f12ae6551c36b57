//! Files that come with a call: a body of several parts as Discord reads it, and what it refuses of attachments.

use serde_json::{Value, json};

use super::world::State;
use crate::slack::is_png;

/// The most bytes of a file for an application in a server without boosts.
const FILE: usize = 10 << 20;

/// A file as it came.
#[derive(Debug, Clone)]
pub struct Sent {
    /// The `n` of `files[n]`.
    pub index: String,
    pub name: String,
    pub kind: String,
    pub bytes: Vec<u8>,
}

/// The JSON and the files of a `multipart/form-data` body; nothing if it is none.
pub fn read(content_type: &str, body: &[u8]) -> Option<(Value, Vec<Sent>)> {
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?.trim_matches('"');
    let (opening, between) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}"));
    let mut rest = body.strip_prefix(opening.as_bytes())?;
    let (mut json, mut files) = (None, Vec::new());
    loop {
        let end = find(rest, between.as_bytes())?;
        part(&rest[..end], (&mut json, &mut files))?;
        match &rest[end + between.len()..] {
            b"--" | b"--\r\n" => return Some((json?, files)),
            next => rest = next.strip_prefix(b"\r\n")?,
        }
    }
}

fn part(bytes: &[u8], (json, files): (&mut Option<Value>, &mut Vec<Sent>)) -> Option<()> {
    let end = find(bytes, b"\r\n\r\n")?;
    let (head, content) = (std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 4..]);
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    };
    let disposition = header("content-disposition")?.strip_prefix("form-data; ")?;
    let given = |key: &str| {
        let mut pairs = disposition.split("; ").filter_map(|pair| pair.split_once('='));
        pairs.find(|(known, _)| *known == key).map(|(_, value)| value.trim_matches('"').to_owned())
    };
    let name = given("name")?;
    match name.strip_prefix("files[").and_then(|name| name.strip_suffix(']')) {
        None if name == "payload_json" && json.is_none() => *json = Some(serde_json::from_slice(content).ok()?),
        None => return None,
        Some(index) => files.push(Sent {
            index: index.into(),
            name: given("filename")?,
            kind: header("content-type")?.into(),
            bytes: content.into(),
        }),
    }
    Some(())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

/// The attachments of a message after a call with this body, or what is wrong with it. `had`: those before.
pub fn after(state: &mut State, had: &[Value], body: &Value) -> Result<Vec<Value>, Vec<(String, String)>> {
    let files = std::mem::take(&mut state.files);
    let mut wrong = Vec::new();
    let Some(wanted) = body["attachments"].as_array() else {
        wrong.extend(files.iter().map(|file| ("attachments".into(), format!("{} is not said to be there", file.name))));
        wrong.extend(stray_images(body, had));
        return if wrong.is_empty() { Ok(had.to_vec()) } else { Err(wrong) };
    };
    let mut there = Vec::new();
    for attachment in wanted {
        let id = attachment["id"].as_str().unwrap_or_default();
        let kept = had.iter().find(|known| known["id"] == id);
        match (files.iter().find(|file| file.index == id), kept) {
            (Some(file), _) => match problem(file, attachment) {
                None => there.push(attached(state, file, attachment)),
                Some(why) => wrong.push(("attachments".into(), why)),
            },
            (None, Some(known)) => there.push(known.clone()),
            (None, None) => wrong.push(("attachments".into(), format!("there is no file {id}"))),
        }
    }
    let said = |file: &&Sent| !wanted.iter().any(|attachment| attachment["id"] == file.index.as_str());
    wrong.extend(
        files.iter().filter(said).map(|file| ("files".into(), format!("{} is not said to be there", file.name))),
    );
    wrong.extend(stray_images(body, &there));
    if wrong.is_empty() { Ok(there) } else { Err(wrong) }
}

/// What Discord refuses of a file, and what this house promises: a picture is a picture, and says what it shows.
fn problem(file: &Sent, attachment: &Value) -> Option<String> {
    let is_named = attachment["filename"].is_null() || attachment["filename"] == file.name.as_str();
    let is_described = attachment["description"].as_str().is_some_and(|words| !words.trim().is_empty());
    let checks = [
        (file.bytes.is_empty() || file.bytes.len() > FILE, "has no bytes or too many"),
        (!is_named, "has two names"),
        (!is_described, "says nothing to who cannot see it"),
        (
            file.kind != "image/png" || !file.name.ends_with(".png") || !is_png(&file.bytes),
            "is not the PNG it is said to be",
        ),
    ];
    checks.iter().find(|(wrong, _)| *wrong).map(|(_, why)| format!("{} {why}", file.name))
}

fn attached(state: &mut State, file: &Sent, attachment: &Value) -> Value {
    let id = state.new_id();
    json!({ "id": id, "filename": file.name, "description": attachment["description"], "size": file.bytes.len(),
            "content_type": file.kind, "url": format!("https://cdn.discordapp.com/attachments/1/{id}/{}", file.name),
            "proxy_url": format!("https://media.discordapp.net/attachments/1/{id}/{}", file.name) })
}

/// Pictures of embeds that are no attachment of the message, and attachments that no embed shows.
fn stray_images(body: &Value, there: &[Value]) -> Vec<(String, String)> {
    let Some(embeds) = body["embeds"].as_array() else { return Vec::new() };
    let shown: Vec<&str> = embeds.iter().filter_map(|embed| embed["image"]["url"].as_str()).collect();
    let is_there = |url: &&&str| {
        there.iter().any(|known| format!("attachment://{}", known["filename"].as_str().unwrap_or_default()) == **url)
    };
    let is_shown = |known: &&Value| {
        shown.contains(&format!("attachment://{}", known["filename"].as_str().unwrap_or_default()).as_str())
    };
    let missing = shown.iter().filter(|url| !is_there(url)).map(|url| ("embeds".into(), format!("{url} is not there")));
    let loose = there.iter().filter(|known| !is_shown(known));
    missing
        .chain(loose.map(|known| ("attachments".into(), format!("{} stands beside its embed", known["filename"]))))
        .collect()
}

#[test]
fn parts_are_read_as_they_were_sent() {
    let body = "--b\r\nContent-Disposition: form-data; name=\"files[0]\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n\
                x\r\n\r\ny\r\n--b\r\nContent-Disposition: form-data; name=\"payload_json\"\r\n\r\n{\"a\": 1}\r\n--b--\r\n";
    let (json, files) = read("multipart/form-data; boundary=b", body.as_bytes()).expect("parts");
    assert_eq!(
        (json, files[0].name.as_str(), files[0].bytes.as_slice()),
        (json!({ "a": 1 }), "a.png", b"x\r\n\r\ny".as_slice())
    );
    assert!(read("multipart/form-data; boundary=c", body.as_bytes()).is_none());
    assert!(read("multipart/form-data; boundary=b", body.replace("payload_json", "payload").as_bytes()).is_none());
}

#[test]
fn attachments_that_discord_refuses() {
    let png = [b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01".as_slice(), b"IEND\xaeB`\x82"].concat();
    let file =
        |bytes: &[u8]| Sent { index: "0".into(), name: "a.png".into(), kind: "image/png".into(), bytes: bytes.into() };
    let body = |attachment: Value| json!({ "embeds": [{ "image": { "url": "attachment://a.png" } }], "attachments": [attachment] });
    let right = json!({ "id": "0", "filename": "a.png", "description": "d" });
    let mut state = State::default();
    let mut put = |files: Vec<Sent>, body: &Value| {
        state.files = files;
        after(&mut state, &[json!({ "id": "7", "filename": "a.png" })], body)
            .map(|there| there.len())
            .map_err(|wrong| wrong.len())
    };
    assert_eq!(put(vec![file(&png)], &body(right.clone())), Ok(1));
    assert_eq!(put(vec![], &body(json!({ "id": "7" }))), Ok(1), "it is kept");
    assert_eq!(put(vec![], &json!({ "attachments": [] })), Ok(0));
    assert_eq!(put(vec![], &json!({})), Ok(1), "what is not said stays");
    for (files, body) in [
        (vec![], body(right.clone())),
        (vec![], body(json!({ "id": "8" }))),
        (vec![file(b"GIF89a")], body(right.clone())),
        (vec![file(&png)], body(json!({ "id": "0", "filename": "b.png", "description": "d" }))),
        (vec![file(&png)], body(json!({ "id": "0", "filename": "a.png" }))),
        (vec![file(&png)], json!({ "embeds": [{ "title": "t" }], "attachments": [right] })),
        (vec![file(&png)], json!({ "embeds": [{ "title": "t" }] })),
        (vec![], json!({ "embeds": [{ "image": { "url": "attachment://b.png" } }] })),
    ] {
        assert!(put(files, &body).is_err(), "this is taken: {body}");
    }
}
