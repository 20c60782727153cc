"""Structured logs without secrets and control characters: JSON lines, or coloured text on a terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, MutableMapping
from typing import Any, TextIO

import structlog
from structlog.processors import JSONRenderer

from bot.redaction import redact
from bot.visible_text import visible_text

WARNINGS_ONLY = ("slack_bolt", "slack_sdk", "aiohttp", "asyncio", "psycopg")
"""Libraries whose loggers are limited to warnings, because they log whole bodies at lower levels."""

_MISLEADING = (
    "As `installation_store` or `authorize` has been used, `token` (or SLACK_BOT_TOKEN env variable) will",
    "As you gave `client` as well, `token` will be unused.",
)
"""Starts of messages that Bolt logs for an app with its own `authorize` and client; SLACK_BOT_TOKEN is not ignored."""


FIRST_FIELDS = (
    "timestamp", "level", "event", "message", "reference", "kind", "target", "requester", "by", "state",
)  # fmt: skip
"""Fields that begin a line, in this order. The others follow by name."""

LAST_FIELDS = ("logger", "exception", "stack")
"""Fields that end a line, in this order."""

REPEAT_INTERVAL = 60.0
"""Seconds between two lines about a problem that goes on, so that the log of an outage stays readable."""

_MULTILINE = frozenset({"exception", "stack"})
"""Fields of an event that have several lines, all but the first indented, so that none looks like an event."""


class Redactor:
    """A structlog processor that removes secrets, what readers cannot see, and line breaks."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the event without secrets; keep structlog's own entries, which begin with `_`."""
        internal = {key: value for key, value in event.items() if key.startswith("_")}
        public = {key: value for key, value in event.items() if not key.startswith("_")}
        return {name: _on_one_line(name, value) for name, value in redact(public, *self._secrets).items()} | internal


class RepeatLimit:
    """Decides which reports of a problem that goes on are logged: the first, then one a minute."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._problem: str | None = None
        self._next = 0.0

    def allows(self, problem: str) -> bool:
        """Return whether to log a problem now; another problem is logged at once."""
        if problem == self._problem and self._clock() < self._next:
            return False
        self._problem, self._next = problem, self._clock() + REPEAT_INTERVAL
        return True

    def reset(self) -> None:
        """Note that the problem is over, so that its return is logged."""
        self._problem = None


def in_fixed_order(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Return the fields of a line in an order that is the same on every line."""
    others = sorted(event.keys() - {*FIRST_FIELDS, *LAST_FIELDS})
    return {name: event[name] for name in (*FIRST_FIELDS, *others, *LAST_FIELDS) if name in event}


def _from_library(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Give the line of a library the name of an event; what it says is its message."""
    return {**event, "event": "library.message", "message": event["event"]}


def _as_prose(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Put the message of a line where a person at a terminal looks for it."""
    message = event.pop("message", None)
    return event if message is None else {**event, "event": message}


def _on_one_line(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("\n", "\n  ") if name in _MULTILINE else visible_text(value)


_HUMAN_TIME = structlog.processors.TimeStamper(fmt="%Y-%m-%d %H:%M:%S", utc=False)
"""A terminal is read by a person, in the time of the machine."""


def configure(level: str, form: str, *secrets: str, stream: TextIO | None = None) -> None:
    """Configure structlog and the standard library's logging to write to one stream.

    `form` is `auto`, `json` or `human`; `secrets` are removed from every line; the stream is standard error by
    default.
    """
    stream = stream or sys.stderr
    human = form == "human" or (form == "auto" and stream.isatty())
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _HUMAN_TIME if human else structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redactor(secrets),
        in_fixed_order,
    ]
    renderers = [_as_prose, structlog.dev.ConsoleRenderer(sort_keys=False)] if human else [JSONRenderer()]
    _configure_standard_logging(level, stream, shared, renderers)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def _configure_standard_logging(level: str, stream: TextIO, processors: list[Any], renderers: list[Any]) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[_from_library, *processors],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    handler.addFilter(lambda record: not str(record.msg).startswith(_MISLEADING))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
