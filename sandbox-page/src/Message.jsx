// One message with its menu of shortcuts, and the thread below it.

import { useEffect, useState } from "react";

import { Blocks } from "./BlockKit.jsx";
import { Icon } from "./Icon.jsx";
import { findPerson, initials, messageKey, playablePeople, publicChannels, readKey } from "./selectors.js";
import { SlackText } from "./SlackText.jsx";

// `target` is the ts of the message to mark.
export function Message({ message, target, snapshot, me, names, theme, post, read }) {
  const [fresh] = useState(!read.has(readKey(me, message)) && message.author !== me);
  const author = findPerson(snapshot, message.author);
  const name = author?.real_name ?? "Slackbot";
  const isApp = !author?.playable;
  const act = (element, block, selected) => post("click", {
    user: me, message: message.index, action_id: element.action_id, block_id: block.block_id, selected,
  });
  const at = new Date(message.at * 1000);
  const classes = ["message", message.only_for && "ephemeral", fresh && "fresh", target === message.ts && "target"];
  return (
    <article id={elementId(message.ts)} tabIndex={-1} className={classes.filter(Boolean).join(" ")}
      aria-label={`${name}, ${hourAndMinute(at)}`}>
      <div className="face" data-person={author?.name ?? "slackbot"} aria-hidden="true">{author ? initials(name) : "S"}</div>
      <div className="body">
        <div className="head">
          <b>{name}</b>
          {isApp && <span className="tag">app</span>}
          <time dateTime={at.toISOString()}>{hourAndMinute(at)}</time>
          {message.edited && <small>(edited)</small>}
          {!message.only_for && <MessageShortcuts {...{ message, snapshot, me, post }} />}
        </div>
        {message.only_for && <p className="only"><Icon name="eye" /> Only visible to you</p>}
        {message.blocks.length > 0
          ? <Blocks blocks={message.blocks} names={names} people={playablePeople(snapshot)} channels={publicChannels(snapshot)}
            theme={theme} onAction={act} />
          : <SlackText text={{ type: "mrkdwn", text: message.text }} names={names} />}
      </div>
    </article>
  );
}

export const elementId = (ts) => `message-${ts}`;

// The replies to a message, oldest first; open if `target` is one of them.
export function Thread({ replies, target, ...shared }) {
  const [open, setOpen] = useState(false);
  const hasTarget = replies.some((reply) => reply.ts === target);
  useEffect(() => { if (hasTarget) setOpen(true); }, [hasTarget]);
  const isOpen = open || hasTarget;
  return (
    <div className="thread">
      <button type="button" className="replies" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
        {replies.length === 1 ? "1 reply" : `${replies.length} replies`}
      </button>
      {isOpen && replies.map((reply) => <Message key={messageKey(reply)} message={reply} target={target} {...shared} />)}
    </div>
  );
}

function MessageShortcuts({ message, snapshot, me, post }) {
  const shortcuts = snapshot.shortcuts.filter((shortcut) => shortcut.type === "message");
  if (shortcuts.length === 0 || !findPerson(snapshot, me).can_type) return null;
  const run = (event) => post("run-shortcut", { user: me, callback_id: event.target.value, message: message.index });
  return (
    <select className="message-shortcuts" aria-label="Message shortcuts" value="" onChange={run}>
      <option value="">⋯</option>
      {shortcuts.map(({ callback_id, name }) => <option key={callback_id} value={callback_id}>{name}</option>)}
    </select>
  );
}

const hourAndMinute = (at) => at.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
