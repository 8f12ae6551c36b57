//! Slack's Block Kit as HTML, as far as the Slack adapter uses it.

use serde_json::Value;

use crate::chat::web::html::{write_image, write_link, write_text};

/// The HTML of a message: its blocks, or where there is none its text. `picture` is where its picture is.
pub fn draw(message: &Value, picture: &str) -> String {
    let mut out = String::new();
    let blocks = list(&message["blocks"]);
    if blocks.is_empty() {
        let text = unescape(text_of(message));
        write_element(&mut out, ("p", "sl-run"), |out| write_lines(out, &text));
    }
    for block in blocks {
        match block["type"].as_str() {
            Some("image") => write_image(&mut out, (block["alt_text"].as_str().unwrap_or_default(), picture)),
            _ => draw_block(&mut out, block),
        }
    }
    out
}

/// A text as Slack shows it, of which `&`, `<` and `>` were escaped.
pub fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn text_of(value: &Value) -> &str {
    value["text"].as_str().unwrap_or_default()
}

fn draw_block(out: &mut String, block: &Value) {
    match block["type"].as_str().unwrap_or_default() {
        "header" => write_element(out, ("p", "sl-header"), |out| write_lines(out, text_of(&block["text"]))),
        "section" => write_element(out, ("div", "sl-section"), |out| {
            write_lines(out, text_of(&block["text"]));
            for field in list(&block["fields"]) {
                write_element(out, ("p", "sl-field"), |out| write_lines(out, text_of(field)));
            }
        }),
        "rich_text" => write_element(out, ("div", "sl-rich"), |out| {
            list(&block["elements"]).iter().for_each(|element| draw_rich(out, element));
        }),
        "context" => write_element(out, ("div", "sl-context"), |out| {
            for element in list(&block["elements"]) {
                write_element(out, ("p", "sl-note"), |out| write_lines(out, text_of(element)));
            }
        }),
        "actions" => write_element(out, ("div", "sl-actions"), |out| {
            list(&block["elements"]).iter().for_each(|element| draw_control(out, element));
        }),
        "divider" => out.push_str("<hr>"),
        other => write_element(out, ("p", "sl-note"), |out| write_text(out, other)),
    }
}

fn draw_control(out: &mut String, element: &Value) {
    let style = match element["style"].as_str() {
        Some("primary") => "sl-button sl-primary",
        Some("danger") => "sl-button sl-danger",
        _ => "sl-button",
    };
    match element["type"].as_str() {
        Some("button") => write_element(out, ("span", style), |out| write_text(out, text_of(&element["text"]))),
        _ => write_element(out, ("span", "sl-select"), |out| write_text(out, text_of(&element["placeholder"]))),
    }
}

fn draw_rich(out: &mut String, element: &Value) {
    let runs = |out: &mut String| list(&element["elements"]).iter().for_each(|run| draw_run(out, run));
    match element["type"].as_str().unwrap_or_default() {
        "rich_text_preformatted" => {
            out.push_str("<pre tabindex=\"0\"><code>");
            list(&element["elements"]).iter().for_each(|run| write_text(out, text_of(run)));
            out.push_str("</code></pre>");
        }
        "rich_text_quote" => write_element(out, ("blockquote", "sl-quote"), runs),
        "rich_text_list" => draw_list(out, element),
        _ => write_element(out, ("p", "sl-run"), runs),
    }
}

fn draw_list(out: &mut String, element: &Value) {
    let tag = if element["style"] == "ordered" { "ol" } else { "ul" };
    let (indent, offset) = (element["indent"].as_u64().unwrap_or(0).min(8), element["offset"].as_u64().unwrap_or(0));
    out.push_str(&format!("<{tag} class=\"sl-list sl-in-{indent}\""));
    if tag == "ol" {
        out.push_str(&format!(" start=\"{}\"", offset + 1));
    }
    out.push('>');
    for item in list(&element["elements"]) {
        out.push_str("<li dir=\"auto\">");
        list(&item["elements"]).iter().for_each(|run| draw_run(out, run));
        out.push_str("</li>");
    }
    out.push_str(&format!("</{tag}>"));
}

