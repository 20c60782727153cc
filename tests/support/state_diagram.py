"""Draw the states of a request, to compare the picture in README with them."""

from __future__ import annotations

from bot.domain.requests import FINAL, TRANSITIONS, State


def diagram() -> str:
    """Return TRANSITIONS as a Mermaid diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.PENDING}"]
    lines += [
        f"    {state} --> {target}: {event}"
        for state, events in TRANSITIONS.items()
        for event, target in events.items()
    ]
    lines += [f"    {state} --> [*]" for state in State if state in FINAL]
    return "\n".join(lines)
