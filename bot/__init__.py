"""Revoke Genesys Cloud logins from Slack."""

import sys

__version__ = "0.2.0"

if not {"rich", "structlog"} & set(sys.modules):
    sys.modules["rich"] = None  # type: ignore[assignment]
    import structlog  # noqa: F401 - it would import rich, which makes the start of `serve` a third slower

    del sys.modules["rich"]
