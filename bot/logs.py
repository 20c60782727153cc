"""Structured logs: JSON lines for machines, coloured ones on a terminal, and never a secret in either."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, TextIO

import structlog

from bot.redaction import redact

_QUIET = ("slack_bolt", "slack_sdk", "aiohttp", "asyncio", "alembic", "sqlalchemy")
"""Libraries that log whole bodies when asked for more: only their warnings are let through."""

_MISLEADING = "As `installation_store` or `authorize` has been used, `token` (or SLACK_BOT_TOKEN env variable) will"
"""Bolt says so at every start of an app that tells it the token itself; SLACK_BOT_TOKEN is not ignored."""


class Redactor:
    """A structlog processor that knows this process' own secrets besides the shapes of others."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._secrets = secrets

    def __call__(self, _logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        """Return the event without secrets; structlog's own entries pass."""
        private = {key: value for key, value in event.items() if key.startswith("_")}
        said = {key: value for key, value in event.items() if not key.startswith("_")}
        return {**redact(said, *self._secrets), **private}


def configure(level: str, form: str, *secrets: str, stream: TextIO | None = None) -> None:
    """Set logging up, for this code and for the libraries, on standard error; `form` is auto, json or human."""
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
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer]
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    handler.addFilter(lambda record: not str(record.msg).startswith(_MISLEADING))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
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
