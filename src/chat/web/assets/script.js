// The page's script: sends what is typed, shows what arrives, proposes what may come next.
//
// The server renders every piece of HTML, escaped; this file only puts the pieces where they belong. One thing sent is
// one delivery: its id is made here and stays the same until the server has answered, however often it is tried.

const find = (id) => document.getElementById(id);
const log = find("log");
const entries = find("entries");
const composer = find("composer");
const words = find("words");
const banner = find("banner");
const notice = find("notice");
const jump = find("jump");

// ---- Sending

/** A random id; `crypto.randomUUID` exists only where the page counts as secure. */
function makeId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
}

/** Posts a form's data; gives the HTML that answers it, or throws an error that a person can read. */
async function post(url, body, signal = AbortSignal.timeout(20_000)) {
  let answer;
  try {
    answer = await fetch(url, { method: "POST", body, signal, headers: { accept: "text/x-fragment" } });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("Not sent: the server cannot be reached. What you typed is kept.");
  }
  const text = await answer.text();
  if (answer.ok) return text;
  throw new Error(text.length < 500 && text ? text : `Not sent: the server answered ${answer.status}.`);
}

/** What each form held when it was sent without an answer; kept out of the page, since it may hold a secret. */
const sent = new WeakMap();

/** Sends a form. Something else than the last time is another delivery; the same again is the same delivery. */
async function send(form, submitter) {
  if (form.ariaBusy === "true") return false;
  const delivery = form.querySelector("[name=delivery]");
  const body = new URLSearchParams(new FormData(form, submitter));
  body.delete("delivery");
  const content = body.toString();
  if (delivery) {
    if (sent.has(form) && sent.get(form) !== content) delivery.value = makeId();
    sent.set(form, content);
    body.set("delivery", delivery.value);
  }
  form.ariaBusy = "true";
  keepDraft(form);
  try {
    const html = await post(submitter?.getAttribute("formaction") ?? form.getAttribute("action"), body);
    notice.hidden = true;
    sent.delete(form);
    if (delivery) delivery.value = makeId();
    merge(html, true);
    return true;
  } catch (error) {
    notice.firstElementChild.textContent = error.message;
    notice.hidden = false;
    find("again").onclick = () => form.requestSubmit(submitter);
    return false;
  } finally {
    form.ariaBusy = "false";
  }
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  event.preventDefault();
  if (form === composer && !words.value.trim()) return;
  const [key, line, entry] = [draftKey(form), words.value, form.closest(".entry")];
  const isOpened = form.matches(".aside");
  if (form.closest(".home")) {
    // Home stands at the beginning, and what it answers comes at the end.
    log.scrollTop = log.scrollHeight;
    words.focus({ preventScroll: true });
  }
  if (!(await send(form, event.submitter))) return;
  if (form === composer) {
    // What was typed meanwhile stays.
    words.value = words.value.startsWith(line) ? words.value.slice(line.length) : words.value;
    past = -1;
    localStorage.removeItem(key);
    conceal(words);
    if (!entries.contains(document.activeElement)) words.focus();
  } else if (form.matches(".self")) {
    location.reload();
  } else if (form.matches(".form, .aside")) {
    // A form with mistakes stays; one that was taken or put away has become something else.
    if (!form.isConnected) localStorage.removeItem(key);
    if (isOpened) entry.querySelectorAll(".card.form").forEach(restoreDraft);
    goOn(entry);
  }
});

/** After a form was sent: to its first mistake, to what can be filled in, or back to the composer. */
function goOn(entry) {
  const fields = ".field :is(input, select, textarea)";
  const target = ["[aria-invalid=true]", ".form > .error", fields].map((what) => entry.querySelector(what)).find(Boolean);
  (target?.matches("[role=radiogroup]") ? target.querySelector("input") : target ?? words).focus();
}

// ---- What was typed is never lost

/** Keeps what a form holds, less its secrets, until it was sent. */
function keepDraft(form) {
  const key = draftKey(form);
  if (!key) return;
  const held = new FormData(form);
  form.querySelectorAll("[type=password]").forEach((secret) => held.delete(secret.name));
  localStorage.setItem(key, JSON.stringify([...held]));
}

function draftKey(form) {
  if (form === composer) return "draft";
  return form?.matches(".form") ? `draft ${form.closest(".entry").id}` : null;
}

