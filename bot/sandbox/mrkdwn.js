// Turn Slack's mrkdwn into nodes; people's words only ever become text nodes.

const MARKS = /<([^<>\n]+)>|```([\s\S]+?)```|`([^`\n]+)`|(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])|(?<!\w)_([^\s_](?:[^_\n]*[^\s_])?)_(?!\w)|(?<!\w)~([^\s~](?:[^~\n]*[^\s~])?)~(?!\w)|\n/g;

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", no_entry: "⛔", lock: "🔒", unlock: "🔓",
  hourglass: "⌛", hourglass_flowing_sand: "⏳", key: "🔑", question: "❓", information_source: "ℹ️", robot_face: "🤖",
  rotating_light: "🚨", bell: "🔔", clock1: "🕐", eyes: "👀", large_green_circle: "🟢", red_circle: "🔴", wave: "👋",
};

export function element(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children);
  return made;
}

export function plain(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

export function emoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);
}

// names: {people: id -> name, channels: id -> name, groups: id -> handle}
export function mrkdwn(text, names) {
  const nodes = [];
  const words = (part) => { if (part) nodes.push(emoji(plain(part))); };
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    words(text.slice(from, found.index));
    nodes.push(marked(found, names));
    from = found.index + found[0].length;
  }
  words(text.slice(from));
  return nodes;
}

function marked([whole, link, pre, code, bold, italic, strike], names) {
  if (link !== undefined) return linked(link, names);
  if (pre !== undefined) return element("pre", {}, plain(pre.replace(/^\n/, "")));
  if (code !== undefined) return element("code", {}, plain(code));
  if (bold !== undefined) return element("strong", {}, ...mrkdwn(bold, names));
  if (italic !== undefined) return element("em", {}, ...mrkdwn(italic, names));
  if (strike !== undefined) return element("s", {}, ...mrkdwn(strike, names));
  return whole === "\n" ? element("br") : whole;
}

function linked(inside, names) {
  const [target, ...rest] = inside.split("|");
  const label = rest.length ? plain(rest.join("|")) : null;
  if (target.startsWith("@")) return mention(`@${names.people[target.slice(1)] ?? label ?? target.slice(1)}`);
  if (target.startsWith("#")) return mention(`#${names.channels[target.slice(1)] || label || target.slice(1)}`);
  if (target.startsWith("!subteam^")) return mention(label ?? `@${names.groups[target.slice(9)] ?? target.slice(9)}`);
  if (target.startsWith("!date^")) return dated(target, label);
  if (target.startsWith("!")) return mention(`@${label ?? target.slice(1)}`);
  if (/^(https?:\/\/|mailto:)/.test(target)) {
    return element("a", { href: plain(target), target: "_blank", rel: "noreferrer" }, label ?? plain(target));
  }
  return plain(`<${inside}>`);
}

export function mention(text) {
  return element("span", { class: "mention" }, text);
}

function dated(target, fallback) {
  const [, seconds, format] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback ?? target;
  const written = format.replace(/\{(\w+)\}/g, (whole, token) => moment(at, token) ?? whole);
  return element("time", { datetime: at.toISOString(), title: at.toLocaleString() }, written);
}

function moment(at, token) {
  const day = (options) => at.toLocaleDateString("en", options);
  const pretty = token.endsWith("_pretty") ? nearby(at) : null;
  if (pretty) return pretty;
  switch (token.replace("_pretty", "")) {
    case "date_num": return at.toISOString().slice(0, 10);
    case "date": return day({ month: "long", day: "numeric", year: "numeric" });
    case "date_short": return day({ month: "short", day: "numeric", year: "numeric" });
    case "date_long": return day({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
    case "time": return at.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit" });
    case "time_secs": return at.toLocaleTimeString("en", { hour: "numeric", minute: "2-digit", second: "2-digit" });
    case "ago": return ago((Date.now() - at) / 1000);
    default: return null;
  }
}

function nearby(at) {
  const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(at) - midnight(Date.now())) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function ago(seconds) {
  const words = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return words.format(-Math.round(seconds / length), unit);
  }
  return words.format(-Math.round(seconds), "second");
}
