// One channel, the direct messages with the app, or the app's Home tab.

import { Fragment, useEffect, useRef, useState } from "react";

import { Blocks } from "./BlockKit.jsx";
import { Composer } from "./Composer.jsx";
import { Icon } from "./Icon.jsx";
import {
  findPerson, initials, messageKey, playablePeople, publicChannels, readKey, visibleMessages,
} from "./selectors.js";
import { SlackText } from "./SlackText.jsx";

export function Conversation({ snapshot, me, names, theme, post, open, read, goTo, draft, setDraft, problem }) {
  const home = open === "home";
  const channel = snapshot.channels.find((one) => (home ? one.dm_with === me : one.id === open));
  return (
    <section className="conversation" aria-labelledby="conversation-title">
      <div className="conversation-head">
        <h2 id="conversation-title">
          {channel.dm_with ? "PureCloud" : <>{channel.is_private ? <Icon name="lock" /> : "#"}{channel.name}</>}
        </h2>
        {channel.dm_with
          ? <AppTabs home={home} goTo={goTo} direct={channel.id} />
          : <p>{describe(channel)}</p>}
      </div>
      {home
        ? <Home view={snapshot.views[me]?.home} {...{ snapshot, names, theme, post }} />
        : <Messages key={`${me}/${channel.id}`} {...{ snapshot, me, names, theme, post, channel, read }} />}
      {!home && <Composer {...{ snapshot, me, channel, draft, setDraft, post }} />}
      <p className="problem" role="alert">{problem}</p>
      {snapshot.faults.slack_down && <p className="fault-note">Slack does not respond to the bot, as chosen under “Faults”.</p>}
    </section>
  );
}

function describe(channel) {
  const count = `${channel.members.length} ${channel.members.length === 1 ? "member" : "members"}`;
  return `${count}${channel.is_private ? ", private" : ""}${channel.is_ext_shared ? ", shared with another workspace" : ""}`;
}

function AppTabs({ home, goTo, direct }) {
  return (
    <div className="tabs" role="group" aria-label="The app's tabs">
      <button type="button" aria-pressed={home} onClick={() => goTo("home")}>Home</button>
      <button type="button" aria-pressed={!home} onClick={() => goTo(direct)}>Messages</button>
    </div>
  );
}

function Home({ view, snapshot, names, theme, post }) {
  if (!view) {
    return <p className="empty">The app has not published a Home tab for this user.</p>;
  }
  const act = (element, block, selected) => post("click-in-view", {
    view: view.id, action_id: element.action_id, block_id: block.block_id, selected,
  });
  return (
    <div className="home" key={view.hash}>
      <Blocks blocks={view.blocks} names={names} people={playablePeople(snapshot)} channels={publicChannels(snapshot)}
        theme={theme} onAction={act} />
    </div>
  );
}

function Messages({ snapshot, me, names, theme, post, channel, read }) {
  const log = useRef(null);
  const messages = visibleMessages(snapshot, me).filter((message) => message.channel === channel.id);
  const latest = messages.map(messageKey).join();
  const focused = useRef(null); // a button disappears when the app updates its card; the list then takes the focus
  useEffect(() => {
    if (focused.current?.isConnected === false && document.activeElement === document.body) log.current.focus();
    scrollToNewest(log.current);
  }, [latest]);
  return (
    <div className="messages" role="log" aria-live="polite" aria-label="Messages" tabIndex={0} ref={log}
      onFocus={(event) => { focused.current = event.target; }}
      onBlur={(event) => { if (event.target.isConnected) focused.current = null; }}>
      {messages.length === 0 && <Empty person={findPerson(snapshot, me)} channel={channel} />}
      {messages.map((message, index) => (
        <Fragment key={messageKey(message)}>
          {day(message) !== day(messages[index - 1]) && <p className="day"><span>{day(message)}</span></p>}
          <Message {...{ message, snapshot, me, names, theme, post, read }} />
        </Fragment>
      ))}
    </div>
  );
}

// Show the end of the newest message, or its start if it is longer than the list is high.
function scrollToNewest(list) {
  const newest = list.lastElementChild;
  const isLong = newest && newest.offsetHeight > list.clientHeight;
  list.scrollTop = isLong ? newest.offsetTop - list.offsetTop : list.scrollHeight;
}

function day(message) {
  if (!message) return null;
  const at = new Date(message.at * 1000);
  if (at.toDateString() === new Date().toDateString()) return "Today";
  return at.toLocaleDateString("en", { weekday: "long", month: "long", day: "numeric" });
}

function Empty({ person, channel }) {
  if (!person.can_type) return <p className="empty">No messages yet. External users cannot use commands.</p>;
  return (
    <p className="empty">
      {channel.dm_with
        ? "No messages yet. The bot sends your cards and the outcomes of your requests here."
        : "No messages yet. Type / for the commands."}
    </p>
  );
}

function Message({ message, snapshot, me, names, theme, post, read }) {
  const [fresh] = useState(!read.has(readKey(me, message)) && message.author !== me);
  const author = findPerson(snapshot, message.author);
  const name = author?.real_name ?? "Slackbot";
  const isApp = !author?.playable;
  const act = (element, block, selected) => post("click", {
    user: me, message: message.index, action_id: element.action_id, block_id: block.block_id, selected,
  });
  const at = new Date(message.at * 1000);
  return (
    <article className={`message${message.only_for ? " ephemeral" : ""}${fresh ? " fresh" : ""}`} aria-label={`${name}, ${hourAndMinute(at)}`}>
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
