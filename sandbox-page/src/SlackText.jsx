// Slack's text objects as React nodes, never as HTML (docs.slack.dev, "Formatting message text").

import { get as emojiNamed } from "node-emoji";
import { Fragment } from "react";

const MARKUP = /<([^<>\n]+)>|```([\s\S]+?)```|`([^`\n]+)`|(?<![\w*])\*([^\s*](?:[^*\n]*[^\s*])?)\*(?![\w*])|(?<!\w)_([^\s_](?:[^_\n]*[^\s_])?)_(?!\w)|(?<!\w)~([^\s~](?:[^~\n]*[^\s~])?)~(?!\w)|\n/g;

export function SlackText({ text, names }) {
  if (!text) return null;
  if (text.type === "mrkdwn") return <span className="slack-text">{renderMrkdwn(text.text, names)}</span>;
  return <span className="slack-text plain">{text.emoji ? replaceEmoji(text.text) : text.text}</span>;
}

export function Mention({ children }) {
  return <span className="mention">{children}</span>;
}

function renderMrkdwn(text, names) {
  const nodes = [];
  let from = 0;
  for (const found of text.matchAll(MARKUP)) {
    nodes.push(replaceEmoji(unescapeEntities(text.slice(from, found.index))), renderMarkup(found, names));
    from = found.index + found[0].length;
  }
  nodes.push(replaceEmoji(unescapeEntities(text.slice(from))));
  return nodes.map((node, index) => <Fragment key={index}>{node}</Fragment>);
}

function unescapeEntities(text) {
  return text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&amp;/g, "&");
}

function replaceEmoji(text) {
  return text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => emojiNamed(name) ?? whole);
}

function renderMarkup([whole, link, pre, code, bold, italic, strike], names) {
  if (link !== undefined) return renderLink(link, names);
  if (pre !== undefined) return <span className="pre">{unescapeEntities(pre.replace(/^\n/, ""))}</span>;
  if (code !== undefined) return <code>{unescapeEntities(code)}</code>;
  if (bold !== undefined) return <strong>{renderMrkdwn(bold, names)}</strong>;
  if (italic !== undefined) return <em>{renderMrkdwn(italic, names)}</em>;
  if (strike !== undefined) return <s>{renderMrkdwn(strike, names)}</s>;
  return whole === "\n" ? <br /> : whole;
}

function renderLink(inside, names) {
  const [target, ...rest] = inside.split("|");
  const label = rest.length ? unescapeEntities(rest.join("|")) : null;
  const id = target.slice(1);
  if (target.startsWith("@")) return <Mention>@{names.people[id] ?? label ?? id}</Mention>;
  if (target.startsWith("#")) return <Mention>#{names.channels[id] || label || id}</Mention>;
  if (target.startsWith("!subteam^")) return <Mention>{label ?? `@${names.groups[target.slice(9)] ?? target.slice(9)}`}</Mention>;
  if (target.startsWith("!date^")) return renderDate(target, label);
  if (target.startsWith("!")) return <Mention>@{label ?? id}</Mention>;
  if (/^(https?:\/\/|mailto:)/.test(target)) {
    return <a href={unescapeEntities(target)} target="_blank" rel="noreferrer">{label ?? unescapeEntities(target)}</a>;
  }
  return unescapeEntities(`<${inside}>`);
}

function renderDate(target, fallback) {
  const [, seconds, format] = target.split("^");
  const at = new Date(Number(seconds) * 1000);
  if (Number.isNaN(at.getTime())) return fallback ?? target;
  const formatted = format.replace(/\{(\w+)\}/g, (whole, token) => formatToken(at, token) ?? whole);
  return <time dateTime={at.toISOString()} title={at.toLocaleString()}>{formatted}</time>;
}

const HOURS = { hour: "2-digit", hourCycle: "h23" }; // like the other times on the page

function formatToken(at, token) {
  const day = (options) => at.toLocaleDateString("en", options);
  const pretty = token.endsWith("_pretty") ? relativeDay(at) : null;
  if (pretty) return pretty;
  switch (token.replace("_pretty", "")) {
    case "date_num": return at.toISOString().slice(0, 10);
    case "date": return day({ month: "long", day: "numeric", year: "numeric" });
    case "date_short": return day({ month: "short", day: "numeric", year: "numeric" });
    case "date_long": return day({ weekday: "long", month: "long", day: "numeric", year: "numeric" });
    case "time": return at.toLocaleTimeString("en", { ...HOURS, minute: "2-digit" });
    case "time_secs": return at.toLocaleTimeString("en", { ...HOURS, minute: "2-digit", second: "2-digit" });
    case "ago": return relativeTime((Date.now() - at) / 1000);
    default: return null;
  }
}

function relativeDay(at) {
  const midnight = (date) => new Date(date).setHours(0, 0, 0, 0);
  const days = Math.round((midnight(at) - midnight(Date.now())) / 86_400_000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? null;
}

function relativeTime(seconds) {
  const relative = new Intl.RelativeTimeFormat("en", { numeric: "auto" });
  for (const [unit, length] of [["day", 86_400], ["hour", 3600], ["minute", 60]]) {
    if (Math.abs(seconds) >= length) return relative.format(-Math.round(seconds / length), unit);
  }
  return relative.format(-Math.round(seconds), "second");
}
