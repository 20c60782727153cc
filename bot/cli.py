"""The command line: `python -m bot`, installed as `purecloud-bot`.

A new verb needs a function that runs it and a function that adds its parser; see `_add_check`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import sys
import textwrap
from argparse import Namespace
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import PurePath
from typing import Any

import structlog

from bot import __version__
from bot.errors import BotError, SettingsError

AddParser = Callable[..., argparse.ArgumentParser]
"""Adds the parser of a verb, as `add_parser` of argparse does."""

log = structlog.get_logger()

COMMAND = "purecloud-bot"

SETTINGS_PLACEHOLDER = "<settings>"
"""What `_Parser` replaces with the list of settings, so that only a call of --help loads them."""

HTTP_ONLY = "SLACK_SIGNING_SECRET"
"""The setting that is required unless the bot uses Socket Mode."""

EXIT_CODES = """
exit codes:
  0  the verb succeeded
  1  the run broke, or a check failed
  2  a setting or an argument is missing or invalid
"""


_AUDIT_SETTINGS = "DATABASE_URL, AUDIT_KEY (or DATABASE_URL_FILE, AUDIT_KEY_FILE)"


def main(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> int:
    """Run a verb and return the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options, environ))
    except SettingsError as error:
        for problem in error.problems:
            print(problem, file=sys.stderr)  # noqa: T201 - for a person at a terminal
        return 2
    except (OSError, BotError) as error:
        log.error("app.failed", problem=str(error))  # noqa: TRY400 - an address in use needs no traceback
        return 1


def serve(_options: Namespace, environ: Mapping[str, str]) -> int:
    """Run against Slack and Genesys Cloud until SIGTERM."""
    with _garbage_collector_off():
        from bot import app, logs  # noqa: PLC0415 - an invalid argument is refused before anything heavy loads
        from bot.settings import doubtful_settings, read_settings  # noqa: PLC0415 - as above

    settings = read_settings(environ)
    logs.configure(settings.log_level, settings.log_format, *settings.secret_values)
    for name, problem in doubtful_settings(settings, environ):
        log.warning("setting.doubtful", setting=name, problem=problem)
    _event_loop_runner()(app.serve(settings))
    return 0


def sandbox(_options: Namespace, environ: Mapping[str, str]) -> int:
    """Run against local fakes until Ctrl-C."""
    try:
        with _garbage_collector_off():
            from bot.sandbox.cli import run  # noqa: PLC0415 - `serve` never loads the fakes
    except ModuleNotFoundError as error:
        if error.name != "bot.sandbox":
            raise
        raise SettingsError(["sandbox: this installation has no fakes; use a clone or the Python package"]) from None
    asyncio.run(run(environ))
    return 0


def check(options: Namespace, environ: Mapping[str, str]) -> int:
    """Run every check and print the report."""
    from bot import logs  # noqa: PLC0415 - an invalid argument is refused before anything heavy loads
    from bot.checks.report import as_json, text_for  # noqa: PLC0415 - as above
    from bot.checks.result import exit_code  # noqa: PLC0415 - as above
    from bot.checks.run import run_checks  # noqa: PLC0415 - as above

    logs.configure("critical", "auto")  # the report names each problem once
    results = asyncio.run(run_checks(environ))
    print(as_json(results) if options.json else text_for(sys.stdout, results, environ))  # noqa: T201 - the report
    return exit_code(results)


def audit(options: Namespace, environ: Mapping[str, str]) -> int:
    """Read the audit log, as the verb after `audit` says."""
    from bot import logs  # noqa: PLC0415 - an invalid argument is refused before anything heavy loads
    from bot.audit_log import commands  # noqa: PLC0415 - as above

    logs.configure("critical", "auto")
    run = {"list": commands.run_list, "export": commands.run_export, "verify": commands.run_verify}
    return run[options.audit_verb](options, environ)


def erase(options: Namespace, environ: Mapping[str, str]) -> int:
    """Erase a person from the audit log and the finished requests, or print what would be erased."""
    from bot import logs  # noqa: PLC0415 - an invalid argument is refused before anything heavy loads
    from bot.audit_log.erase import run_erase  # noqa: PLC0415 - as above

    logs.configure("critical", "auto")
    return run_erase(options, environ)


class _Parser(argparse.ArgumentParser):
    """A parser whose help keeps its line breaks and lists the settings where the text asks for them."""

    def __init__(self, **options: Any) -> None:
        super().__init__(formatter_class=argparse.RawDescriptionHelpFormatter, **options)

    def format_help(self) -> str:
        """Return the help text."""
        text = super().format_help()
        return text.replace(SETTINGS_PLACEHOLDER, _settings_help()) if SETTINGS_PLACEHOLDER in text else text


def _parser() -> _Parser:
    parser = _Parser(
        prog=program_name(sys.argv[0]),
        description="Revoke Genesys Cloud logins from Slack.",
        epilog=f"Without a verb, `serve` runs. `VERB --help` lists a verb's settings.\n{EXIT_CODES}",
    )
    parser.add_argument("--version", action="version", version=f"{COMMAND} {__version__}")
    parser.set_defaults(run=serve)
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", parser_class=_Parser)
    for add in (_add_serve, _add_sandbox, _add_check, _add_audit, _add_erase):
        add(verbs.add_parser)
    return parser


def program_name(path: str) -> str:
    """Return how the program was started, from the path of its script."""
    return COMMAND if PurePath(path).stem == COMMAND else "python -m bot"


