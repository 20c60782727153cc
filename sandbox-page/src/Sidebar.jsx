// Where one looks: the channels of the person one plays, and their direct messages with the app.

import { Icon } from "./Icon.jsx";
import { person, placesOf, unread } from "./seen.js";

export function Sidebar({ snapshot, me, open, read, go }) {
  const { rooms, direct } = placesOf(snapshot, me);
  const news = unread(snapshot, me, read);
  const self = person(snapshot, me);
  return (
    <nav className="sidebar" aria-label="Conversations">
      <div className="workspace">
        <h2>{snapshot.workspace.name}</h2>
        <p><b>{self.real_name}</b> {self.about}</p>
      </div>
      <h3>Channels</h3>
      <ul>
        {rooms.map((room) => (
          <Place key={room.id} mark={room.is_private ? <Icon name="lock" /> : "#"} name={room.name} note={room.is_ext_shared ? "shared" : ""}
            spoken={`${room.is_private ? "private " : ""}channel`} news={news[room.id]} chosen={open === room.id}
            onClick={() => go(room.id)} />
        ))}
      </ul>
      <h3>Direct messages</h3>
      <ul>
        {direct && <Place mark={<Icon name="shield" />} name="PureCloud" note="app" spoken="direct messages with" news={news[direct.id]}
          chosen={open === direct.id || open === "home"} onClick={() => go(direct.id)} />}
      </ul>
    </nav>
  );
}

function Place({ mark, name, note, spoken, news = 0, chosen, onClick }) {
  return (
    <li>
      <button type="button" className={news ? "place news" : "place"} aria-current={chosen ? "page" : undefined} onClick={onClick}>
        <span className="mark" aria-hidden="true">{mark}</span>
        <span className="unseen">{spoken} </span>
        <span className="room">{name}</span>
        {note && <small>{note}</small>}
        {news > 0 && <span className="badge">{news}<span className="unseen"> not read</span></span>}
      </button>
    </li>
  );
}
