// Slack's text objects as React nodes; people's words only ever become text (docs.slack.dev, Formatting message text).

import { get as emojiNamed } from "node-emoji";
import { Fragment } from "react";

const MARKS = /<([^<>\n]+)>|```([\s\S]+?)```|`([^`\n]+)`|(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])|(?<!\w)_([^\s_](?:[^_\n]*[^\s_])?)_(?!\w)|(?<!\w)~([^\s~](?:[^~\n]*[^\s~])?)~(?!\w)|\n/g;

export function Words({ text, names }) {
  if (!text) return null;
  if (text.type === "mrkdwn") return <span className="words">{mrkdwn(text.text, names)}</span>;
  return <span className="words plain">{text.emoji ? withEmoji(text.text) : text.text}</span>;
}

export function Mention({ children }) {
  return <span className="mention">{children}</span>;
}

function mrkdwn(text, names) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(MARKS)) {
    nodes.push(withEmoji(unescaped(text.slice(from, found.index))), marked(found, names));
    from = found.index + found[0].length;
  }
  nodes.push(withEmoji(unescaped(text.slice(from))));
  return nodes.map((node, place) => <Fragment key={place}>{node}</Fragment>);
}

function unescaped(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function withEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emojiNamed(name) ?? whole);
}

function marked([whole, link, pre, code, bold, italic, strike], names) {
  if (link !== undefined) return linked(link, names);
  if (pre !== undefined) return <span className="pre">{unescaped(pre.replace(/^\n/, ""))}</span>;
  if (code !== undefined) return <code>{unescaped(code)}</code>;
  if (bold !== undefined) return <strong>{mrkdwn(bold, names)}</strong>;
  if (italic !== undefined) return <em>{mrkdwn(italic, names)}</em>;
  if (strike !== undefined) return <s>{mrkdwn(strike, names)}</s>;
  return whole === "\n" ? <br /> : whole;
}

function linked(inside, names) {
  const [target, ...rest] = inside.split("|");
  const label = rest.length ? unescaped(rest.join("|")) : null;
  const id = target.slice(1);
  if (target.startsWith("@")) return <Mention>@{names.people[id] ?? label ?? id}</Mention>;
  if (target.startsWith("#")) return <Mention>#{names.channels[id] || label || id}</Mention>;
  if (target.startsWith("!subteam^")) return <Mention>{label ?? `@${names.groups[target.slice(9)] ?? target.slice(9)}`}</Mention>;
  if (target.startsWith("!date^")) return dated(target, label);
  if (target.startsWith("!")) return <Mention>@{label ?? id}</Mention>;
  if (/^(https?:\/\/|mailto:)/.test(target)) {
    return <a href={unescaped(target)} target="_blank" rel="noreferrer">{label ?? unescaped(target)}</a>;
  }
  return unescaped(`<${inside}>`);
}

function dated(target, fallback) {
  const [, seconds, format] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback ?? target;
  const written = format.replace(/\{(\w+)\}/g, (whole, token) => moment(at, token) ?? whole);
  return <time dateTime={at.toISOString()} title={at.toLocaleString()}>{written}</time>;
}

const HOURS = { hour: "2-digit", hourCycle: "h23" }; // as everywhere else on the page

function moment(at, token) {
  const day = (options) => at.toLocaleDateString("en", options);
  const pretty = token.endsWith("_pretty") ? nearby(at) : null;
  if (pretty) return pretty;
  switch (token.replace("_pretty", "")) {
    case "date_num": return at.toISOString().slice(0, 10);
    case "date": return day({ month: "long", day: "numeric", year: "numeric" });
    case "date_short": return day({ month: "short", day: "numeric", year: "numeric" });
    case "date_long": return day({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
    case "time": return at.toLocaleTimeString("en", { ...HOURS, minute: "2-digit" });
    case "time_secs": return at.toLocaleTimeString("en", { ...HOURS, minute: "2-digit", second: "2-digit" });
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
