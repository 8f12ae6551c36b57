//! Files as Slack takes them: an address is asked for, bytes go there, and the upload is finished; then a block may show it.

use serde_json::{Value, json};

use super::method::{Given, Outcome, Refusal};
use super::workspace::{BOT_USER, Workspace};

/// The most characters of a file's description.
const DESCRIPTION: usize = 1000;
/// What a PNG begins with, and how it ends.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
const END: &[u8] = b"IEND\xaeB`\x82";

/// A file on its way, or there.
#[derive(Debug, Clone)]
pub struct File {
    pub id: String,
    pub name: String,
    /// How long it was said to be, in bytes.
    pub length: usize,
    /// Where its bytes go.
    pub path: String,
    pub bytes: Option<Vec<u8>>,
    /// Whether its upload was finished.
    pub is_complete: bool,
    /// How often a block that shows it is refused, since Slack still works on it.
    pub settling: usize,
}

/// `files.getUploadURLExternal`
pub fn get_upload_url(workspace: &mut Workspace, given: &Given) -> Outcome {
    let name = given.needed("filename")?.to_owned();
    let length = given.text("length").and_then(|length| length.parse::<usize>().ok()).filter(|length| *length > 0);
    let length = length.ok_or_else(|| Refusal::new("missing_argument"))?;
    if given.text("alt_txt").is_some_and(|alt| alt.chars().count() > DESCRIPTION) {
        return Err(Refusal::new("alt_txt_too_large"));
    }
    let (id, path) = (format!("F{:09X}", workspace.next()), format!("/upload/v1/{:032x}", rand::random::<u128>()));
    let (upload_url, settling) = (format!("http://{}{path}", workspace.host), workspace.settling);
    let told = json!({ "upload_url": upload_url, "file_id": id });
    workspace.files.push(File { id, name, length, path, bytes: None, is_complete: false, settling });
    Ok(told)
}

/// What comes at the address of a file; gives the status and what is answered.
pub fn take(workspace: &mut Workspace, path: &str, (token, bytes): (&str, Vec<u8>)) -> (u16, String) {
    let Some(file) = workspace.files.iter_mut().find(|file| file.path == path) else {
        return (404, "no such upload".into());
    };
    let wrong = match (&file.bytes, bytes.len() == file.length) {
        _ if !token.is_empty() => Some("a token was shown where none is wanted".to_owned()),
        (Some(_), _) => Some("a file was sent twice".to_owned()),
        (None, false) => Some(format!("{} bytes came instead of {}", bytes.len(), file.length)),
        (None, true) => None,
    };
    if let Some(wrong) = wrong {
        workspace.breach(format!("upload: {wrong}"));
        return (400, wrong);
    }
    file.bytes = Some(bytes);
    (200, format!("OK - {}", file.length))
}

/// `files.completeUploadExternal`
pub fn complete(workspace: &mut Workspace, given: &Given) -> Outcome {
    let wanted = given.structure("files")?;
    let ids: Vec<&str> = wanted.as_array().into_iter().flatten().filter_map(|file| file["id"].as_str()).collect();
    if ids.is_empty() {
        return Err(Refusal::because("invalid_arguments", &["missing required field: files".into()]));
    }
    if ["channel_id", "channels", "initial_comment"].iter().any(|name| given.text(name).is_some()) {
        workspace.breach("files.completeUploadExternal: the file would be a message of its own");
    }
    for id in &ids {
        let is_there = |file: &&mut File| file.id == *id && file.bytes.is_some() && !file.is_complete;
        match workspace.files.iter_mut().find(is_there) {
            Some(file) => file.is_complete = true,
            None => {
                workspace.breach(format!("files.completeUploadExternal: {id} cannot be finished"));
                return Err(Refusal::new("file_not_found"));
            }
        }
    }
    let told = |id: &&str| json!({ "id": id, "user": BOT_USER, "is_public": false });
    Ok(json!({ "files": ids.iter().map(told).collect::<Vec<Value>>() }))
}

/// Refuses blocks that show a file which cannot be shown. `is_own`: they come with the token that uploaded it.
pub fn look(workspace: &mut Workspace, blocks: &Value, is_own: bool) -> Result<(), Refusal> {
    for (at, block) in blocks.as_array().into_iter().flatten().enumerate() {
        let Some(id) = block["slack_file"]["id"].as_str() else { continue };
        let file = workspace.files.iter_mut().find(|file| file.id == id && file.is_complete && is_own);
        let is_shown = match file {
            Some(file) if file.settling > 0 => {
                file.settling -= 1;
                false
            }
            Some(file) => is_png(file.bytes.as_deref().unwrap_or_default()),
            None => false,
        };
        if !is_shown {
            let message = format!("invalid slack file [json-pointer:/blocks/{at}/slack_file]");
            return Err(Refusal::because("invalid_blocks", &[message]));
        }
    }
    Ok(())
}

/// Whether bytes are a PNG with a width and a height.
pub fn is_png(bytes: &[u8]) -> bool {
    let size = |at: usize| bytes.get(at..at + 4).is_some_and(|size| (1..=20_000).contains(&number(size)));
    bytes.starts_with(PNG) && size(16) && size(20) && bytes.ends_with(END)
}

fn number(bytes: &[u8]) -> u32 {
    bytes.iter().fold(0, |number, byte| number << 8 | u32::from(*byte))
}
