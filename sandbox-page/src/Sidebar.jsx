// Slack's sidebar: the person's channels, and the direct messages with the app.

import { Icon } from "./Icon.jsx";
import { channelsOf, findPerson, unreadCounts } from "./selectors.js";

export function Sidebar({ snapshot, me, open, read, goTo }) {
  const { channels, direct } = channelsOf(snapshot, me);
  const unread = unreadCounts(snapshot, me, read);
  const self = findPerson(snapshot, me);
  return (
    <nav className="sidebar" aria-label="Conversations">
      <div className="workspace">
        <h2>{snapshot.workspace.name}</h2>
        <p><b>{self.real_name}</b> {self.about}</p>
      </div>
      <h3>Channels</h3>
      <ul>
        {channels.map((channel) => (
          <Entry key={channel.id} icon={channel.is_private ? <Icon name="lock" /> : "#"} name={channel.name}
            note={channel.is_ext_shared ? "shared" : ""} prefix={`${channel.is_private ? "private " : ""}channel`}
            unread={unread[channel.id]} isOpen={open === channel.id} onClick={() => goTo(channel.id)} />
        ))}
      </ul>
      <h3>Direct messages</h3>
      <ul>
        {direct && <Entry icon={<Icon name="shield" />} name="PureCloud" note="app" prefix="direct messages with"
          unread={unread[direct.id]} isOpen={open === direct.id || open === "home"} onClick={() => goTo(direct.id)} />}
      </ul>
    </nav>
  );
}

// `prefix` is read by screen readers only.
function Entry({ icon, name, note, prefix, unread = 0, isOpen, onClick }) {
  return (
    <li>
      <button type="button" className={unread ? "entry unread" : "entry"} aria-current={isOpen ? "page" : undefined} onClick={onClick}>
        <span className="entry-icon" aria-hidden="true">{icon}</span>
        <span className="visually-hidden">{prefix} </span>
        <span className="entry-name">{name}</span>
        {note && <small>{note}</small>}
        {unread > 0 && <span className="badge">{unread}<span className="visually-hidden"> unread</span></span>}
      </button>
    </li>
  );
}
