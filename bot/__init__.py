"""Revoke Genesys Cloud logins from Slack."""

import sys
from contextlib import suppress

__version__ = "0.2.0"

if not {"rich", "structlog"} & set(sys.modules):
    sys.modules["rich"] = None  # type: ignore[assignment]
    with suppress(ImportError):  # the benchmarks import parts of the bot without its dependencies
        import structlog  # noqa: F401 - it would import rich, which makes the start of `serve` a third slower
    del sys.modules["rich"]
