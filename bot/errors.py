"""What can go wrong, as one tree; every class is a sentence for the person who meets it.

BotError
├── SettingsError               a setting is missing or wrong: refused at start, exit 2
├── Denied                     a person asked for what they may not have, or what cannot be done (see `reasons`)
├── StaleRequest                the request was decided, expired or unknown when the click arrived
├── SlackUnavailable            Slack did not answer a question that must be answered
└── GenesysError                Genesys Cloud said no, or nothing
    ├── GenesysUnreachable      no connection: the request did not leave this machine
    ├── GenesysNoResponse         it was sent and nothing (certain) came back: it may have been carried out
    ├── GenesysRateLimited      429: not carried out; `retry_after` seconds
    ├── GenesysUnauthenticated  401, also after the token was renewed
    ├── GenesysForbidden        403: `permissions` names what the bot's role lacks, where Genesys says it
    ├── GenesysNotFound         404
    ├── GenesysRejected         any other 4xx, or an answer that cannot be read
    ├── GenesysServerError           5xx: it answered that it failed
    └── GenesysLoginFailed      the login host gave no token: `cause` tells which of its reasons
"""

from __future__ import annotations

from enum import StrEnum
from inspect import cleandoc


class BotError(Exception):
    """Something went wrong."""

    def __init__(self, message: str | None = None) -> None:
        super().__init__(message or cleandoc(type(self).__doc__ or "").split("\n", 1)[0])


class SettingsError(BotError):
    """A setting is missing or wrong.

    `problems` holds one line a setting; a line names the variable and never its value when it is a secret.
    """

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class StaleRequest(BotError):
    """That request is not open any more; nothing was changed."""


TOKEN_REFUSED = frozenset({
    "invalid_auth", "not_authed", "not_allowed_token_type", "token_revoked", "token_expired", "account_inactive",
    "missing_scope", "no_permission", "access_denied",
})  # fmt: skip
"""What the Web API says of a token that will not do, however often it is tried (docs.slack.dev, Errors of a method)."""


class SlackUnavailable(BotError):
    """Slack did not answer, or does not accept the bot's token; nothing was changed."""

    def __init__(self, method: str, code: str) -> None:
        happened = (
            f"does not accept the bot's token for {method}" if code in TOKEN_REFUSED else f"did not answer {method}"
        )
        super().__init__(f"Slack {happened} ({code}); nothing was changed.")
        self.method = method
        self.code = code


class GenesysError(BotError):
    """Genesys Cloud could not do what was asked.

    `status` is the HTTP status (None without an answer), `code` the ErrorBody's code, `correlation_id` what Genesys
    support asks for (ININ-Correlation-Id). The message is Genesys' own sentence where it sent one.
    """

    def __init__(
        self,
        message: str | None = None,
        *,
        status: int | None = None,
        code: str | None = None,
        correlation_id: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.correlation_id = correlation_id


class GenesysUnreachable(GenesysError):
    """Genesys Cloud cannot be reached; the request did not leave."""


class GenesysNoResponse(GenesysError):
    """Genesys Cloud was asked and did not answer; whether it acted is not known."""


class GenesysRateLimited(GenesysError):
    """Genesys Cloud takes no more requests for now."""

    retry_after: float | None = None
    """Seconds Genesys asked to wait (may be hours), None where it did not say."""


class GenesysUnauthenticated(GenesysError):
    """Genesys Cloud does not accept the bot's token, also after a renewal."""


class GenesysForbidden(GenesysError):
    """The bot's role in Genesys Cloud lacks a permission."""

    permissions: tuple[str, ...] = ()
    """The permissions Genesys named (`oauth:token:delete`), empty where it named none."""


class GenesysNotFound(GenesysError):
    """Genesys Cloud knows nothing of that id."""


class GenesysRejected(GenesysError):
    """Genesys Cloud did not understand the request, or the bot did not understand the answer."""


class GenesysServerError(GenesysError):
    """Genesys Cloud answered that it failed."""


class LoginCause(StrEnum):
    """Why the login host gave no token; told by the body, because its rate limit is a 400 too."""

    CLIENT_NOT_FOUND = "client_not_found"
    """No such client id in this region: a typing error, or the right client in another region."""
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - the name of a cause, not a secret
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    NO_RESPONSE = "no_answer"
    OTHER = "other"


class GenesysLoginFailed(GenesysError):
    """The Genesys Cloud login host gave no token, so nothing was asked of Genesys Cloud."""

    cause: LoginCause = LoginCause.OTHER
