// The first minute: three steps, ticked off by what really happened.

import { useState } from "react";

const DISMISSED = "sandbox-guide";

export function useGuide() {
  const [shown, setShown] = useState(localStorage.getItem(DISMISSED) !== "dismissed");
  const set = (visible) => {
    localStorage.setItem(DISMISSED, visible ? "shown" : "dismissed");
    setShown(visible);
  };
  return { shown, open: () => set(!shown), close: () => set(false) };
}

const named = (snapshot, name) => snapshot.people.find((one) => one.name === name).id;
const channel = (snapshot, name) => snapshot.channels.find((one) => one.name === name).id;
const told = (snapshot, ...tags) => snapshot.trail.some((row) => tags.includes(row.tag));

const STEPS = [
  {
    title: "Who am I?",
    text: "Olivia asks the bot who she is and what she may do.",
    who: "olivia",
    line: "/purecloud whoami",
    done: (snapshot) => snapshot.journal.some((entry) => entry.operation === "get_tokens_me"),
  },
  {
    title: "End a login",
    text: "Olivia asks, and confirms it in her direct messages.",
    who: "olivia",
    line: "/purecloud revoke @tom laptop stolen",
    done: (snapshot) => told(snapshot, "token:revoked"),
  },
  {
    title: "Be refused",
    text: "Nadia asks too. She works here, but may not.",
    who: "nadia",
    line: "/purecloud revoke @tom",
    done: (snapshot) => told(snapshot, "request:ask_refused", "click:refused"),
  },
];

const OVER = "Next: be Ravi and revoke @pia, or let something go wrong.";

export function Guide({ snapshot, suggest, close }) {
  const done = STEPS.map((step) => step.done(snapshot));
  const next = done.indexOf(false);
  return (
    <section className="guide" aria-labelledby="guide-title">
      <h2 id="guide-title">{next < 0 ? "That was it" : "Your first minute"}</h2>
      <p>{STEPS[next]?.text ?? OVER}</p>
      <ol>
        {STEPS.map((step, place) => (
          <li key={step.title} className={done[place] ? "done" : place === next ? "next" : ""}
            aria-current={place === next ? "step" : undefined}>
            <button type="button" title={step.text} onClick={() => suggest({
              as: named(snapshot, step.who), channel: channel(snapshot, "ops"), line: step.line,
            })}>
              <span className="number" aria-hidden="true">{done[place] ? "✓" : place + 1}</span>
              <b>{step.title}</b>{done[place] && <span className="unseen"> (done)</span>}
              <span className={place === next ? "typing" : "unseen"}> Type it for me</span>
            </button>
          </li>
        ))}
      </ol>
      <button type="button" className="dismiss" onClick={close} aria-label="Dismiss the first steps">×</button>
    </section>
  );
}