/** Puts back what was typed before the page was left. */
function restoreDraft(form) {
  const held = localStorage.getItem(draftKey(form));
  if (!held) return;
  const values = new Map(JSON.parse(held));
  for (const field of form.querySelectorAll("input, select, textarea")) {
    if (field.type === "password" || field.name === "entry") continue;
    if (field.type === "checkbox") field.checked = values.has(field.name);
    else if (field.type === "radio") field.checked = values.get(field.name) === field.value;
    else if (values.has(field.name)) field.value = values.get(field.name);
  }
  // It may have been sent just before the page was left: only the same again is the same delivery.
  const body = new URLSearchParams(new FormData(form));
  body.delete("delivery");
  sent.set(form, body.toString());
}

document.addEventListener("input", (event) => {
  keepDraft(event.target.form);
  if (event.target.matches("[data-lookup]")) propose(event.target);
});

// ---- Showing what arrives

let last = Number(document.body.dataset.after);

/** Whether the end of the conversation is in view, and so stays in view; not while somebody unfolds what is above it. */
let atEnd = true;
const lookForEnd = () => (atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60);
const keepEnd = () => atEnd && (log.scrollTop = log.scrollHeight);

/** Puts entries where they belong: a known one is changed in place, a new one is added in order. */
function merge(html, mine = false) {
  const template = document.createElement("template");
  template.innerHTML = html;
  lookForEnd();
  for (const fresh of [...template.content.querySelectorAll(".entry")]) {
    const old = find(fresh.id);
    // What passes by is kept nowhere, so it has no number of its own.
    const isNewer = old && ("passing" in fresh.dataset || Number(old.dataset.seq) < Number(fresh.dataset.seq));
    if (isNewer) change(old, fresh);
    if (old || isEarlier(fresh)) continue;
    const next = [...entries.querySelectorAll(".entry")].find((e) => Number(e.dataset.born) > Number(fresh.dataset.born));
    fresh.classList.add("new");
    entries.insertBefore(fresh, next ?? null);
    show(fresh, mine);
  }
  showTimes();
}

/** Brings a new entry into view if its reader was at the end, from its top if it is long. */
function show(entry, mine) {
  atEnd ||= mine;
  jump.hidden = atEnd;
  if (!atEnd) return;
  keepEnd();
  if (entry.offsetHeight > log.clientHeight) log.scrollTop = entry.offsetTop - 12;
  // Who has just asked for a form goes on in it.
  const first = entry.querySelector(".form .field :is(input, select, textarea)");
  const isFree = document.activeElement === words && (!words.value || composer.ariaBusy === "true");
  if (first && isFree) first.focus({ preventScroll: true });
}

/** Whether an entry belongs to what is not shown yet. */
function isEarlier(entry) {
  const first = entries.querySelector(".entry");
  return entries.querySelector("[data-earlier]") && first && Number(entry.dataset.born) < Number(first.dataset.born);
}

/** Does something to the conversation without moving who reads in it; not every browser sees to that, nor always. */
function hold(act) {
  const top = log.getBoundingClientRect().top;
  const seen = [...entries.children].find((entry) => entry.getBoundingClientRect().bottom > top);
  const before = seen?.getBoundingClientRect().top;
  act();
  if (!atEnd && seen?.isConnected) log.scrollTop += seen.getBoundingClientRect().top - before;
}

/** Changes an entry in place. Who was on a button that is gone stays at the entry. */
function change(old, fresh) {
  const held = old.contains(document.activeElement);
  hold(() => morph(old, fresh));
  if (held && !old.contains(document.activeElement)) {
    old.tabIndex = -1;
    old.focus({ preventScroll: true });
  }
  old.querySelectorAll(".dress [aria-current]").forEach((link) => wear(link, false));
  keepEnd();
}

/** Shows a card in the dress of another platform, below it; `mine` if somebody has just asked for that. */
async function wear(link, mine) {
  const place = link.closest(".meta").nextElementSibling;
  for (const other of link.parentElement.children) other.removeAttribute("aria-current");
  if (link.dataset.dress === "web") return place.replaceChildren();
  link.ariaCurrent = "true";
  const answer = await fetch(link.href, { headers: { accept: "text/x-fragment" } }).catch(() => null);
  if (!answer?.ok || !link.ariaCurrent) return;
  const template = document.createElement("template");
  template.innerHTML = await answer.text();
  // What was unfolded of it stays so.
  const unfolded = [...place.querySelectorAll("details")].map((part) => part.open);
  template.content.querySelectorAll("details").forEach((part, index) => (part.open = unfolded[index] ?? false));
  if (mine) atEnd = false;
  hold(() => place.replaceChildren(template.content));
  if (!mine) return keepEnd();
  place.scrollIntoView({ block: "nearest" });
}

