// The page's connection to the sandbox: a stream of snapshots, and actions.

import { useEffect, useState } from "react";

const DISCONNECTED = "The sandbox does not respond. Is it still running? The page shows the last known state.";

// Returns the latest snapshot, or null before the first, and a sentence while the stream is down, or null.
export function useSnapshot() {
  const [snapshot, setSnapshot] = useState(null);
  const [problem, setProblem] = useState(null);
  useEffect(() => {
    const source = new EventSource("events");
    source.onmessage = (event) => {
      setSnapshot(JSON.parse(event.data));
      setProblem(null);
    };
    source.onerror = () => setProblem(DISCONNECTED);
    return () => source.close();
  }, []);
  return [snapshot, problem];
}

// Returns the value to show and its setter: the user's choice until the next snapshot has a new value.
export function useOptimistic(value, post) {
  const [chosen, setChosen] = useState(null);
  useEffect(() => setChosen(null), [value]);
  const choose = async (next) => {
    setChosen(next);
    if (await post(next)) setChosen(null);
  };
  return [chosen ?? value, choose];
}

// Runs an action of the sandbox. Returns a sentence if it failed, else null.
export async function postAction(name, body = {}) {
  try {
    const response = await fetch(name, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    return response.ok ? (await response.json()).problem : await response.text();
  } catch {
    return "The sandbox does not respond.";
  }
}
