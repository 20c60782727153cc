"""How a request stands or ended, in words that are true: never "revoked" unless Genesys Cloud said so."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bot.domain.requests import Kind, Request, State

WORTH_REPEATING = frozenset({State.REFUSED, State.FAILED, State.UNKNOWN, State.EXPIRED})

HEADLINES = {
    State.PENDING: "Waiting",
    State.APPROVED: "Confirmed, under way",
    State.REVOKED: "Revoked",
    State.REFUSED: "Refused by Genesys Cloud",
    State.FAILED: "Failed",
    State.UNKNOWN: "Unknown",
    State.CANCELLED: "Cancelled",
    State.EXPIRED: "Expired",
}

REVOKED = (
    "Genesys Cloud confirmed that every session and token of this person was ended. "
    "Single sign-on may log them straight back in; to lock them out, set them inactive in Genesys Cloud."
)
ROTATED = "The bot uses a new token; Genesys Cloud confirmed that the old one was deleted."
UNDER_WAY = "The request to Genesys Cloud is under way. This card will tell how it ends."
EXPIRED = "Nobody confirmed it in time. Nothing was changed."
FAILED = {
    Kind.REVOKE: "Treat the sessions as alive: nothing is known to have ended. Try again.",
    Kind.ROTATE: "Treat the old token as alive: it is not known to be deleted. Try again.",
}
UNKNOWN = {
    Kind.REVOKE: (
        "Whether the sessions ended is unknown: it was tried {times} and no certain answer came. "
        "Treat them as alive until you have looked in Genesys Cloud, or ask again."
    ),
    Kind.ROTATE: (
        "Whether the old token was deleted is unknown: it was tried {times} and no certain answer came. "
        "Treat it as alive, and ask again."
    ),
}
NEVER_SENT = "Nothing was sent to Genesys Cloud, so nothing has ended. Ask again if it is still needed."
NOT_ROTATED = "Genesys Cloud refused{status}: {message}. The old token is not deleted."
FORBIDDEN = (
    "Genesys Cloud refused (403): the bot's role lacks {lacking}. {changed} Somebody who administers "
    "Genesys Cloud must give it to the role of the bot's OAuth client, in the division of this person; then ask again."
)
NO_SUCH_PERSON = "Genesys Cloud knows no such person any more (404). {changed}"
REJECTED = "Genesys Cloud refused{status}: {message}. {changed}"
NOTHING_CHANGED = "Nothing was changed."
THIS_TRY_CHANGED_NOTHING = "This try changed nothing; an earlier one got no certain answer."

PROBLEMS = {
    "GenesysNoResponse": "Genesys Cloud did not answer in time{status}.",
    "GenesysUnreachable": "Genesys Cloud cannot be reached.",
    "GenesysRateLimited": "Genesys Cloud takes no more requests for now{status}.",
    "GenesysUnauthenticated": "Genesys Cloud does not accept the bot's token{status}, also after a renewal.",
    "GenesysLoginFailed": "Genesys Cloud gave the bot no token: {message}.",
    "GenesysServerError": "Genesys Cloud answered with an error{status}.",
}

STANDING = {
    State.PENDING: "the request is still open.",
    State.APPROVED: "it was confirmed already and is being carried out.",
    State.REVOKED: "it was confirmed already and carried out.",
    State.CANCELLED: "the request was cancelled already.",
    State.EXPIRED: "the request had expired. Ask again if it is still needed.",
}

Outcome = Mapping[str, Any]


def headline(request: Request) -> str:
    """Say in one line where a request stands, and about whom it is."""
    if request.target is None:
        word = "Exchanged" if request.state is State.REVOKED else HEADLINES[request.state]
        return f"{word}: the bot's own token."
    return f"{HEADLINES[request.state]}: every session of {request.target.name or request.target.id}."


def sentence(request: Request) -> str:
    """Say what happened, whether anything was changed, and what to do."""
    outcome = request.outcome
    sentences = {
        State.PENDING: "Nothing has happened yet.",
        State.APPROVED: _under_way(outcome),
        State.REVOKED: ROTATED if request.kind is Kind.ROTATE else REVOKED,
        State.REFUSED: _refused(request.kind, outcome),
        State.FAILED: f"{_problem(outcome)} {FAILED[request.kind]}",
        State.UNKNOWN: f"{_problem(outcome)} {_unknown(request.kind, outcome)}",
        State.CANCELLED: NOTHING_CHANGED,
        State.EXPIRED: EXPIRED,
    }
    return sentences[request.state]


def standing(request: Request) -> str:
    """Say to somebody who clicked too late where the request stands."""
    return STANDING.get(request.state) or f"it was confirmed already. {sentence(request)}"


def _under_way(outcome: Outcome) -> str:
    if not outcome:
        return UNDER_WAY
    so_far = "Whether anything ended is unknown so far" if outcome.get("uncertain") else "Nothing has ended so far"
    return f"{_problem(outcome)} {so_far}; trying again. This card will tell how it ends."


def _unknown(kind: Kind, outcome: Outcome) -> str:
    tried = int(outcome.get("attempts", 1))
    return UNKNOWN[kind].format(times="once" if tried == 1 else f"{tried} times") if tried else NEVER_SENT


def _refused(kind: Kind, outcome: Outcome) -> str:
    if kind is Kind.ROTATE:
        return NOT_ROTATED.format(status=_status(outcome), message=_message(outcome))
    changed = THIS_TRY_CHANGED_NOTHING if outcome.get("uncertain") else NOTHING_CHANGED
    error, permissions = outcome.get("error"), outcome.get("permissions")
    if error == "GenesysForbidden":
        lacking = f"permission {', '.join(permissions)}" if permissions else "a permission"
        return FORBIDDEN.format(lacking=lacking, changed=changed)
    if error == "GenesysNotFound":
        return NO_SUCH_PERSON.format(changed=changed)
    return REJECTED.format(status=_status(outcome), message=_message(outcome), changed=changed)


def _problem(outcome: Outcome) -> str:
    """Say what Genesys Cloud did, or did not."""
    template = PROBLEMS.get(str(outcome.get("error")), "{message}.")
    return template.format(status=_status(outcome), message=_message(outcome))


def _message(outcome: Outcome) -> str:
    text = str(outcome.get("message") or "it did not work").rstrip(".")
    return text[:1].upper() + text[1:]


def _status(outcome: Outcome) -> str:
    return f" ({outcome['status']})" if outcome.get("status") else ""
