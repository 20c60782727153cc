"""Calls made one after another, and what they took; the same for every client that calls and waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any


def called(call: Callable[[Any], Any], arguments: Iterable[Any]) -> dict[str, Any]:
    """Call for each argument; returns seconds of CPU a call and each call's seconds."""
    latencies = []
    cpu = time.process_time()
    for one in arguments:
        began = time.perf_counter()
        call(one)
        latencies.append(time.perf_counter() - began)
    return told(latencies, time.process_time() - cpu)


def told(latencies: list[float], cpu: float) -> dict[str, Any]:
    """Reduce what was measured to what is compared."""
    return {"p50": sorted(latencies)[len(latencies) // 2], "cpu": cpu / len(latencies), "calls": len(latencies)}
