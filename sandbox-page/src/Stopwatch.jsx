// The time from the approver's click to the DELETE.

import { useEffect, useState } from "react";

const TICK = 100; // milliseconds

export function Stopwatch({ timing }) {
  const isRunning = timing !== null && timing.toSuccess === null && timing.outcome === null;
  const now = useNow(isRunning);
  if (timing === null) return <span className="stopwatch" role="timer" aria-label="Stopwatch">0.0 s</span>;
  const { clickedAt, toFirst, toSuccess } = timing;
  const running = Math.max(now / 1000 - clickedAt, 0).toFixed(1);
  return (
    <span className="stopwatch" role="timer" aria-label="Stopwatch">
      {isRunning ? `${running} s` : toSuccess === null ? "no success" : `${toSuccess.toFixed(2)} s`}
      {toFirst !== null && <small> first DELETE after {toFirst.toFixed(2)} s</small>}
    </span>
  );
}

function useNow(isRunning) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (!isRunning) return undefined;
    const timer = setInterval(() => setNow(Date.now()), TICK);
    return () => clearInterval(timer);
  }, [isRunning]);
  return now;
}