/// A run of text. What would be a mention in Slack is shown by its kind: a card has none.
fn draw_run(out: &mut String, run: &Value) {
    let marks = [("bold", "b"), ("italic", "i"), ("strike", "s"), ("code", "code")];
    let marks: Vec<&str> = marks.iter().filter(|(name, _)| run["style"][name] == true).map(|(_, tag)| *tag).collect();
    marks.iter().for_each(|tag| out.extend(["<", tag, ">"]));
    match run["type"].as_str().unwrap_or_default() {
        "text" => write_lines(out, text_of(run)),
        "link" => {
            let url = run["url"].as_str().unwrap_or_default();
            write_link(out, url, |out| write_lines(out, run["text"].as_str().unwrap_or(url)));
        }
        kind => write_element(out, ("mark", "sl-mention"), |out| write_text(out, kind)),
    }
    marks.iter().rev().for_each(|tag| out.extend(["</", tag, ">"]));
}

/// An element around what `inner` writes. Its text has the direction of its own first letter.
fn write_element(out: &mut String, (tag, class): (&str, &str), inner: impl FnOnce(&mut String)) {
    out.push_str(&format!("<{tag} class=\"{class}\" dir=\"auto\">"));
    inner(out);
    out.push_str(&format!("</{tag}>"));
}

fn write_lines(out: &mut String, text: &str) {
    for (index, line) in text.split('\n').enumerate() {
        if index > 0 {
            out.push_str("<br>");
        }
        write_text(out, line);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn blocks_are_drawn() {
        let text = |text: &str| json!({"type": "text", "text": text});
        let blocks = json!([
            {"type": "header", "text": {"type": "plain_text", "text": "✗ <Failed>"}},
            {"type": "rich_text", "elements": [
                {"type": "rich_text_section", "elements": [
                    text("a\nb "),
                    {"type": "text", "text": "bold", "style": {"bold": true, "italic": true}},
                    {"type": "link", "url": "https://e.org/?a=\"", "text": "here"},
                    {"type": "link", "url": "javascript:alert(1)", "text": "there"},
                    {"type": "broadcast", "range": "channel"},
                ]},
                {"type": "rich_text_list", "style": "ordered", "indent": 1, "offset": 2, "elements": [
                    {"type": "rich_text_section", "elements": [text("three")]},
                ]},
                {"type": "rich_text_preformatted", "elements": [text("$ x\n<y>")]},
                {"type": "rich_text_quote", "elements": [text("said")]},
            ]},
            {"type": "divider"},
            {"type": "section", "text": {"type": "plain_text", "text": "s"}},
            {"type": "actions", "elements": [
                {"type": "button", "text": {"type": "plain_text", "text": "Go"}, "style": "primary"},
                {"type": "button", "text": {"type": "plain_text", "text": "Stop"}, "style": "danger"},
                {"type": "static_select", "placeholder": {"type": "plain_text", "text": "Choose"}},
            ]},
            {"type": "context", "elements": [{"type": "plain_text", "text": "req_1"}]},
            {"type": "hologram"},
        ]);
        insta::assert_snapshot!(draw(&json!({"text": "t", "blocks": blocks}), "").replace("><", ">\n<"));
        let image = json!({"type": "image", "slack_file": {"id": "F0AAAAAAAA"}, "alt_text": "a \"b\""});
        let drawn = draw(&json!({"blocks": [image]}), "/chat/picture?a&b");
        assert_eq!(drawn, "<img class=\"shown\" src=\"/chat/picture?a&amp;b\" alt=\"a &quot;b&quot;\">");
        let bare = draw(&json!({"text": "a &lt;b&gt;\nc", "blocks": []}), "");
        assert_eq!(bare, "<p class=\"sl-run\" dir=\"auto\">a &lt;b&gt;<br>c</p>");
    }
}
