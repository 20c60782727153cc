// Hear what there is to see, and say what is done.

import { useEffect, useState } from "react";

const SILENT = "The sandbox does not answer; was it stopped? This page shows what it saw last.";

export function useSnapshot() {
  const [snapshot, setSnapshot] = useState(null);
  const [silence, setSilence] = useState(null);
  useEffect(() => {
    const source = new EventSource("events");
    source.onmessage = (event) => {
      setSnapshot(JSON.parse(event.data));
      setSilence(null);
    };
    source.onerror = () => setSilence(SILENT);
    return () => source.close();
  }, []);
  return [snapshot, silence];
}

// What a control shows: what somebody just chose, until the next snapshot that says something else.
export function useMeant(said, say) {
  const [meant, setMeant] = useState(null);
  useEffect(() => setMeant(null), [said]);
  const choose = async (value) => {
    setMeant(value);
    if (await say(value)) setMeant(null);
  };
  return [meant ?? said, choose];
}

// Returns a sentence when it did not work, else null.
export async function act(name, what = {}) {
  try {
    const response = await fetch(name, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(what),
    });
    return response.ok ? (await response.json()).problem : await response.text();
  } catch {
    return "The sandbox does not answer.";
  }
}
