// The other half: what Genesys Cloud knows and received, what goes wrong, and the audit trail.

import { useState } from "react";

import { useMeant } from "./live.js";
import { clock, person } from "./seen.js";

const TABS = { received: "Received", trouble: "Go wrong", trail: "Audit trail" };

export function Backstage({ snapshot, does }) {
  const [tab, setTab] = useState("received");
  const wrong = snapshot.mishaps.genesys || snapshot.mishaps.slack_down;
  return (
    <aside className="backstage" aria-label="Genesys Cloud and behind the scenes">
      <Sessions snapshot={snapshot} does={does} />
      <div className="tabs" role="group" aria-label="Behind the scenes">
        {Object.entries(TABS).map(([name, title]) => (
          <button key={name} type="button" aria-pressed={tab === name} onClick={() => setTab(name)}>
            {title}{name === "trouble" && wrong && <span className="wrong-now">on</span>}
          </button>
        ))}
      </div>
      {tab === "received" && <Received snapshot={snapshot} />}
      {tab === "trouble" && <Trouble snapshot={snapshot} does={does} />}
      {tab === "trail" && <Trail snapshot={snapshot} />}
    </aside>
  );
}

function Sessions({ snapshot, does }) {
  const { issued, alive } = snapshot.tokens;
  return (
    <section className="sessions" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Genesys Cloud <small>stand-in</small></h2>
      <ul>
        {snapshot.sessions.map((one) => (
          <li key={one.id} className={one.sessions ? "alive" : "ended"}>
            <span className="dot" aria-hidden="true" />
            <span className="who">{one.name}</span>
            {one.sessions
              ? <span className="count">{one.sessions} {one.sessions === 1 ? "session" : "sessions"}</span>
              : <span className="count">logged out <button type="button" onClick={() => does("log-in", { person: one.id })}
                aria-label={`Let ${one.name} log in again`}>log in</button></span>}
          </li>
        ))}
        <li className={alive.length || !issued ? "alive" : "ended"}>
          <span className="dot" aria-hidden="true" />
          <span className="who">The bot itself</span>
          <span className="count">{issued ? tokensOf(issued, alive) : "no token yet"}</span>
        </li>
      </ul>
    </section>
  );
}

function tokensOf(issued, alive) {
  const ended = issued - alive.length;
  return `${alive.length} ${alive.length === 1 ? "token" : "tokens"}${ended ? `, ${ended} ended` : ""}`;
}

function Received({ snapshot }) {
  const newest = [...snapshot.journal.entries()].reverse();
  return (
    <section className="pane" aria-labelledby="received-title">
      <h3 id="received-title">What Genesys Cloud received</h3>
      {newest.length === 0 && <p className="nothing">Nothing yet.</p>}
      <ol className="journal" tabIndex={0} aria-label="Requests, newest first">
        {newest.map(([place, entry]) => <Request key={place} entry={entry} snapshot={snapshot} />)}
      </ol>
    </section>
  );
}

function Request({ entry, snapshot }) {
  const whose = snapshot.sessions.find((one) => entry.path.includes(one.id));
  const good = entry.status !== null && entry.status < 400;
  return (
    <li className={entry.method === "DELETE" ? "deletes" : ""}>
      <span className="method">{entry.method}</span>
      <span className="operation">{entry.operation}{whose && <small><span className="unseen"> · </span>{whose.name}</small>}</span>
      <span className={good ? "status" : "status bad"}>{entry.status ?? "no answer"}</span>
      <time>{clock(entry.at)}</time>
      <span className="path">{entry.path}</span>
    </li>
  );
}

function Trouble({ snapshot, does }) {
  const { offered, genesys, slack_down } = snapshot.mishaps;
  const [mishap, choose] = useMeant(genesys ?? "", (name) => does("mishap", { name }));
  const [down, setDown] = useMeant(slack_down, (wanted) => does("slack", { down: wanted }));
  return (
    <section className="pane controls" aria-label="Let things go wrong">
      <fieldset>
        <legend>Genesys Cloud, asked to end a login</legend>
        {[{ name: "", title: "works" }, ...offered].map((one) => (
          <label key={one.name}>
            <input type="radio" name="mishap" checked={mishap === one.name} onChange={() => choose(one.name)} /> {one.title}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>Slack</legend>
        <label>
          <input type="checkbox" checked={down} onChange={(event) => setDown(event.target.checked)} /> does not answer the bot
        </label>
      </fieldset>
      <fieldset>
        <legend>The clock</legend>
        <p>Open requests come nearer to their end. They can be confirmed for 5 minutes.</p>
        <button type="button" className="press" onClick={() => does("time", { seconds: 60 })}>1 minute passes</button>
        <button type="button" className="press" onClick={() => does("time", { seconds: 300 })}>5 minutes pass</button>
      </fieldset>
      <Replicas running={snapshot.replica} does={does} />
    </section>
  );
}

function Replicas({ running, does }) {
  const [busy, setBusy] = useState(false);
  const ask = async (wanted) => {
    setBusy(true);
    await does("replica", { running: wanted });
    setBusy(false);
  };
  return (
    <fieldset>
      <legend>Replicas of the bot</legend>
      <p role="status">{running
        ? "Two run on one database; Slack speaks to the second. Killed while Genesys Cloud is slow, its work is taken over."
        : "One runs."}</p>
      {running
        ? <button type="button" className="press danger" disabled={busy} onClick={() => ask(false)}>Kill the second</button>
        : <button type="button" className="press" disabled={busy} onClick={() => ask(true)}>
          {busy ? "Starting…" : "Start a second"}</button>}
    </fieldset>
  );
}

function Trail({ snapshot }) {
  const newest = [...snapshot.trail.entries()].reverse();
  const target = (id) => (id === "me" ? "the bot's token" : snapshot.sessions.find((one) => one.id === id)?.name ?? id);
  return (
    <section className="pane" aria-labelledby="trail-title">
      <h3 id="trail-title">Audit trail, chained row by row</h3>
      {newest.length === 0 && <p className="nothing">Nothing yet.</p>}
      <ol className="trail" tabIndex={0} aria-label="Rows of the trail, newest first">
        {newest.map(([place, row]) => (
          <li key={place}>
            <code className={/refused|failed|unknown/.test(row.tag) ? "bad" : ""}>{row.tag}</code>
            <span>{person(snapshot, row.actor)?.real_name ?? row.actor}{row.target && ` → ${target(row.target)}`}</span>
            <span className="reference">{row.reference}</span>
            <time>{clock(row.at)}</time>
          </li>
        ))}
      </ol>
    </section>
  );
}
