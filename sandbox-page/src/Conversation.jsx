// One channel, the direct messages with the app, or its Home tab.

import { Fragment, useEffect, useRef, useState } from "react";

import { Blocks } from "./BlockKit.jsx";
import { Composer } from "./Composer.jsx";
import { Icon } from "./Icon.jsx";
import { Words } from "./mrkdwn.jsx";
import { initials, messageKey, person, playable, seenBy } from "./seen.js";

export function Conversation({ snapshot, me, names, theme, does, open, read, go, draft, setDraft, problem }) {
  const home = open === "home";
  const room = snapshot.channels.find((one) => (home ? one.dm_with === me : one.id === open));
  return (
    <section className="conversation" aria-labelledby="room">
      <div className="room-head">
        <h2 id="room">{room.dm_with ? "PureCloud" : <>{room.is_private ? <Icon name="lock" /> : "#"}{room.name}</>}</h2>
        {room.dm_with
          ? <Tabs home={home} go={go} direct={room.id} />
          : <p>{about(room)}</p>}
      </div>
      {home
        ? <Home view={snapshot.views[me]?.home} {...{ snapshot, names, theme, does }} />
        : <Stream key={`${me}/${room.id}`} {...{ snapshot, me, names, theme, does, room, read }} />}
      {!home && <Composer {...{ snapshot, me, room, draft, setDraft, does }} />}
      <p className="problem" role="alert">{problem}</p>
      {snapshot.mishaps.slack_down && <p className="mishap">Slack does not answer the bot, as chosen at “Go wrong”.</p>}
    </section>
  );
}

function about(room) {
  const count = `${room.members.length} ${room.members.length === 1 ? "member" : "members"}`;
  return `${count}${room.is_private ? ", private" : ""}${room.is_ext_shared ? ", shared with another workspace" : ""}`;
}

function Tabs({ home, go, direct }) {
  return (
    <div className="tabs" role="group" aria-label="The app's tabs">
      <button type="button" aria-pressed={home} onClick={() => go("home")}>Home</button>
      <button type="button" aria-pressed={!home} onClick={() => go(direct)}>Messages</button>
    </div>
  );
}

function Home({ view, snapshot, names, theme, does }) {
  if (!view) {
    return <p className="nothing">The app shows nothing on its Home tab.</p>;
  }
  const use = (element, block, selected) => does("press", {
    view: view.id, action_id: element.action_id, block_id: block.block_id, selected,
  });
  return (
    <div className="home" key={view.hash}>
      <Blocks blocks={view.blocks} names={names} people={playable(snapshot)} rooms={roomsOf(snapshot)} theme={theme} use={use} />
    </div>
  );
}

const roomsOf = (snapshot) => snapshot.channels.filter((room) => !room.dm_with);

function Stream({ snapshot, me, names, theme, does, room, read }) {
  const log = useRef(null);
  const messages = seenBy(snapshot, me).filter((message) => message.channel === room.id);
  const latest = messages.map(messageKey).join();
  const held = useRef(null); // what has the keyboard's focus; a card's button goes when the card is repainted
  useEffect(() => {
    if (held.current?.isConnected === false && document.activeElement === document.body) log.current.focus();
    const stream = log.current;
    const last = stream.lastElementChild; // its beginning, where it is too long to be seen whole
    const long = last && last.offsetHeight > stream.clientHeight;
    stream.scrollTop = long ? last.offsetTop - stream.offsetTop : stream.scrollHeight;
  }, [latest]);
  return (
    <div className="stream" role="log" aria-live="polite" aria-label="Messages" tabIndex={0} ref={log}
      onFocus={(event) => { held.current = event.target; }} onBlur={(event) => { if (event.target.isConnected) held.current = null; }}>
      {messages.length === 0 && <Nothing who={person(snapshot, me)} room={room} />}
      {messages.map((message, place) => (
        <Fragment key={messageKey(message)}>
          {day(message) !== day(messages[place - 1]) && <p className="day"><span>{day(message)}</span></p>}
          <Message {...{ message, snapshot, me, names, theme, does, read }} />
        </Fragment>
      ))}
    </div>
  );
}

function day(message) {
  if (!message) return null;
  const at = new Date(message.at * 1000);
  if (at.toDateString() === new Date().toDateString()) return "Today";
  return at.toLocaleDateString("en", { weekday: "long", month: "long", day: "numeric" });
}

function Nothing({ who, room }) {
  if (!who.can_type) return <p className="nothing">Nothing yet. People of another workspace are offered no commands.</p>;
  return (
    <p className="nothing">
      {room.dm_with ? "Cards for you alone and outcomes of what you asked come here." : "Nothing yet. Type / to see what you can ask."}
    </p>
  );
}

function Message({ message, snapshot, me, names, theme, does, read }) {
  const [fresh] = useState(!read.has(`${me}/${messageKey(message)}`) && message.author !== me);
  const author = person(snapshot, message.author);
  const name = author?.real_name ?? "Slackbot";
  const app = !author?.playable;
  const use = (element, block, selected) => does("click", {
    user: me, place: message.place, action_id: element.action_id, block_id: block.block_id, selected,
  });
  const at = new Date(message.at * 1000);
  return (
    <article className={`message${message.only_for ? " ephemeral" : ""}${fresh ? " fresh" : ""}`} aria-label={`${name}, ${clockFace(at)}`}>
      <div className="face" data-person={author?.name ?? "slackbot"} aria-hidden="true">{author ? initials(name) : "S"}</div>
      <div className="body">
        <div className="head">
          <b>{name}</b>
          {app && <span className="tag">app</span>}
          <time dateTime={at.toISOString()}>{clockFace(at)}</time>
          {message.edited && <small>(edited)</small>}
        </div>
        {message.only_for && <p className="only"><Icon name="eye" /> Only visible to you</p>}
        {message.blocks.length > 0
          ? <Blocks blocks={message.blocks} names={names} people={playable(snapshot)} rooms={roomsOf(snapshot)} theme={theme} use={use} />
          : <Words text={{ type: "mrkdwn", text: message.text }} names={names} />}
      </div>
    </article>
  );
}

const clockFace = (at) => at.toLocaleTimeString("en", { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
