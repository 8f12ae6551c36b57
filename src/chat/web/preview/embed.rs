//! Discord's messages as HTML, as far as the Discord adapter uses them: embeds and buttons.

use serde_json::Value;

use super::markup::markup;
use crate::chat::web::html::{write_image, write_text};

/// Fields that stand beside each other.
const BESIDE: usize = 3;

/// The HTML of a message. `picture` is where its picture is.
pub fn draw(message: &Value, picture: &str) -> String {
    let mut out = String::new();
    if let Some(content) = message["content"].as_str().filter(|content| !content.is_empty()) {
        write_block(&mut out, "dc-content", &markup(content));
    }
    let alt = message["attachments"][0]["description"].as_str().unwrap_or_default();
    for embed in list(&message["embeds"]) {
        draw_embed(&mut out, embed, (alt, picture));
    }
    for row in list(&message["components"]) {
        out.push_str("<div class=\"dc-row\">");
        list(&row["components"]).iter().for_each(|component| draw_component(&mut out, component));
        out.push_str("</div>");
    }
    out
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Text that was rendered already.
fn write_block(out: &mut String, class: &str, html: &str) {
    out.push_str(&format!("<div class=\"{class}\" dir=\"auto\">{html}</div>"));
}

fn draw_embed(out: &mut String, embed: &Value, picture: (&str, &str)) {
    let colour = embed["color"].as_u64().unwrap_or(0x20_22_25) & 0xff_ff_ff;
    // A picture may have a colour of its own where a style may not.
    out.push_str(&format!(
        "<div class=\"dc-embed\"><svg class=\"dc-edge\" aria-hidden=\"true\" preserveAspectRatio=\"none\" viewBox=\"0 0 1 1\">\
         <path fill=\"#{colour:06x}\" d=\"M0 0h1v1H0z\"/></svg>"
    ));
    for (key, class) in [("title", "dc-title"), ("description", "dc-description")] {
        if let Some(text) = embed[key].as_str() {
            write_block(out, class, &markup(text));
        }
    }
    draw_fields(out, list(&embed["fields"]));
    if embed["image"].is_object() {
        write_image(out, picture);
    }
    if let Some(text) = embed["footer"]["text"].as_str() {
        out.push_str("<p class=\"dc-footer\" dir=\"auto\">");
        write_text(out, text);
        out.push_str("</p>");
    }
    out.push_str("</div>");
}

/// Fields in rows: those that may stand beside others, three at a time.
fn draw_fields(out: &mut String, fields: &[Value]) {
    let is_inline = |field: &Value| field["inline"] == true;
    for group in fields.chunk_by(|one, next| is_inline(one) && is_inline(next)) {
        for row in group.chunks(BESIDE) {
            out.push_str(&format!("<div class=\"dc-fields dc-{}\">", row.len()));
            for field in row {
                out.push_str("<div>");
                write_block(out, "dc-name", &markup(field["name"].as_str().unwrap_or_default()));
                write_block(out, "dc-value", &markup(field["value"].as_str().unwrap_or_default()));
                out.push_str("</div>");
            }
            out.push_str("</div>");
        }
    }
}

fn draw_component(out: &mut String, component: &Value) {
    let style = match (component["type"].as_u64(), component["style"].as_u64()) {
        (Some(2), Some(1)) => "dc-button dc-primary",
        (Some(2), Some(3)) => "dc-button dc-success",
        (Some(2), Some(4)) => "dc-button dc-danger",
        (Some(2), _) => "dc-button",
        _ => "dc-select",
    };
    out.push_str(&format!("<span class=\"{style}\"><bdi>"));
    let label = component["label"].as_str().or(component["placeholder"].as_str());
    write_text(out, label.unwrap_or_default());
    out.push_str("</bdi>");
    if component["style"] == 5 {
        out.push_str("<svg aria-label=\"(opens in a new tab)\" role=\"img\"><use href=\"#glyph-out\"/></svg>");
    }
    out.push_str("</span>");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_message_is_drawn() {
        let field = |name: &str, inline| json!({"name": name, "value": "v", "inline": inline});
        let fields: Vec<Value> = [("a", true), ("b", true), ("c", true), ("d", true), ("e", false), ("f", true)]
            .map(|(name, inline)| field(name, inline))
            .into();
        let message = json!({
            "embeds": [{"color": 0xdc2626, "title": "A **title**", "description": "<x>", "fields": fields,
                "footer": {"text": "no *markup*"}}],
            "components": [{"type": 1, "components": [
                {"type": 2, "style": 1, "label": "Go", "custom_id": "x"},
                {"type": 2, "style": 5, "label": "Look", "url": "https://e.org"},
            ]}],
        });
        insta::assert_snapshot!(draw(&message, "").replace("><", ">\n<"));
    }

    #[test]
    fn an_attached_picture_is_in_its_embed() {
        let embed = json!({"title": "t", "image": {"url": "attachment://a.png"}});
        let message =
            json!({"embeds": [embed], "attachments": [{"id": "0", "filename": "a.png", "description": "<d>"}]});
        let drawn = draw(&message, "/chat/picture");
        assert!(drawn.contains("<img class=\"shown\" src=\"/chat/picture\" alt=\"&lt;d&gt;\">"), "{drawn}");
    }
}
