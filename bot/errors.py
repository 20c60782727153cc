"""The bot's errors. Each class has a stable code; `handlers.messages` has the sentence for it.

BotError                        internal_error          base class of every error below
├── SettingsError               invalid_settings        a setting is missing or invalid: exit code 2 at start
├── StaleRequest                stale_request           the request was decided, expired or unknown
├── SlackUnavailable            slack_unavailable       Slack did not answer a call that must succeed
│   └── WorkspaceUnknown        slack_unavailable       the process does not know its workspace yet
├── CheckUnavailable            check_unavailable       a check of a person failed for a reason that may pass
├── Denied                      its reason              the policy or the input forbids it
├── SlackCallError              slack_call_failed       Slack did not accept a message or another change
├── InvalidSlackRequest         invalid_slack_request   the payload is not from Slack or not for this app
├── DatabaseUnavailable         database_unavailable    the database cannot be used just now
│   ├── DatabaseFull            database_full           the database's disk is full or broken
│   └── ConnectionLost          database_unavailable    the connection broke; a new one may work
│       └── CommitUnknown       commit_unknown          it broke during a commit, which may have succeeded
├── DatabaseReplaced            database_replaced       the database file was replaced: exit code 1
├── UnreadableRow               unreadable_row          another version of the bot wrote the row, or it is damaged
├── Postponed                   internal_error          a click or command waits; each instance has its own code
├── UnexpectedError             internal_error          a defect, which `incident` finds in the log
└── GenesysError                genesys_error           see `bot.purecloud.errors`
"""

from __future__ import annotations

import math
from typing import Any, ClassVar

from bot.visible_text import visible_text


class BotError(Exception):
    """Base class of the bot's errors.

    `code` is stable and in snake case; messages, stored outcomes and logs refer to it. `detail` is an optional
    explanation for the log.
    """

    code: ClassVar[str] = "internal_error"

    def __init__(self, detail: str | None = None) -> None:
        super().__init__(*(() if detail is None else (detail,)))
        self.detail = detail

    @property
    def params(self) -> dict[str, Any]:
        """The values that a message template may use."""
        return {"detail": self.detail}

    def __str__(self) -> str:
        """Return the text for the log: the detail, or the code and its parameters."""
        return self.detail or described(self)


def described(error: BotError) -> str:
    """Return the error's code and its parameters that have a value."""
    params = ", ".join(f"{name}={value}" for name, value in error.params.items() if value or value == 0)
    return f"{error.code} ({params})" if params else error.code


class SettingsError(BotError):
    """A missing or invalid setting.

    `problems` has one line per setting, without a full stop, because advice may follow. A line names the variable, and
    never the value of a secret.
    """

    code = "invalid_settings"

    def __init__(self, problems: list[str]) -> None:
        self.problems = [visible_text(problem).rstrip(".") for problem in problems]
        super().__init__("\n".join(self.problems))


class StaleRequest(BotError):
    """A request that is no longer open, so that nothing was changed."""

    code = "stale_request"


TOKEN_REFUSED = frozenset({
    "invalid_auth", "not_authed", "not_allowed_token_type", "token_revoked", "token_expired", "account_inactive",
    "missing_scope", "no_permission", "access_denied",
})  # fmt: skip
"""Error codes of the Web API for a token that no retry can help (docs.slack.dev, "Errors" of each method)."""


def slack_error_params(slack_code: str, retry_after: float) -> dict[str, Any]:
    """Return the parameters of an error of Slack, with `retry_after` in whole seconds if there is one."""
    return {"slack_code": slack_code} | ({"retry_after": math.ceil(retry_after)} if retry_after else {})


class SlackUnavailable(BotError):
    """A failed call of the Web API that left everything unchanged.

    `slack_code` is Slack's error code, or the client's where Slack sent none (`http_500`, `timeout`). A
    `retryable` call may succeed later, not before `retry_after` seconds.
    """

    code = "slack_unavailable"

    def __init__(self, method: str, slack_code: str, *, retryable: bool = False, retry_after: float = 0.0) -> None:
        super().__init__()
        self.method = method
        self.slack_code = slack_code
        self.retryable = retryable
        self.retry_after = retry_after

    @property
    def params(self) -> dict[str, Any]:
        """The method, Slack's error code, and `retry_after` in whole seconds if there is one."""
        return {"method": self.method} | slack_error_params(self.slack_code, self.retry_after)

    def __str__(self) -> str:
        """Return the text for the log and for /readyz, which stays the same while time passes."""
        return f"{self.code} (method={self.method}, slack_code={self.slack_code})"
