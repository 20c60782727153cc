"""The other end of `Process.ask`: read what to do, do it, say what came of it. Needs nothing but Python."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

Verb = Callable[..., dict[str, Any]]


def obey(verbs: Mapping[str, Verb]) -> None:
    """Do what is asked, until nobody asks any more."""
    for line in sys.stdin:
        how = json.loads(line)
        say(verbs[how.pop("verb")](**how))


def say(told: dict[str, Any]) -> None:
    """Say something to whoever started this program."""
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()
