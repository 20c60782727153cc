"""Structured logs without secrets and control characters: JSON lines, or coloured text on a terminal."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from bot.redaction import redact
from bot.visible_text import visible_text

WARNINGS_ONLY = ("slack_bolt", "slack_sdk", "aiohttp", "asyncio", "psycopg")
"""Libraries whose loggers are limited to warnings, because they log whole bodies at lower levels."""

_MISLEADING = (
    "As `installation_store` or `authorize` has been used, `token` (or SLACK_BOT_TOKEN env variable) will",
    "As you gave `client` as well, `token` will be unused.",
)
"""Starts of messages that Bolt logs for an app with its own `authorize` and client; SLACK_BOT_TOKEN is not ignored."""


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


def _on_one_line(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("\n", "\n  ") if name in _MULTILINE else visible_text(value)


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
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        Redactor(secrets),
    ]
    renderer = structlog.dev.ConsoleRenderer() if human else structlog.processors.JSONRenderer()
    _configure_standard_logging(level, stream, shared, renderer)
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


def _configure_standard_logging(level: str, stream: TextIO, processors: list[Any], renderer: Any) -> None:
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=processors,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    handler.addFilter(lambda record: not str(record.msg).startswith(_MISLEADING))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in WARNINGS_ONLY:
        logging.getLogger(name).setLevel(logging.WARNING)
