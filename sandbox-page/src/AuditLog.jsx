// The audit log, its verification, and a way to break its chain.

import { clockTime, findPerson } from "./selectors.js";

export function AuditLog({ snapshot, post }) {
  const { audit_log, verification } = snapshot;
  const rows = [...audit_log].reverse();
  return (
    <section className="pane" aria-labelledby="audit-title">
      <h3 id="audit-title">Audit log; each row holds a hash of the row before</h3>
      {rows.length === 0
        ? <p className="empty">No rows yet. Every request, approval, refusal and outcome adds one.</p>
        : <p className="verify">
          <button type="button" className="button" onClick={() => post("verify-audit-log")}>Verify</button>
          <span role="status" className={verification?.broken ? "bad" : ""}>{verification?.line ?? "Change a row, then verify."}</span>
        </p>}
      <ol className="audit-log" tabIndex={0} aria-label="Audit log, newest first">
        {rows.map((event) => (
          <Row key={event.number} event={event} snapshot={snapshot} post={post} isBroken={event.number === verification?.broken} />
        ))}
      </ol>
    </section>
  );
}

function Row({ event, snapshot, post, isBroken }) {
  const target = (id) => (id === "me" ? "the bot's token" : snapshot.users.find((user) => user.id === id)?.name ?? id);
  return (
    <li className={isBroken ? "broken" : ""}>
      <code className={/denied|refused|failed|unknown/.test(event.name) ? "bad" : ""}>{event.number} {event.name}</code>
      <span>{findPerson(snapshot, event.actor)?.real_name ?? event.actor}{event.target && ` → ${target(event.target)}`}</span>
      <span className="reference">{event.reference} <button type="button" onClick={() => post("change-audit-row", { row: event.number })}
        aria-label={`Change the actor of row ${event.number}`}>change</button></span>
      <time>{clockTime(event.at)}</time>
    </li>
  );
}
