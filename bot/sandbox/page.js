// Keep the page the same as the sandbox: draw each snapshot, send what is typed and clicked.

import { drawn, words } from "./blocks.js";
import { element, mrkdwn } from "./mrkdwn.js";

const COMMAND = "/purecloud ";
const at = (id) => document.getElementById(id);
const clock = (seconds) => new Date(seconds * 1000).toLocaleTimeString("en", { hour12: false });

let snapshot = null;
let me = null;
const read = {}; // person -> "place:version" of what was on their screen while they were played

const source = new EventSource("events");
source.onmessage = (event) => show(JSON.parse(event.data));
source.onerror = () => trouble("The sandbox does not answer; was it stopped? This page shows what it saw last.");

function show(next) {
  const first = snapshot === null;
  snapshot = next;
  me ??= playable()[0]?.id;
  if (first) drawExamples();
  trouble(next.trouble);
  drawStream();
  drawCast();
  drawChannels();
  drawSessions();
  drawJournal();
}

function trouble(sentence) {
  at("trouble").hidden = !sentence;
  at("trouble").textContent = sentence ?? "";
}

const playable = () => snapshot.people.filter((person) => person.playable);
const person = (id) => snapshot.people.find((one) => one.id === id);
const channel = (id) => snapshot.channels.find((one) => one.id === id);
const key = (message) => `${message.place}:${message.version}`;

function names() {
  return {
    people: Object.fromEntries(snapshot.people.map((one) => [one.id, one.name])),
    channels: Object.fromEntries(snapshot.channels.map((one) => [one.id, one.name])),
    groups: snapshot.groups,
  };
}

function seenBy(id) {
  return snapshot.messages.filter((message) => !message.deleted
    && (message.only_for === null ? channel(message.channel).members.includes(id) : message.only_for === id));
}

// ---- people

function drawCast() {
  read[me] = new Set(seenBy(me).map(key));
  at("reader").textContent = person(me).real_name;
  const rows = at("cast");
  if (!rows.childElementCount) rows.append(...playable().map(row));
  for (const one of playable()) {
    const unread = seenBy(one.id).filter((message) => !read[one.id]?.has(key(message)) && message.author !== one.id);
    const badge = rows.querySelector(`[data-badge="${one.id}"]`);
    badge.textContent = unread.length || "";
    badge.setAttribute("aria-label", unread.length ? `${unread.length} not yet read` : "");
  }
}

function row(one) {
  const radio = element("input", { type: "radio", name: "me", value: one.id, checked: one.id === me });
  radio.addEventListener("change", () => become(one.id));
  return element("label", { class: "person" },
    radio,
    element("span", { class: "face", "aria-hidden": "true" }, initials(one.real_name)),
    element("span", { class: "who" }, element("b", {}, one.real_name), element("small", {}, one.about)),
    element("span", { class: "badge", "data-badge": one.id }));
}

function become(id) {
  me = id;
  at("stream").replaceChildren();
  at("channel").replaceChildren();
  at("problem").textContent = "";
  show(snapshot);
  at("stream").scrollTop = at("stream").scrollHeight;
}

const initials = (name) => name.split(" ").map((word) => word[0]).slice(0, 2).join("");

// ---- messages

function drawStream() {
  const stream = at("stream");
  const down = stream.scrollHeight - stream.scrollTop - stream.clientHeight < 80;
  const seen = seenBy(me);
  const wanted = new Set(seen.map((message) => String(message.place)));
  for (const item of [...stream.children]) if (!wanted.has(item.dataset.place)) item.remove();
  let grew = false;
  seen.forEach((message, index) => {
    const there = stream.children[index];
    if (there?.dataset.key === key(message)) return;
    const item = drawMessage(message);
    if (there?.dataset.place === item.dataset.place) there.replaceWith(item);
    else stream.insertBefore(item, there ?? null);
    grew = true;
  });
  at("nothing").hidden = seen.length > 0;
  at("nothing").textContent = person(me).can_type
    ? "Nothing yet. Type a command below, or pick one of the examples."
    : `Nothing yet. ${person(me).real_name} sees only what is said in the shared channel.`;
  if (grew && down) stream.scrollTop = stream.scrollHeight;
}

