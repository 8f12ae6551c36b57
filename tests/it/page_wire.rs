//! The page as a wire: every person is a browser of their own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use serde_json::{Value, json};
use thirtyfour::prelude::Key;
use tokio::sync::Mutex;

use crate::browser::{Browser, Driver, Scheme};
use crate::wire::{PATIENCE, Typing, Wire};

/// What is on somebody's screen: each message's id and what it says, in the words that transcripts read.
const SCREEN: &str = r#"(() => {
  // What is folded is on the screen for whoever unfolds it, and says the same then.
  const text = node => {
    if (!node.closest("details")) return node.innerText.trim();
    return (node.closest("details:not([open])") ? node.textContent : node.innerText).trim().replace(/\s*\n\s*/g, "\n");
  };
  const shown = (list, words) => { if (words) list.push(words); };
  const field = (lines, box) => {
    const inputs = [...box.querySelectorAll("input, select, textarea")];
    const name = inputs[0].name.replace(/^f\./, "");
    const one = inputs.find(input => input.type === "radio" ? input.checked : true);
    const value = !one ? "" : one.type === "checkbox" ? String(one.checked) : one.value;
    lines.push(`${name} = ${value}`);
    box.querySelectorAll(".error").forEach(error => lines.push("! " + text(error)));
  };
  const read = part => {
    const lines = [];
    const own = node => node.closest(".detail, .home, .entry") === part;
    [...part.querySelectorAll(".title, .text, .picture, .progress p, dl > div, form > .error, .field, .buttons > *, .footnote")]
      .filter(own).forEach(node => {
        if (node.matches("dl > div")) lines.push(`${text(node.children[0])}: ${text(node.children[1])}`);
        else if (node.matches(".field")) field(lines, node);
        else if (node.matches(".buttons > button, .buttons > a")) lines.push(`[${text(node)}]`);
        else if (node.matches(".picture")) lines.push(`(${node.alt})`);
        else if (node.matches(".footnote")) lines.push(`(${text(node)})`);
        else if (node.matches("form > .error")) lines.push("! " + text(node));
        else if (node.type !== "hidden") shown(lines, text(node));
      });
    return lines.join("\n");
  };
  return [...document.querySelectorAll(".home, .entry.heard, .detail")]
    .filter(part => !part.querySelector("form.aside"))
    .map(part => [part.id || "home", read(part)]);
})()"#;

/// Opens the home again, as one who comes back.
const FRESH: &str = "home";

/// The page over real browsers.
pub struct Page {
    driver: Driver,
    address: Mutex<String>,
    people: Mutex<BTreeMap<String, Person>>,
}

/// Somebody at their browser.
struct Person {
    browser: Browser,
    /// What they have read, by message.
    read: BTreeMap<String, String>,
}

impl Person {
    async fn screen(&self) -> Vec<(String, String)> {
        serde_json::from_value(self.browser.eval(SCREEN).await).expect("ids and texts")
    }

    async fn news(&self) -> Vec<(String, String)> {
        let mut screen = self.screen().await;
        // Where its lines end depends on whether it is folded; what it says does not.
        let same = |read: &String, text: &String| letters(read).eq(letters(text));
        screen.retain(|(id, text)| !self.read.get(id).is_some_and(|read| same(read, text)));
        screen
    }
}

fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|letter| !letter.is_whitespace())
}

impl Page {
    pub async fn open() -> Self {
        Self { driver: Driver::start(), address: Mutex::default(), people: Mutex::default() }
    }

    /// Does something at somebody's browser; who has none yet opens one, as the persona of that name where there is one, and
    /// has seen the home.
    async fn at<T>(&self, who: &str, act: impl AsyncFnOnce(&mut Person) -> T) -> T {
        let mut people = self.people.lock().await;
        if !people.contains_key(who) {
            let address = self.address.lock().await.clone();
            let browser = self.driver.open(&address, Scheme::Light).await;
            browser.until("document.querySelector('.home')").await;
            speak_as(&browser, who).await;
            let mut person = Person { browser, read: BTreeMap::new() };
            person.read = person.screen().await.into_iter().collect();
            people.insert(who.to_owned(), person);
        }
        act(people.get_mut(who).expect("just opened")).await
    }

    async fn act(&self, who: &str, script: &str, words: Value) {
        self.at(who, async |person| {
            let done = format!("((words) => {{ {script} }})({words})");
            person.browser.until(&done).await;
        })
        .await;
    }
}

/// Where the page lets one speak as a persona of that name, the browser does.
async fn speak_as(browser: &Browser, who: &str) {
    let offered = format!("document.querySelector('#you button[name=person][value={who}]')");
    if browser.eval(&format!("!!{offered}")).await == json!(true) {
        browser.eval(&format!("{offered}.click()")).await;
        browser
            .until(&format!(
                "document.querySelector('.home') && document.querySelector('.bar .name').textContent === '{who}'"
            ))
            .await;
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        // Only a story that failed leaves browsers open; closing them is left to the end of their driver.
        std::mem::take(self.people.get_mut()).into_values().for_each(std::mem::forget);
    }
}

