// State that survives a reload of the tab, until the sandbox is reset.

import { useEffect, useState } from "react";

const PREFIX = "sandbox-run";

// Like useState, for values that JSON can hold; `run` is the run's id.
export function useRunState(run, name, initial) {
  const key = `${PREFIX}/${run}/${name}`;
  const [value, setValue] = useState(() => load(key) ?? initial);
  useEffect(() => sessionStorage.setItem(key, JSON.stringify(value)), [key, value]);
  return [value, setValue];
}

export function dropOtherRuns(run) {
  Object.keys(sessionStorage)
    .filter((key) => key.startsWith(`${PREFIX}/`) && !key.startsWith(`${PREFIX}/${run}/`))
    .forEach((key) => sessionStorage.removeItem(key));
}

function load(key) {
  const stored = sessionStorage.getItem(key);
  return stored === null ? null : JSON.parse(stored);
}
