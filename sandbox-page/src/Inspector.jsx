// The panel beside Slack: Genesys Cloud's sessions and requests, the faults, the audit log, and a phone.

import { useState } from "react";

import { useOptimistic } from "./api.js";
import { AuditLog } from "./AuditLog.jsx";
import { LockScreen } from "./LockScreen.jsx";
import { clockTime } from "./selectors.js";

const TABS = { requests: "Requests", faults: "Faults", audit: "Audit log", phone: "Phone" };

export function Inspector({ snapshot, me, names, post }) {
  const [tab, setTab] = useState("requests");
  const faulty = snapshot.faults.genesys || snapshot.faults.slack_down;
  return (
    <aside className="inspector" aria-label="Inspector">
      <Sessions snapshot={snapshot} post={post} />
      <div className="tabs" role="group" aria-label="Inspector tabs">
        {Object.entries(TABS).map(([name, title]) => (
          <button key={name} type="button" aria-pressed={tab === name} onClick={() => setTab(name)}>
            {title}{name === "faults" && faulty && <span className="fault-mark">on</span>}
          </button>
        ))}
      </div>
      {tab === "requests" && <Requests snapshot={snapshot} />}
      {tab === "faults" && <Faults snapshot={snapshot} post={post} />}
      {tab === "audit" && <AuditLog snapshot={snapshot} post={post} />}
      {tab === "phone" && <LockScreen snapshot={snapshot} me={me} names={names} />}
    </aside>
  );
}

function Sessions({ snapshot, post }) {
  const { issued, live } = snapshot.tokens;
  return (
    <section className="sessions" aria-labelledby="sessions-title">
      <h2 id="sessions-title">Genesys Cloud <small>fake</small></h2>
      <ul>
        {snapshot.users.map((user) => (
          <li key={user.id} className={user.sessions ? "live" : "ended"}>
            <span className="dot" aria-hidden="true" />
            <span className="who">{user.name}</span>
            {user.sessions
              ? <span className="count">{user.calls > 0 && "on a call · "}{user.sessions} {user.sessions === 1 ? "session" : "sessions"}</span>
              : <span className="count">logged out <time>{endOf(snapshot, user)}</time> <button type="button" onClick={() => post("log-in", { user: user.id })}
                aria-label={`Log ${user.name} in again`}>log in</button></span>}
          </li>
        ))}
        <li className={snapshot.agents.sessions ? "live" : "ended"}>
          <span className="dot" aria-hidden="true" />
          <span className="who">{snapshot.agents.count} agents of Contact centre</span>
          <span className="count">{snapshot.agents.sessions ? `${snapshot.agents.sessions} sessions` : "logged out"}</span>
        </li>
        <li className={live.length || !issued ? "live" : "ended"}>
          <span className="dot" aria-hidden="true" />
          <span className="who">The bot</span>
          <span className="count">{issued ? tokenCount(issued, live) : "no token yet"}</span>
        </li>
      </ul>
    </section>
  );
}

// The time of the last DELETE that succeeded for this user.
function endOf(snapshot, user) {
  const ended = snapshot.requests.findLast(({ method, path, status }) => (
    method === "DELETE" && path.includes(user.id) && status !== null && status < 300));
  return ended ? clockTime(ended.at) : "";
}

function tokenCount(issued, live) {
  const revoked = issued - live.length;
  return `${live.length} ${live.length === 1 ? "token" : "tokens"}${revoked ? `, ${revoked} revoked` : ""}`;
}

function Requests({ snapshot }) {
  const newest = [...snapshot.requests.entries()].reverse();
  return (
    <section className="pane" aria-labelledby="requests-title">
      <h3 id="requests-title">Requests to Genesys Cloud</h3>
      {newest.length === 0 && <p className="empty">No requests yet. Every request of the bot appears here: start the incident drill.</p>}
      <ol className="requests" tabIndex={0} aria-label="Requests, newest first">
        {newest.map(([index, request]) => <Request key={index} request={request} snapshot={snapshot} />)}
      </ol>
    </section>
  );
}

function Request({ request, snapshot }) {
  const user = snapshot.users.find((one) => request.path.includes(one.id));
  const succeeded = request.status !== null && request.status < 400;
  return (
    <li className={request.method === "DELETE" ? "deletes" : ""}>
      <span className="method">{request.method}</span>
      <span className="operation">{request.operation}{user && <small><span className="visually-hidden"> · </span>{user.name}</small>}</span>
      <span className={succeeded ? "status" : "status bad"}>{request.status ?? "no response"}</span>
      <time>{clockTime(request.at)}</time>
      <span className="path">{request.path}</span>
    </li>
  );
}

function Faults({ snapshot, post }) {
  const { choices, genesys, slack_down } = snapshot.faults;
  const [fault, setFault] = useOptimistic(genesys ?? "", (name) => post("genesys-fault", { name }));
  const [again, setAgain] = useOptimistic(snapshot.single_sign_on, (on) => post("single-sign-on", { on }));
  const [fast, setFast] = useOptimistic(snapshot.fast_clock, (on) => post("fast-clock", { on }));
  const [down, setDown] = useOptimistic(slack_down, (wanted) => post("slack-down", { down: wanted }));
  return (
    <section className="pane controls" aria-label="Inject faults">
      <fieldset>
        <legend>When the bot revokes sessions, Genesys Cloud</legend>
        {[{ name: "", title: "works" }, ...choices].map((choice) => (
          <label key={choice.name}>
            <input type="radio" name="genesys-fault" checked={fault === choice.name} onChange={() => setFault(choice.name)} /> {choice.title}
          </label>
        ))}
      </fieldset>
      <fieldset>
        <legend>After a revocation, single sign-on</legend>
        <label>
          <input type="checkbox" checked={again} onChange={(event) => setAgain(event.target.checked)} /> logs the person in again after 5 s
        </label>
      </fieldset>
      <fieldset>
        <legend>Slack</legend>
        <label>
          <input type="checkbox" checked={down} onChange={(event) => setDown(event.target.checked)} /> does not respond to the bot
        </label>
      </fieldset>
      <fieldset>
        <legend>Clock</legend>
        <p>Requests expire after 5 minutes. These buttons move their expiry closer.</p>
        <button type="button" className="button" onClick={() => post("advance-clock", { seconds: 60 })}>Advance 1 minute</button>
        <button type="button" className="button" onClick={() => post("advance-clock", { seconds: 300 })}>Advance 5 minutes</button>
        <label>
          <input type="checkbox" checked={fast} onChange={(event) => setFast(event.target.checked)} /> Genesys Cloud counts its rate limit 20 times as fast: a bulk request takes seconds
        </label>
      </fieldset>
      <Replicas running={snapshot.replica} post={post} />
    </section>
  );
}

function Replicas({ running, post }) {
  const [busy, setBusy] = useState(false);
  const setRunning = async (wanted) => {
    setBusy(true);
    await post("replica", { running: wanted });
    setBusy(false);
  };
  return (
    <fieldset>
      <legend>Replicas of the bot</legend>
      <p role="status">{running
        ? "Two replicas share one database. Slack sends its requests to replica 2. If you kill it, replica 1 takes over its work."
        : "One replica is running."}</p>
      {running
        ? <button type="button" className="button danger" disabled={busy} onClick={() => setRunning(false)}>Kill replica 2</button>
        : <button type="button" className="button" disabled={busy} onClick={() => setRunning(true)}>
          {busy ? "Starting…" : "Start replica 2"}</button>}
    </fieldset>
  );
}
