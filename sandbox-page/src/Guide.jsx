// The first steps. A step is done when its effect is in the snapshot.

import { useState } from "react";

const STORAGE_KEY = "sandbox-guide";

export function useGuide() {
  const [shown, setShown] = useState(localStorage.getItem(STORAGE_KEY) !== "dismissed");
  const set = (visible) => {
    localStorage.setItem(STORAGE_KEY, visible ? "shown" : "dismissed");
    setShown(visible);
  };
  return { shown, toggle: () => set(!shown), close: () => set(false) };
}

const personId = (snapshot, name) => snapshot.people.find((person) => person.name === name).id;
const channelId = (snapshot, name) => snapshot.channels.find((channel) => channel.name === name).id;
const isLogged = (snapshot, ...tags) => snapshot.audit_log.some((event) => tags.includes(event.tag));

const STEPS = [
  {
    title: "Who am I?",
    text: "Olivia asks the bot who she is and what she may do.",
    person: "olivia",
    line: "/purecloud whoami",
    isDone: (snapshot) => snapshot.requests.some((request) => request.operation === "get_tokens_me"),
  },
  {
    title: "Revoke sessions",
    text: "Olivia requests a revocation and approves it in her direct messages.",
    person: "olivia",
    line: "/purecloud revoke @tom laptop stolen",
    isDone: (snapshot) => isLogged(snapshot, "token:revoked"),
  },
  {
    title: "Get refused",
    text: "Nadia requests the same. She has no role, so the bot refuses.",
    person: "nadia",
    line: "/purecloud revoke @tom",
    isDone: (snapshot) => isLogged(snapshot, "request:ask_refused", "click:refused"),
  },
];

const NEXT = "Next: as Ravi, request /purecloud revoke @pia, or inject a fault.";

export function Guide({ snapshot, suggest, close }) {
  const done = STEPS.map((step) => step.isDone(snapshot));
  const next = done.indexOf(false);
  return (
    <section className="guide" aria-labelledby="guide-title">
      <h2 id="guide-title">{next < 0 ? "All steps done" : "First steps"}</h2>
      <p>{STEPS[next]?.text ?? NEXT}</p>
      <ol>
        {STEPS.map((step, index) => (
          <li key={step.title} className={done[index] ? "done" : index === next ? "next" : ""}
            aria-current={index === next ? "step" : undefined}>
            <button type="button" title={step.text} onClick={() => suggest({
              person: personId(snapshot, step.person), channel: channelId(snapshot, "ops"), line: step.line,
            })}>
              <span className="number" aria-hidden="true">{done[index] ? "✓" : index + 1}</span>
              <b>{step.title}</b>{done[index] && <span className="visually-hidden"> (done)</span>}
              <span className={index === next ? "type-it" : "visually-hidden"}> Type it for me</span>
            </button>
          </li>
        ))}
      </ol>
      <button type="button" className="dismiss" onClick={close} aria-label="Close the first steps">×</button>
    </section>
  );
}
