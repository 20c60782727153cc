// One channel, the direct messages with the app, or the app's Home tab.

import { Fragment, useEffect, useRef, useState } from "react";

import { Blocks } from "./BlockKit.jsx";
import { Composer } from "./Composer.jsx";
import { Icon } from "./Icon.jsx";
import { elementId, Message, Thread } from "./Message.jsx";
import {
  findPerson, inThreads, messageKey, playablePeople, publicChannels, visibleMessages,
} from "./selectors.js";

export function Conversation({ snapshot, me, names, theme, post, open, read, target, goTo, draft, setDraft, problem }) {
  const home = open === "home";
  const channel = snapshot.channels.find((one) => (home ? one.dm_with === me : one.id === open));
  return (
    <section className="conversation" aria-labelledby="conversation-title">
      <div className="conversation-head">
        <h2 id="conversation-title">
          {channel.dm_with ? "PureCloud" : <>{channel.is_private ? <Icon name="lock" /> : "#"}{channel.name}</>}
        </h2>
        {channel.dm_with
          ? <AppTabs home={home} goTo={goTo} direct={channel.id} hasHome={snapshot.home_tab} />
          : <p>{describe(channel)}</p>}
      </div>
      {home
        ? <Home view={snapshot.views[me]?.home} {...{ snapshot, names, theme, post }} />
        : <Messages key={`${me}/${channel.id}`} {...{ snapshot, me, names, theme, post, channel, read, target }} />}
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

function AppTabs({ home, goTo, direct, hasHome }) {
  return (
    <div className="tabs" role="group" aria-label="The app's tabs">
      {hasHome && <button type="button" aria-pressed={home} onClick={() => goTo("home")}>Home</button>}
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

function Messages({ snapshot, me, channel, target, ...shared }) {
  const log = useRef(null);
  const [hasMore, setHasMore] = useState(false);
  const { roots, replies } = inThreads(visibleMessages(snapshot, me).filter((message) => message.channel === channel.id));
  const latest = roots.map(messageKey).join();
  const focused = useRef(null); // a button disappears when the app updates its card; the list then takes the focus
  const showMore = () => setHasMore(isBelow(log.current));
  useEffect(() => {
    if (focused.current?.isConnected === false && document.activeElement === document.body) log.current.focus();
    scrollToNewest(log.current);
  }, [latest]);
  useEffect(() => {
    const message = target && document.getElementById(elementId(target.ts));
    message?.scrollIntoView({ block: "center" });
    message?.focus({ preventScroll: true });
  }, [target]);
  useEffect(showMore);
  const parts = { snapshot, me, target: target?.ts, ...shared };
  return (
    <div className="messages-frame">
      <div className="messages" role="log" aria-live="polite" aria-label="Messages" tabIndex={0} ref={log} onScroll={showMore}
        onFocus={(event) => { focused.current = event.target; }}
        onBlur={(event) => { if (event.target.isConnected) focused.current = null; }}>
        {roots.length === 0 && <Empty person={findPerson(snapshot, me)} channel={channel} />}
        {roots.map((message, index) => (
          <Fragment key={message.index}>
            {day(message) !== day(roots[index - 1]) && <p className="day"><span>{day(message)}</span></p>}
            <Message key={messageKey(message)} message={message} {...parts} />
            {replies[message.ts] && <Thread replies={replies[message.ts]} {...parts} />}
          </Fragment>
        ))}
      </div>
      {hasMore && <button type="button" className="more" onClick={() => { log.current.scrollTop = log.current.scrollHeight; }}>
        ↓ More below</button>}
    </div>
  );
}

const HIDDEN_HEIGHT = 24; // pixels below the visible part that may be padding

const isBelow = (list) => list.scrollHeight - list.scrollTop - list.clientHeight > HIDDEN_HEIGHT;

// Show the end of the newest message, or its start if it is longer than the list is high.
function scrollToNewest(list) {
  const newest = list.querySelector(":scope > article:last-of-type");
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
