"""Run `erase`: remove what identifies a person, and record it in the audit log."""

from __future__ import annotations

import asyncio
import secrets
import sys
from argparse import Namespace
from collections.abc import Mapping

from bot.audit_log.commands import opened
from bot.db import audit
from bot.db.connect import existing_database
from bot.db.engine import Database
from bot.db.erasure import Findings, erase, find
from bot.domain.audit_chain import EARLIER, AuditChain, scheme_of
from bot.domain.erasure import Erasure, parse_person_id
from bot.errors import SettingsError
from bot.settings import DatabaseSettings, read_database_settings

OTHER_KEY = "AUDIT_KEY: the audit log is protected by another key than this one; use the environment of the bot"


def run_erase(options: Namespace, environ: Mapping[str, str]) -> int:
    """Print what the database has about a person, and erase it if `--confirm` is given."""
    settings, ids = read_database_settings(environ), frozenset(_ids(options.person))
    asyncio.run(_erase(settings, ids, confirmed=options.confirm))
    return 0


def _ids(texts: list[str]) -> list[str]:
    try:
        return [parse_person_id(text) for text in texts]
    except ValueError as error:
        raise SettingsError([f"--person: {error}"]) from None


async def _erase(settings: DatabaseSettings, ids: frozenset[str], *, confirmed: bool) -> None:
    chain = AuditChain(settings.audit_key.get_secret_value() if settings.audit_key else None)
    async with opened(existing_database(settings, read_only=not confirmed)) as database:
        await _require_same_key(database, chain)
        found = await find(database, ids)
        if not confirmed:
            _print("would erase", found)
            _note("nothing was changed; repeat the command with --confirm to erase it")
            return
        erasure = Erasure(ids, f"erased-{secrets.token_hex(4)}")
        await erase(database, erasure, found, chain)
        _print("erased", found)
        checkpoint = await database.read(audit.checkpoint)
        print(f"the person is now {erasure.pseudonym}; audit {checkpoint}")  # noqa: T201 - the result


async def _require_same_key(database: Database, chain: AuditChain) -> None:
    """Raise SettingsError if the rows about the erasure would not fit into the log."""
    head = await database.read(audit.head)
    if head.number and scheme_of(head.hash) not in (chain.scheme, EARLIER):
        raise SettingsError([OTHER_KEY])


def _print(verb: str, found: Findings) -> None:
    finished = len(found.requests) - len(found.open)
    print(f"{verb}: audit rows {len(found.rows)}, finished requests {finished}")  # noqa: T201 - the result
    if found.open:
        _note(f"open requests are left out, repeat the command when they have ended: {', '.join(found.open)}")
    if found.linked:
        _note(f"requests name further ids of the person, add --person for each: {', '.join(found.linked)}")


def _note(text: str) -> None:
    print(f"note: {text}", file=sys.stderr)  # noqa: T201 - not a part of the result
