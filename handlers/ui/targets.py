"""Show whom a request is about, and warn of names that deceive."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.domain.names import mixes_alphabets, same_name
from bot.domain.people import Person
from bot.domain.requests import Request, State
from bot.visible_text import hides, visible_text
from handlers.messages import Catalog
from handlers.ui import blocks, rich_text
from handlers.ui.blocks import Block, foreign_mrkdwn, shorten, user_mention
from handlers.ui.outcomes import MAX_NAME_LENGTH, target_name
from handlers.ui.rich_text import words
from handlers.ui.sentences import sentence

_WARNINGS: Mapping[str, Callable[[str], bool]] = {
    "hidden": hides,
    "blank": lambda text: not visible_text(text),
    "mixed": mixes_alphabets,
    "long": lambda text: len(visible_text(text)) > blocks.MAX_VALUE_LENGTH,
}
"""What makes a text deceive, by the code of its sentence."""


def facts(catalog: Catalog, request: Request) -> Block | None:
    """Return a line about the Genesys Cloud person, None for a request without a target.

    The state is left out once the request is decided, because it may have changed. While the request waits, the state
    of a person who is not active has what the action does for them.
    """
    target = request.target
    if target is None:
        return None
    name = visible_text(target.name)
    parts = [
        name if name and name != target_name(catalog, request) else "",
        visible_text(target.email or ""),
        catalog.text("request.division", division=division)
        if (division := visible_text(target.division or ""))
        else "",
        _state(catalog, request, target),
    ]
    shown = [shorten(part) for part in parts if part]
    return blocks.plain_section("  ·  ".join(shown)) if shown else None


def _state(catalog: Catalog, request: Request, target: Person) -> str:
    state = visible_text(target.state or "")
    if not state or request.state is not State.PENDING:
        return ""
    return state if target.active else catalog.of_action(request.action, "state.not_active", state=state)


def slack_user(catalog: Catalog, request: Request) -> Block | None:
    """Return the Slack user whom a request names, if the name there is not the one in Genesys Cloud."""
    name = _other_name(request)
    if name is None:
        return None
    user, shown = rich_text.user(request.target_slack_id or ""), shorten(visible_text(name)) or "-"
    text = sentence(catalog, "request.slack_user", target=user, slack_name=shown)
    return rich_text.block(rich_text.paragraph(*text))


def warnings(catalog: Catalog, request: Request) -> Block | None:
    """Return what is not as it looks in the names of a target, None if nothing is."""
    found = _warnings(catalog, request)
    if not found:
        return None
    lines = [rich_text.paragraph(words(line)) for line in found]
    return rich_text.block(rich_text.paragraph(*sentence(catalog, "request.warning")), rich_text.bullets(*lines))


def dialog_note(catalog: Catalog, request: Request) -> str:
    """Return what the confirmation dialog adds about the names, as plain text; often empty."""
    name = _other_name(request)
    notes = [
        catalog.text("request.dialog.slack_user", slack_name=_short(name)) if name is not None else "",
        catalog.text("request.dialog.warning") if _warnings(catalog, request) else "",
    ]
    return " ".join(filter(None, notes))


def summary_note(catalog: Catalog, request: Request) -> str:
    """Return what a notification says about the Slack user whom a request names, in Slack's markup."""
    name = _other_name(request)
    if name is None:
        return ""
    mention = user_mention(request.target_slack_id or "")
    return catalog.text("request.summary.slack_user", target_mention=mention, slack_name=foreign_mrkdwn(_short(name)))


def _names(request: Request) -> dict[str, str]:
    """Return the texts about a target that other people chose, as they are stored."""
    target = request.target
    if target is None:
        return {}
    found = {
        "name": target.name,
        "email": target.email,
        "division": target.division,
        "state": target.state,
        "slack_name": request.target_slack_name,
    }
    return {name: value or "" for name, value in found.items() if value or name == "name"}


def _other_name(request: Request) -> str | None:
    """Return the target's name in Slack if it is another one, or deceives."""
    name = request.target_slack_name
    if not name or request.target is None:
        return None
    deceives = hides(name) or mixes_alphabets(name)
    return name if deceives or not same_name(name, request.target.name) else None


def _warnings(catalog: Catalog, request: Request) -> list[str]:
    names = _names(request)
    fields = {
        code: [catalog.text(f"request.fact.{name}") for name, value in names.items() if deceives(value)]
        for code, deceives in _WARNINGS.items()
    }
    return [
        catalog.text(f"request.warning.{code}", fields=", ".join(labels)) for code, labels in fields.items() if labels
    ]


def _short(name: str) -> str:
    return shorten(visible_text(name), MAX_NAME_LENGTH) or "-"
