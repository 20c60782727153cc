"""Explain an error or a denial: what happened, and what to do next."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.errors import TOKEN_REFUSED
from handlers.messages import Catalog
from handlers.ui.blocks import channel_mention, foreign_mrkdwn, local_time, user_mention
from handlers.ui.delays import delay
from handlers.ui.failed_checks import failed_checks, why
from handlers.ui.sentences import as_mrkdwn

Params = Mapping[str, Any]

WAITING = frozenset({"command_postponed", "click_postponed"})
"""Codes of what is stored and goes on by itself."""

UNCERTAIN = frozenset({"commit_unknown"})
"""Codes of errors after which the bot does not know whether anything was stored."""

MAX_PERMISSIONS = 5
"""Missing permissions that a text names."""


def explain(catalog: Catalog, code: str, params: Params, *, changed_nothing: bool = True) -> str:
    """Return the text for an error code, in Slack's markup.

    `changed_nothing` adds "Nothing was changed."; read-only commands leave it out. What waits is stored, so its text
    says that nothing has happened yet. What may have been stored has a text that says so.
    """
    unchanged = "nothing_yet" if code in WAITING else "nothing_changed"
    changed_nothing = changed_nothing and code not in UNCERTAIN
    code = _variant(code, params)
    known = _escaped(params) | _computed(catalog, code, params)
    parts = [
        catalog.text(_most_specific(catalog, "reason", code, params), **known),
        catalog.text(unchanged) if changed_nothing else None,
        catalog.optional(_most_specific(catalog, "hint", code, params), **known),
        catalog.text("unverified", **known) if params.get("unverified") else None,
        _correlation(catalog, known),
    ]
    return " ".join(part for part in parts if part)


def _correlation(catalog: Catalog, known: Mapping[str, str]) -> str | None:
    return f"({catalog.text('correlation_id', **known)})" if known.get("correlation_id") else None


def _variant(code: str, params: Params) -> str:
    """Return the code under which a text is found; a rejected token needs another advice than an outage."""
    if code == "slack_unavailable" and params.get("slack_code") in TOKEN_REFUSED:
        return "slack_token_refused"
    return code


def _most_specific(catalog: Catalog, area: str, code: str, params: Params) -> str:
    """Return the most specific code in the catalog.

    The code may depend on the cause or problem, and on the parameters that have a value. Advice with a time goes
    before the same advice without one.
    """
    specific = [str(params[name]) for name in ("cause", "problem") if params.get(name)]
    if params.get("retry_after"):
        specific = [one for name in specific for one in (f"{name}.retry_after", name)]
    by_param = [name for name in ("detail", "retry_after", "status", "approvers", "configured") if params.get(name)]
    for suffix in (*specific, *by_param):
        if f"{area}.{code}.{suffix}" in catalog:
            return f"{area}.{code}.{suffix}"
    return f"{area}.{code}"


def _escaped(params: Params) -> dict[str, str]:
    return {name: foreign_mrkdwn(value) for name, value in params.items() if value is not None}


def _mention(params: Params, name: str) -> str:
    return user_mention(str(params[name]))


_DELAYS = ("retry_after", "delay")
"""Parameters in seconds."""

_COMPUTED: Mapping[str, tuple[str, Callable[[Params], str]]] = {
    "member": ("member_mention", lambda params: _mention(params, "member")),
    "channel": ("channel_mention", lambda params: channel_mention(str(params["channel"]))),
    "requester": ("requester_mention", lambda params: _mention(params, "requester")),
    "follower": ("follower_mention", lambda params: _mention(params, "follower")),
    "possible_at": ("possible_time", lambda params: local_time(float(params["possible_at"]))),
    "approvers": (
        "approver_mentions",
        lambda params: ", ".join(map(user_mention, str(params["approvers"]).split(","))),
    ),
}


def _computed(catalog: Catalog, code: str, params: Params) -> dict[str, str]:
    """Return the placeholders that are derived from parameters."""
    computed = {name: make(params) for key, (name, make) in _COMPUTED.items() if params.get(key)}
    computed |= {name: delay(catalog, float(params[name])) for name in _DELAYS if params.get(name)}
    for name in ("unverified", "unread"):
        if isinstance(checks := params.get(name), list):  # earlier versions stored a text
            computed[name] = as_mrkdwn(failed_checks(catalog, checks))
    if "slack_code" in params:
        computed["why"] = why(catalog, str(params["slack_code"]))
    if code == "too_few_approvers":
        needed = params.get("required", "?")
        text = catalog.optional(f"required_approvers.{needed}") or catalog.text("required_approvers", count=needed)
        computed["required_approvers"] = text
    if code == "genesys_forbidden":
        named = ", ".join(f"`{foreign_mrkdwn(one)}`" for one in (params.get("permissions") or ())[:MAX_PERMISSIONS])
        computed["permissions"] = named or catalog.text("reason.genesys_forbidden.permission")
    if code == "own_protected_request":
        computed["other_approvers"] = other_approvers(catalog, int(params.get("required") or 2))
    return computed


def other_approvers(catalog: Catalog, count: int) -> str:
    """Return how many approvers other than the requester are needed, in words."""
    return catalog.optional(f"other_approvers.{count}") or catalog.text("other_approvers", count=count)
