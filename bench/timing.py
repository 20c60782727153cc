"""Timing of calls that run in sequence, the same for every blocking client."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any


def time_calls(call: Callable[[Any], Any], arguments: Iterable[Any]) -> dict[str, Any]:
    """Call a function with each argument in sequence and return a summary of its latency and CPU time."""
    latencies = []
    cpu = time.process_time()
    for argument in arguments:
        began = time.perf_counter()
        call(argument)
        latencies.append(time.perf_counter() - began)
    return summarize(latencies, time.process_time() - cpu)


def summarize(latencies: list[float], cpu: float) -> dict[str, Any]:
    """Return the median latency and the CPU time per call, in seconds, and the number of calls."""
    return {"p50": sorted(latencies)[len(latencies) // 2], "cpu": cpu / len(latencies), "calls": len(latencies)}
