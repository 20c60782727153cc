// Whom one plays.

import { initials, playable, unread } from "./seen.js";

export function Rail({ snapshot, me, read, become }) {
  return (
    <nav className="rail" aria-label="Who you are">
      <fieldset>
        <legend>You are</legend>
        {playable(snapshot).map((one) => {
          const news = Object.values(unread(snapshot, one.id, read)).reduce((sum, count) => sum + count, 0);
          return (
            <label key={one.id} className="being" title={one.about}>
              <input type="radio" name="me" value={one.id} checked={one.id === me} onChange={() => become(one.id)} />
              <span className="face" data-person={one.name} aria-hidden="true">{initials(one.real_name)}</span>
              <span className="name">{one.real_name.split(" ")[0]}</span>
              <span className="role">{one.role}</span>
              {news > 0 && one.id !== me && <span className="badge">{news}<span className="unseen"> not read</span></span>}
            </label>
          );
        })}
      </fieldset>
    </nav>
  );
}