#[async_trait]
impl Wire for Page {
    fn settings(&self) -> Vec<(String, String)> {
        Vec::new()
    }

    async fn connect(&self, address: &str) {
        *self.address.lock().await = address.to_owned();
        for person in self.people.lock().await.values_mut() {
            // Another process has another port here; the cookie is the host's.
            person.browser.go(address).await;
            person.browser.until("document.querySelector('.home')").await;
            person.read.extend(person.screen().await.into_iter().filter(|(id, _)| id == FRESH));
        }
    }

    async fn say(&self, who: &str, line: &str) {
        self.at(who, async |person| {
            person.browser.focus("#words").await;
            person.browser.keys(line.to_owned()).await;
            // The first closes the proposals.
            person.browser.keys(Key::Escape + "").await;
            person.browser.keys(Key::Enter + "").await;
            person.browser.until("words.value === ''").await;
        })
        .await;
    }

    async fn mention(&self, who: &str, words: &str) {
        self.say(who, &format!("@stationmaster {words}")).await;
    }

    async fn press(&self, who: &str, label: &str) {
        let script =
            "const all = [...document.querySelectorAll('.entry.heard .buttons button, .home .buttons button')];
            const one = all.filter(button => button.innerText.trim() === words).pop(); one?.click(); return !!one;";
        self.act(who, script, json!(label)).await;
    }

    async fn fill(&self, who: &str, field: &str, value: &str) {
        let script = "const all = [...document.querySelectorAll(`.entry form.form [name='f.${words[0]}']`)];
            const form = all.pop()?.form; const inputs = form ? [...form.querySelectorAll(`[name='f.${words[0]}']`)] : [];
            const radio = inputs.find(input => input.type === 'radio' && input.value === words[1]);
            const one = radio ?? inputs.pop(); if (!one) return false;
            if (one.type === 'radio') one.click(); else if (one.type === 'checkbox') one.checked = words[1] === 'true';
            else { one.value = words[1]; one.dispatchEvent(new Event('change', {bubbles: true})); }
            return true;";
        self.act(who, script, json!([field, value])).await;
    }

    async fn submit(&self, who: &str) {
        let script = "const one = [...document.querySelectorAll('.entry form.form .buttons .primary')].pop();
            one?.click(); return !!one;";
        self.act(who, script, Value::Null).await;
    }

    async fn suggest(&self, who: &str, typing: Typing<'_>) -> Vec<String> {
        let (place, list) = if typing.line.is_empty() {
            (
                format!(".entry form.form [name='f.{}']", typing.field),
                "document.activeElement.nextElementSibling".into(),
            )
        } else {
            ("#words".to_owned(), "document.querySelector('#proposals')".to_owned())
        };
        self.at(who, async |person| {
            person.browser.focus(&place).await;
            let line = format!("{} {}=", typing.line, typing.field);
            person.browser.eval("document.activeElement.value = ''").await;
            let before = if typing.line.is_empty() { "" } else { line.as_str() };
            person.browser.keys(format!("{before}{}", typing.typed)).await;
            let fits = "li => li.dataset.value.includes(words)";
            let items = format!("(words => {{ const all = [...{list}.querySelectorAll('li')]; return all.length && all.every({fits}); }})");
            person.browser.until(&format!("{items}({})", json!(typing.typed))).await;
            let items = format!("[...{list}.querySelectorAll('li')].map(li => li.dataset.value)");
            let values: Vec<String> = serde_json::from_value(person.browser.eval(&items).await).expect("texts");
            person.browser.eval("document.activeElement.value = ''").await;
            values.iter().map(|value| value.trim_start_matches(before).trim_end().to_owned()).collect()
        })
        .await
    }

    async fn open_home(&self, who: &str) {
        self.at(who, async |person| {
            person.browser.reload().await;
            person.browser.until("document.querySelector('.home')").await;
            person.read.remove(FRESH);
        })
        .await;
    }

    async fn read(&self, who: &str, text: &str) -> String {
        let began = Instant::now();
        loop {
            let (found, screen) = self
                .at(who, async |person| {
                    let found = person.news().await.into_iter().find(|(_, shown)| shown.contains(text));
                    if let Some((id, shown)) = &found {
                        person.read.insert(id.clone(), shown.clone());
                    }
                    (found, person.screen().await)
                })
                .await;
            if let Some((_, shown)) = found {
                return shown;
            }
            assert!(began.elapsed() < PATIENCE, "{who} never reads `{text}`, but:\n{screen:#?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    fn unread(&self) -> Vec<String> {
        tokio::task::block_in_place(|| {
            tokio::runtime::Handle::current().block_on(async {
                let mut unread = Vec::new();
                for (who, person) in std::mem::take(&mut *self.people.lock().await) {
                    unread.extend(person.news().await.into_iter().map(|(id, text)| format!("{who} ({id}): {text}")));
                    person.browser.close().await;
                }
                unread
            })
        })
    }
}
