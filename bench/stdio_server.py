"""The server side of `MeasuredProcess.call`, with JSON messages over stdin and stdout."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

Method = Callable[..., dict[str, Any]]


def serve(methods: Mapping[str, Method]) -> None:
    """Execute the called methods and write their results until stdin ends."""
    for line in sys.stdin:
        call = json.loads(line)
        write_message(methods[call["method"]](**call["arguments"]))


def write_message(message: dict[str, Any]) -> None:
    """Write one message to the process that started this one."""
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()