def _add_serve(add_parser: AddParser) -> None:
    parser = add_parser(
        "serve",
        help="run against Slack and Genesys Cloud (the default)",
        description="Run against Slack and Genesys Cloud until SIGTERM.",
        epilog=f"settings, read from environment variables:\n{SETTINGS_PLACEHOLDER}\n{EXIT_CODES}\n"
        "example:\n  DATABASE_URL=sqlite:////data/purecloud-bot.db %(prog)s",
    )
    parser.set_defaults(run=serve)


def _add_sandbox(add_parser: AddParser) -> None:
    parser = add_parser(
        "sandbox",
        help="run against local fakes of Slack and Genesys Cloud; needs no settings",
        description="Run against local fakes of Slack and Genesys Cloud until Ctrl-C, and print the address of a page "
        "to try\nthe bot on. Nothing is kept afterwards.",
        epilog="settings, read from environment variables:\n"
        "  PORT                   port of the page (default 3000, or a free port if it is in use)\n"
        "  LOG_LEVEL, LOG_FORMAT  as for `serve` (default warning, auto)\n"
        f"{EXIT_CODES}\nexample:\n  PORT=3001 %(prog)s",
    )
    parser.set_defaults(run=sandbox)


def _add_check(add_parser: AddParser) -> None:
    parser = add_parser(
        "check",
        help="check settings, database, Slack and Genesys Cloud; change nothing",
        description="Check the settings, the database, the Slack token and the Genesys Cloud client. Print a line for "
        "each check,\nwith a fix for each failure. Change nothing.",
        epilog=f"settings, as for `serve`:\n{SETTINGS_PLACEHOLDER}\n{EXIT_CODES}\nexample:\n  %(prog)s --json",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list instead of text")
    parser.set_defaults(run=check)


def _add_audit(add_parser: AddParser) -> None:
    parser = add_parser(
        "audit",
        help="list, export or verify the audit log",
        description="Read the audit log, also while the bot is running. Change nothing.",
        epilog=f"settings, read from environment variables:\n  {_AUDIT_SETTINGS}\n{EXIT_CODES}\nexample:\n"
        "  %(prog)s list --since 7d",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", dest="audit_verb", required=True)
    listed = verbs.add_parser("list", help="print a table, or tab-separated columns if the output is no terminal")
    exported = verbs.add_parser("export", help="print every column as JSON Lines or CSV")
    exported.add_argument("--format", choices=("jsonl", "csv"), default="jsonl", help="default: jsonl")
    for one in (listed, exported):
        one.add_argument("--since", metavar="AGE", help="rows since an age (7d, 12h, 90m) or a date (2026-11-01)")
        one.add_argument("--actor", metavar="ID", help="rows of a Slack user id, or of `bot`")
        one.add_argument("--target", metavar="ID", help="rows about a Genesys Cloud user id")
        one.add_argument("--reference", metavar="REF", help="rows of a request")
        one.add_argument("--limit", metavar="N", type=positive_number, help="the newest N rows only")
    verify = verbs.add_parser("verify", help="verify the chain, checkpoints and requests; exit 1 if they do not fit")
    verify.add_argument(
        "--checkpoint", metavar="N:HASH", action="append", default=[],
        help="a checkpoint from a message in AUDIT_CHANNEL; may be repeated",
    )  # fmt: skip
    verify.add_argument(
        "--key-file", metavar="PATH", action="append", default=[],
        help="a file that holds an earlier AUDIT_KEY; may be repeated",
    )  # fmt: skip
    parser.set_defaults(run=audit)


def _add_erase(add_parser: AddParser) -> None:
    parser = add_parser(
        "erase",
        help="erase a person from the audit log and the finished requests",
        description="Print how much the database has about a person. With --confirm, replace it by a pseudonym. The "
        "audit\nlog stays valid and gets a row about the erasure.",
        epilog=f"settings, read from environment variables:\n  {_AUDIT_SETTINGS}\n{EXIT_CODES}\nexample:\n"
        "  %(prog)s --person U0123456789 --person 6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09",
    )
    parser.add_argument(
        "--person", metavar="ID", action="append", required=True,
        help="a Slack user id or a Genesys Cloud user id of the person; may be repeated",
    )  # fmt: skip
    parser.add_argument("--confirm", action="store_true", help="erase it, which cannot be undone")
    parser.set_defaults(run=erase)


def positive_number(text: str) -> int:
    """Return a positive number. Raises ValueError."""
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _settings_help() -> str:
    """Return the names of all settings of `serve`, wrapped and indented."""
    from bot.settings import SECRETS, Settings  # noqa: PLC0415 - only the help needs them
    from bot.settings.secret_files import SUFFIX  # noqa: PLC0415 - as above

    fields = Settings.model_fields.values()
    groups = {
        "required": [*(str(field.alias) for field in fields if field.is_required()), f"{HTTP_ONLY} (for HTTP)"],
        "optional": [str(one.alias) for one in fields if not one.is_required() and one.alias != HTTP_ONLY],
        "as files": [*(f"{name}{SUFFIX}" for name in sorted(SECRETS)), "each the path of a file that holds the secret"],
    }
    return "\n".join(
        textwrap.fill(", ".join(names), width=100, initial_indent=f"  {group}: ", subsequent_indent=" " * 12)
        for group, names in groups.items()
    )


@contextmanager
def _garbage_collector_off() -> Iterator[None]:
    """Disable the garbage collector during imports, which makes the start about a third faster."""
    gc.disable()
    yield
    gc.freeze()
    gc.enable()


def _event_loop_runner() -> Callable[[Coroutine[Any, Any, None]], None]:
    """Return uvloop's `run`, or asyncio's where uvloop is not available.

    With uvloop an HTTP call costs half the processor time (docs/performance.md).
    """
    try:
        from uvloop import run  # noqa: PLC0415 - not available on Windows
    except ImportError:
        return asyncio.run
    return run
