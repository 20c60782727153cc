// The choice of the person that the user acts as.

import { initials, playablePeople, unreadCounts } from "./selectors.js";

export function PersonaPicker({ snapshot, me, read, switchTo }) {
  return (
    <nav className="personas" aria-label="Who you are">
      <fieldset>
        <legend>You are</legend>
        {playablePeople(snapshot).map((person) => {
          const unread = Object.values(unreadCounts(snapshot, person.id, read)).reduce((sum, count) => sum + count, 0);
          return (
            <label key={person.id} className="persona" title={person.about}>
              <input type="radio" name="me" value={person.id} checked={person.id === me} onChange={() => switchTo(person.id)} />
              <span className="face" data-person={person.name} aria-hidden="true">{initials(person.real_name)}</span>
              <span className="name">{person.real_name.split(" ")[0]}</span>
              <span className="role">{person.role}</span>
              {unread > 0 && person.id !== me && <span className="badge">{unread}<span className="visually-hidden"> unread</span></span>}
            </label>
          );
        })}
      </fieldset>
    </nav>
  );
}