function drawMessage(message) {
  const press = (button, block, pressed) => click(message, button, block, pressed);
  const body = message.blocks.length
    ? drawn(message.blocks, names(), press)
    : [element("div", { class: "section" }, words({ type: "mrkdwn", text: message.text }, names()))];
  const author = person(message.author);
  const fresh = !read[me]?.has(key(message));
  return element("li", {
    class: `message${message.only_for ? " ephemeral" : ""}${author?.playable ? "" : " app"}${fresh ? " fresh" : ""}`,
    "data-place": message.place, "data-key": key(message),
  },
  element("div", { class: "face", "aria-hidden": "true" }, author ? initials(author.real_name) : "S"),
  element("div", { class: "body" },
    element("div", { class: "head" },
      element("b", {}, author?.real_name ?? "Slack"),
      author?.playable ? "" : element("span", { class: "tag" }, "app"),
      place(message.channel),
      element("time", {}, clock(message.at)),
      message.edited ? element("span", { class: "quiet" }, "(edited)") : "",
    ),
    message.only_for ? element("div", { class: "quiet only" }, "Only visible to you") : "",
    ...body));
}

function place(id) {
  const room = channel(id);
  return element("span", { class: room.dm_with ? "place dm" : "place" }, roomName(room));
}

function roomName(room) {
  if (room.dm_with) return "Direct message";
  return `#${room.name}${room.is_private ? " (private)" : ""}${room.is_ext_shared ? " (shared)" : ""}`;
}

async function click(message, button, block, pressed) {
  if (button.confirm && !(await confirmed(button.confirm))) return;
  pressed.disabled = true;
  await send("click", { user: me, place: message.place, action_id: button.action_id, block_id: block.block_id });
  pressed.disabled = false;
}

function confirmed(confirm) {
  const dialog = at("confirm");
  at("confirm-title").replaceChildren(words(confirm.title, names()));
  at("confirm-text").replaceChildren(words(confirm.text, names()));
  at("confirm-deny").replaceChildren(words(confirm.deny, names()));
  at("confirm-yes").replaceChildren(words(confirm.confirm, names()));
  at("confirm-yes").className = confirm.style ?? "primary";
  dialog.returnValue = "deny";
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "confirm"), { once: true });
  });
}

// ---- typing

function drawChannels() {
  const select = at("channel");
  const mine = snapshot.channels.filter((room) => (room.dm_with ? room.dm_with === me : room.members.includes(me)));
  if (select.childElementCount !== mine.length) {
    select.replaceChildren(...mine.map((room) => element("option", { value: room.id }, roomName(room))));
  }
  const mute = !person(me).can_type;
  for (const control of at("composer").querySelectorAll("input, select, button")) control.disabled = mute;
  at("text").placeholder = mute ? "No commands for people of another workspace" : "Message";
  if (mute) at("text").value = "";
  else at("text").value ||= COMMAND;
}

function drawExamples() {
  at("examples").replaceChildren(...snapshot.examples.map((example) => {
    const chip = element("button", { type: "button", class: "chip" }, example);
    chip.addEventListener("click", () => {
      at("text").value = COMMAND + example;
      at("text").focus();
    });
    return chip;
  }));
}

at("people").addEventListener("submit", (event) => event.preventDefault());
at("composer").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = at("text").value;
  if (!text.trim()) return;
  at("text").value = COMMAND;
  at("stream").scrollTop = at("stream").scrollHeight;
  await send("say", { user: me, channel: at("channel").value, text });
});

async function send(where, what) {
  at("problem").textContent = "";
  try {
    const response = await fetch(where, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(what),
    });
    const problem = response.ok ? (await response.json()).problem : await response.text();
    at("problem").textContent = problem ?? "";
  } catch {
    at("problem").textContent = "The sandbox does not answer.";
  }
}

// ---- Genesys Cloud

function drawSessions() {
  at("sessions").replaceChildren(...snapshot.sessions.map((one) => {
    const alive = one.sessions > 0;
    const said = alive ? `${one.sessions} session${one.sessions === 1 ? "" : "s"}` : "logged out";
    return element("li", { class: alive ? "alive" : "ended" },
      element("span", { class: "dot", "aria-hidden": "true" }),
      element("span", {}, one.name, one.state === "active" ? "" : element("small", {}, ` ${one.state}`)),
      element("span", { class: "count" }, said));
  }));
}

function drawJournal() {
  const newest = [...snapshot.journal].reverse();
  const drawnKey = JSON.stringify(newest);
  if (at("journal").dataset.key === drawnKey) return;
  at("journal").dataset.key = drawnKey;
  at("silence").hidden = newest.length > 0;
  at("journal").replaceChildren(...newest.map((entry) => {
    const good = entry.status !== null && entry.status < 400;
    const whose = snapshot.sessions.find((one) => entry.path.includes(one.id));
    return element("li", { class: entry.method === "DELETE" ? "deletes" : "" },
      element("span", { class: "method" }, entry.method),
      element("span", { class: "operation" }, whose ? `${entry.operation}: ${whose.name}` : entry.operation),
      element("span", { class: good ? "status" : "status bad" }, String(entry.status ?? "…")),
      element("time", {}, clock(entry.at)),
      element("span", { class: "path" }, entry.path));
  }));
}
