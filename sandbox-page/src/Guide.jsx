// The incident drill. A step is done when its effect is in the snapshot.

import { useState } from "react";

import { Stopwatch } from "./Stopwatch.jsx";
import { timing } from "./timing.js";

const STORAGE_KEY = "sandbox-guide";
const LINE = "/purecloud revoke @tom laptop stolen";

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
const isLogged = (snapshot, name) => snapshot.audit_log.some((event) => event.name === name);

// `act` does what the button of the step says; a step without one waits for the bot.
const STEPS = [
  {
    title: "Request",
    text: "The laptop of Tom, an agent, is stolen. Ravi requests a revocation.",
    button: "Type it for me",
    act: ({ snapshot, post, goTo }) => {
      post("genesys-fault", { name: "503" });
      post("replica", { running: true });
      goTo({ person: personId(snapshot, "ravi"), channel: channelId(snapshot, "ops"), line: LINE });
    },
    isDone: (snapshot) => isLogged(snapshot, "request:requested"),
  },
  {
    title: "Approve",
    text: "The stopwatch starts when Ben clicks the button on the card.",
    button: "Open #approvals as Ben",
    act: ({ snapshot, goTo }) => goTo({
      person: personId(snapshot, "ben"), channel: channelId(snapshot, "approvals"), line: "",
    }),
    isDone: (snapshot) => timing(snapshot) !== null,
  },
  {
    title: "503",
    text: "Replica 2 sends the DELETE, and Genesys Cloud answers 503. If the request has ended without it, reset to start the drill.",
    isDone: (snapshot) => timing(snapshot)?.failures > 0,
  },
  {
    title: "Kill",
    text: "Replica 2 tries again. Kill it now; Genesys Cloud works again from then on.",
    button: "Kill replica 2",
    act: async ({ post }) => {
      await post("replica", { running: false });
      post("genesys-fault", { name: "" });
    },
    isDone: (snapshot) => !snapshot.replica,
  },
  {
    title: "Outcome",
    text: "Replica 1 takes over the work of the killed one.",
    isDone: (snapshot) => Boolean(timing(snapshot)?.outcome),
  },
];

export function Guide({ snapshot, post, goTo, close }) {
  const found = STEPS.findIndex((step) => !step.isDone(snapshot));
  const next = found < 0 ? STEPS.length : found;
  const { text, button, act } = STEPS[next] ?? { text: summary(timing(snapshot)) };
  return (
    <section className="guide" aria-labelledby="guide-title">
      <h2 id="guide-title">{found < 0 ? "Drill done" : "Incident drill"}</h2>
      <Stopwatch timing={timing(snapshot)} />
      <ol>
        {STEPS.map(({ title }, index) => (
          <li key={title} className={index < next ? "done" : index === next ? "next" : ""}
            aria-current={index === next ? "step" : undefined}>
            <span className="number" aria-hidden="true">{index < next ? "✓" : index + 1}</span>
            <b>{title}</b>{index < next && <span className="visually-hidden"> (done)</span>}
          </li>
        ))}
      </ol>
      <p>{text} {button && <button type="button" className="button primary"
        onClick={() => act({ snapshot, post, goTo })}>{button}</button>}</p>
      <button type="button" className="dismiss" onClick={close} aria-label="Close the incident drill">×</button>
    </section>
  );
}

function summary({ outcome, toSuccess, failures }) {
  const although = failures ? `, although Genesys Cloud answered 503 to ${failures} ${failures === 1 ? "DELETE" : "DELETEs"}` : "";
  return outcome === "token:revoked"
    ? `The sessions ended ${toSuccess.toFixed(2)} s after the click${although}. Now break it yourself, under “Faults”.`
    : "Genesys Cloud did not end the sessions, and the card says so. Reset to try again.";
}
