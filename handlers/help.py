"""`/purecloud help`: what this person can do, with examples."""

from __future__ import annotations

from collections.abc import Callable

from bot.domain.commands import Invoker
from bot.domain.requests import BREAK_GLASS
from bot.services.account import Permissions
from handlers.messages import Catalog
from handlers.services import Services
from handlers.ui import blocks, rich_text
from handlers.ui.blocks import Block, Message, foreign_mrkdwn
from handlers.ui.failed_checks import failed_checks
from handlers.ui.reasons import explain
from handlers.ui.rich_text import Element
from handlers.ui.sentences import as_mrkdwn, sentence
from handlers.words import MAX_QUOTED_LENGTH

Suggest = Callable[[Permissions], str | None]
"""Takes what the person may do; returns the command that an unknown word may mean."""


async def answer(
    invoker: Invoker,
    services: Services,
    catalog: Catalog,
    _line: str = "",
    *,
    unknown: str = "",
    suggest: Suggest = lambda _permissions: None,
) -> Message:
    """Return what this person can do; an unknown word is named first, with the command that it may mean."""
    permissions = await services.account.permissions(invoker)
    title = catalog.text("help.title")
    suggestion = suggest(permissions) if unknown else None
    return blocks.message(
        title,
        blocks.section(_unknown(catalog, unknown, suggestion)) if unknown else None,
        blocks.header(title),
        command_block(catalog, permissions),
        blocks.context(approval_hint(catalog, permissions)),
    )


def command_block(catalog: Catalog, permissions: Permissions) -> Block:
    """Return a list of what this person can type."""
    commands = [sentence(catalog, code) for code in commands_for(catalog, permissions)]
    return rich_text.block(rich_text.bullets(*(rich_text.paragraph(*command) for command in commands)))


def commands_for(catalog: Catalog, permissions: Permissions) -> list[str]:
    """Return the codes of the texts about what this person can type."""
    codes = [
        *(f"{action}.help" for action in permissions.request),
        *(f"command.{name}" for name in commands_of(permissions)),
    ]
    return [code for code in codes if code in catalog]


def commands_of(permissions: Permissions) -> list[str]:
    """Return the read-only commands that a person may use."""
    involved = bool(permissions.request or permissions.approve)
    allowed = {"whoami": True, "pending": involved, "history": bool(permissions.administer), "help": True}
    return [name for name, is_allowed in allowed.items() if is_allowed]


def approval_hint(catalog: Catalog, permissions: Permissions) -> str:
    """Return what this person can approve, or why they can do nothing."""
    if permissions.denied_because:
        reason = explain(catalog, permissions.denied_because, {}, changed_nothing=False)
        return f"{catalog.text('help.denied')} {reason}"
    if permissions.approve:
        if permissions.approvals_required > 1:
            return catalog.text("help.can_approve_with_others", count=permissions.approvals_required)
        return catalog.text("help.can_approve_own" if permissions.self_approval else "help.can_approve")
    if permissions.request:
        alone = set(permissions.request) == {BREAK_GLASS}
        hint = catalog.text("help.can_break_glass" if alone else "help.can_request")
        return f"{hint} {as_mrkdwn(unverified(catalog, permissions))}" if permissions.unverified else hint
    if permissions.unverified:
        return as_mrkdwn(unverified(catalog, permissions))
    return catalog.text("help.can_do_nothing")


def unverified(catalog: Catalog, permissions: Permissions) -> list[Element]:
    """Return the line about checks that failed."""
    failed = failed_checks(catalog, [check.params for check in permissions.unverified])
    return sentence(catalog, "unchecked", unverified=failed)


def _unknown(catalog: Catalog, unknown: str, suggestion: str | None) -> str:
    word = foreign_mrkdwn(blocks.shorten(unknown, MAX_QUOTED_LENGTH))
    if suggestion:
        return catalog.text("help.did_you_mean", word=word, nearest=suggestion)
    return catalog.text("help.unknown", word=word)
