"""The command line: `python -m bot [serve|sandbox|check]`.

Exit codes: 0 well, 1 the run broke or a check failed, 2 a setting is missing or wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import structlog

from bot.errors import SettingsError

log = structlog.get_logger()


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run a verb; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot", description="Revoke Genesys Cloud logins from Slack.")
    parser.add_argument(
        "verb",
        nargs="?",
        choices=VERBS,
        default="serve",
        help="serve: run against Slack and Genesys Cloud, as the environment says (the default); "
        "sandbox: run against local stand-ins, with nothing to configure; "
        "check: look at everything a start depends on, say what is wrong, change nothing",
    )
    parser.add_argument("--json", action="store_true", help="check: write a JSON list")
    chosen = parser.parse_args(arguments)
    if chosen.json and chosen.verb != "check":
        parser.error("--json goes with check")
    try:
        return check(environ, as_json=chosen.json) if chosen.verb == "check" else VERBS[chosen.verb](environ)
    except SettingsError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - a person at a terminal reads it
        return 2
    except OSError as error:
        log.error("the bot cannot run", problem=str(error))  # noqa: TRY400 - an address in use needs no trace
        return 1


def serve(environ: Mapping[str, str]) -> int:
    """Run for real, until SIGTERM."""
    with _loading():
        from bot import app as server  # noqa: PLC0415 - a wrong verb or setting is answered before anything heavy loads
        from bot import logs  # noqa: PLC0415 - a wrong verb or setting is answered before anything heavy loads
        from bot.settings import read_settings  # noqa: PLC0415

    settings = read_settings(environ)
    secrets = (
        settings.slack_bot_token,
        settings.slack_signing_secret,
        settings.slack_app_token,
        settings.purecloud_secret,
    )
    kept = (secret.get_secret_value() for secret in secrets if secret is not None)
    logs.configure(settings.log_level, settings.log_format, *kept)
    _runner()(server.serve(settings))
    return 0


def sandbox(environ: Mapping[str, str]) -> int:
    """Run against stand-ins, until Ctrl-C."""
    with _loading():
        from bot.sandbox.cli import run  # noqa: PLC0415 - a running bot never loads its stand-ins

    asyncio.run(run(environ))
    return 0


def check(environ: Mapping[str, str], *, as_json: bool = False) -> int:
    """Examine everything, and tell it on standard output; returns the exit code."""
    from bot import logs  # noqa: PLC0415 - a wrong verb is answered before anything heavy loads
    from bot.checks.report import as_json as written  # noqa: PLC0415
    from bot.checks.report import text_for, without_secrets  # noqa: PLC0415
    from bot.checks.result import exit_code  # noqa: PLC0415
    from bot.checks.run import examine  # noqa: PLC0415

    logs.configure("critical", "auto")  # what is wrong is told once, as a finding
    findings = without_secrets(asyncio.run(examine(environ)), environ)
    print(written(findings) if as_json else text_for(sys.stdout, findings, environ))  # noqa: T201 - the report
    return exit_code(findings)


@contextmanager
def _loading() -> Iterator[None]:
    """Look for no garbage while modules load, for none of it becomes any: a third of the start."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    """The faster loop where there is one: half the processor time of a call over HTTP (docs/performance.md)."""
    try:
        from uvloop import run  # noqa: PLC0415 - it is not made for Windows
    except ImportError:
        return asyncio.run
    return run


VERBS = {"serve": serve, "sandbox": sandbox, "check": check}