/** Makes `old` like `fresh` with the least change, so that focus, typed text and animations live on. */
function morph(old, fresh) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) return old.replaceWith(fresh);
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.nodeValue !== fresh.nodeValue) old.nodeValue = fresh.nodeValue;
    return;
  }
  if (old.matches("[name=delivery], time, .dress, .preview") || old.isEqualNode(fresh)) return;
  // A button never becomes another one under somebody's finger.
  if (old.matches("button, a")) return old.replaceWith(fresh);
  // What somebody has unfolded stays so.
  for (const { name } of [...old.attributes]) if (!fresh.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  for (const { name, value } of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  if (old.matches("textarea, [role=listbox]")) return;
  let place = old.firstChild;
  for (const child of [...fresh.childNodes]) {
    // What a field holds never becomes what another one does.
    const key = keyOf(child);
    while (key && place && keyOf(place) !== key && !(keyOf(place) && has(fresh, keyOf(place)))) place = leave(place);
    if (!place || keyOf(place) !== key) {
      old.insertBefore(child, place);
    } else {
      const next = place.nextSibling;
      morph(place, child);
      place = next;
    }
  }
  while (place) place = leave(place);
}

/** What tells a part of a form from those beside it. */
function keyOf(node) {
  return node.dataset?.key ?? (node.nodeName === "INPUT" ? node.name : undefined);
}

function has(parent, key) {
  return [...parent.children].some((child) => keyOf(child) === key);
}

/** Removes a node; gives the one after it. */
function leave(node) {
  const next = node.nextSibling;
  node.remove();
  return next;
}

/** Times as this person's clock shows them; the server writes UTC. */
function showTimes() {
  const today = new Date().toDateString();
  for (const time of entries.querySelectorAll("time:not([title])")) {
    const at = new Date(time.dateTime);
    const day = at.toDateString() === today ? {} : { day: "numeric", month: "short" };
    time.textContent = at.toLocaleString([], { ...day, hour: "2-digit", minute: "2-digit" });
    time.title = at.toLocaleString();
  }
}

jump.addEventListener("click", () => (log.scrollTop = log.scrollHeight));
log.addEventListener("scroll", () => lookForEnd() && (jump.hidden = true));
// Also when a form grows, the window shrinks, or a keyboard slides in.
const sizes = new ResizeObserver(keepEnd);
[log, entries].forEach((element) => sizes.observe(element));

entries.addEventListener("click", async (event) => {
  if (event.target.closest("summary")) atEnd = false;
  const dress = event.target.closest("[data-dress]");
  if (dress) {
    event.preventDefault();
    wear(dress, true);
  }
  const fill = event.target.closest("[data-fill]");
  if (fill) {
    words.value = fill.dataset.fill;
    words.focus();
    keepDraft(composer);
    propose(words);
  }
  const earlier = event.target.closest("[data-earlier]");
  if (earlier) {
    event.preventDefault();
    const answer = await fetch(earlier.href, { headers: { accept: "text/x-fragment" } }).catch(() => null);
    if (!answer?.ok) return;
    const height = log.scrollHeight;
    const template = document.createElement("template");
    template.innerHTML = await answer.text();
    earlier.parentElement.replaceWith(template.content);
    showTimes();
    log.scrollTop += log.scrollHeight - height;
  }
});

// ---- Live

let live;
let lost;

function listen() {
  live = new EventSource(`/chat/live?after=${last}`);
  live.onopen = () => {
    clearTimeout(lost);
    lost = undefined;
    banner.hidden = true;
  };
  live.onmessage = (event) => {
    last = Math.max(last, Number(event.lastEventId));
    merge(event.data);
  };
  live.onerror = () => {
    lost ??= setTimeout(() => (banner.hidden = false), 1500);
    // The browser tries again by itself unless the server refused.
    if (live.readyState === EventSource.CLOSED) setTimeout(listen, 3000);
  };
}

// A page that nobody looks at gives its connection back; browsers allow only six to one server.
document.addEventListener("visibilitychange", () => {
  live.close();
  if (!document.hidden) listen();
});

// ---- Proposals

const asked = new WeakMap();

/** Asks for what may come next, once typing pauses; only the newest question counts. */
function propose(input) {
  asked.get(input)?.abort();
  const question = new AbortController();
  asked.set(input, question);
  if (input === words && !input.value) return conceal(input);
  setTimeout(async () => {
    if (question.signal.aborted) return;
    const values = new URLSearchParams(new FormData(input.form));
    for (const secret of input.form.querySelectorAll("[type=password]")) values.delete(secret.name);
    ["delivery", "entry", "words"].forEach((name) => values.delete(name));
    values.set("token", input.dataset.lookup);
    values.set("typed", input.value);
    const html = await post("/chat/suggest", values, question.signal).catch(() => "");
    if (question.signal.aborted || document.activeElement !== input) return;
    reveal(input, html);
  }, 70);
}

const listOf = (input) => find(input.getAttribute("aria-controls"));
const isOpen = (input) => !listOf(input).hidden;
const chosen = (input) => listOf(input).querySelector("[aria-selected=true]");

function reveal(input, html) {
  const list = listOf(input);
  list.innerHTML = html;
  [...list.children].forEach((option, index) => (option.id = `${list.id}-${index}`));
  const isTyped = list.children.length === 1 && list.children[0].dataset.value === input.value;
  list.hidden = list.children.length === 0 || isTyped;
  list.scrollTop = 0;
  input.setAttribute("aria-expanded", String(!list.hidden));
  input.removeAttribute("aria-activedescendant");
}

function conceal(input) {
  asked.get(input)?.abort();
  listOf(input).hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
}

/** Moves the choice up or down, around the ends. */
function move(input, by) {
  const options = [...listOf(input).children];
  const from = options.indexOf(chosen(input));
  const to = from < 0 && by < 0 ? options.length - 1 : (from + by + options.length) % options.length;
  options.forEach((option, index) => option.setAttribute("aria-selected", String(index === to)));
  input.setAttribute("aria-activedescendant", options[to].id);
  options[to].scrollIntoView({ block: "nearest" });
  return true;
}

function take(input, option) {
  if (!option) return false;
  input.value = option.dataset.value;
  conceal(input);
  keepDraft(input.form);
  // A line may go on after this; a field is done.
  if (input === words) propose(input);
  return true;
}

/** How far back in what was said: 0 is the newest line, -1 is none. */
let past = -1;

/** Puts an earlier line where one types, as a shell does; never over something that is being typed. */
function recall(by) {
  const lines = [...entries.querySelectorAll(".said .words")].map((line) => line.textContent).reverse();
  if (words.value && words.value !== lines[past]) return false;
  past = Math.max(-1, Math.min(past + by, lines.length - 1));
  words.value = lines[past] ?? "";
  keepDraft(composer);
  return true;
}

/** What the keys do where proposals are shown; `true` if that was all that they should do. */
const keys = {
  ArrowDown: (input) => (isOpen(input) ? move(input, 1) : input === words ? recall(-1) : propose(input)),
  ArrowUp: (input) => (isOpen(input) ? move(input, -1) : input === words && recall(1)),
  Tab: (input) => isOpen(input) && take(input, chosen(input) ?? listOf(input).firstElementChild),
  Enter: (input) => isOpen(input) && take(input, chosen(input)),
  Escape: (input) => isOpen(input) && (conceal(input), true),
};

document.addEventListener("keydown", (event) => {
  const input = event.target;
  if (!input.matches("[data-lookup]") || event.isComposing || event.shiftKey) return;
  if (keys[event.key]?.(input)) event.preventDefault();
});
// Typing goes where one types, from wherever nothing else takes it.
document.addEventListener("keydown", (event) => {
  const isText = event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey;
  if (isText && !event.target.closest("input, textarea, select, button, a, [popover]")) words.focus();
});
document.addEventListener("focusin", ({ target }) => target.matches(".lookup [data-lookup]") && propose(target));
document.addEventListener("focusout", ({ target }) => target.matches("[data-lookup]") && conceal(target));
// The focus stays where one types.
document.addEventListener("pointerdown", (event) => event.target.closest("[role=option]") && event.preventDefault());
document.addEventListener("click", ({ target }) => {
  const option = target.closest("[role=option]");
  if (option) take(document.querySelector(`[aria-controls="${option.parentElement.id}"]`), option);
});

// ---- Begin

document.querySelectorAll("#composer, .card.form").forEach(restoreDraft);
showTimes();
log.scrollTop = log.scrollHeight;
listen();
