// A person's phone: the text of each notification, which is all that a lock screen shows of a message.

import { findPerson, visibleMessages } from "./selectors.js";
import { SlackText } from "./SlackText.jsx";

const MAX_SHOWN = 8;

export function LockScreen({ snapshot, me, names }) {
  const isFromApp = (message) => message.author === snapshot.workspace.bot && message.only_for === null;
  const newest = visibleMessages(snapshot, me).filter(isFromApp).reverse().slice(0, MAX_SHOWN);
  return (
    <section className="pane" aria-labelledby="phone-title">
      <h3 id="phone-title">Lock screen of {findPerson(snapshot, me).real_name}</h3>
      <ol className="phone" tabIndex={0} aria-label="Notifications, newest first">
        {newest.length === 0 && <li className="empty">No notifications yet.</li>}
        {newest.map((message) => <Notification key={message.index} {...{ message, snapshot, me, names }} />)}
      </ol>
    </section>
  );
}

function Notification({ message, snapshot, me, names }) {
  const channel = snapshot.channels.find((one) => one.id === message.channel);
  const notifies = channel.dm_with === me || message.mentioned.includes(me);
  return (
    <li className={notifies ? "" : "silent"}>
      <b>PureCloud</b> <small>{channel.dm_with ? "direct message" : `#${channel.name}`}</small>
      <p><SlackText text={{ type: "mrkdwn", text: message.notification }} names={names} /></p>
      {!notifies && <small>Without a mention, Slack notifies only people who chose all messages.</small>}
    </li>
  );
}
