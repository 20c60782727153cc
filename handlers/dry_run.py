"""`--dry-run`: show the card that a command would post, and request nothing."""

from __future__ import annotations

import re

from bot.domain.commands import RequestCommand
from handlers.messages import Catalog
from handlers.services import Services
from handlers.ui.blocks import Message
from handlers.ui.dry_run import dry_run_message
from handlers.words import split_words

_FLAG = re.compile(r"[-\u2010-\u2015\u2212]+dry[-\u2010-\u2015\u2212]?run", re.IGNORECASE)
"""The flag with any dash, because phones turn two hyphens into a long one."""


def without_flag(line: str) -> tuple[str, bool]:
    """Return a line without `--dry-run`, and whether it was there, before or after the person."""
    start, kept, found = 0, "", False
    for word in split_words(line):
        if not word.sign and _FLAG.fullmatch(word.text.rstrip(".,;:")):
            kept += line[start : word.end - len(word.shown)]
            start, found = word.end, True
    return kept + line[start:], found


async def answer(command: RequestCommand, services: Services, catalog: Catalog) -> Message:
    """Return the card as it would be, for this person alone."""
    return dry_run_message(catalog, await services.dry_runs.dry_run(command))
