"""Errors of the Genesys Cloud client. Each class has a stable code.

GenesysError                    genesys_error            base class
├── GenesysUnreachable          genesys_unreachable      no connection: the request was not sent
├── GenesysNotSent              genesys_not_sent         the caller's guard refused to send it (`problem` says why)
├── GenesysNoResponse           genesys_no_response      sent, but no definite response: it may have been executed
├── GenesysRateLimited          genesys_rate_limited     429: not executed
├── GenesysUnauthenticated      genesys_unauthenticated  401, even with a new token
├── GenesysForbidden            genesys_forbidden        403: the role of the OAuth client lacks a permission
├── GenesysNotFound             genesys_not_found        404
├── GenesysRejected             genesys_rejected         another 4xx, or a response that cannot be read
├── GenesysServerError          genesys_server_error     5xx
└── GenesysLoginFailed          genesys_login_failed     the login host issued no token (`cause` says why)
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from bot.errors import BotError, described


class GenesysError(BotError):
    """Base class of the client's errors.

    `status` is the HTTP status, None without a response. `error_code` and `detail` are the code and the sentence of
    the response, None where it has none. `correlation_id` is what Genesys support asks for (ININ-Correlation-Id).
    `problem` is the client's own reason in snake case, such as `unreadable_response`. `retry_after` is how long Genesys
    Cloud asks to wait, in seconds (possibly hours), None where it does not say.
    """

    code = "genesys_error"

    retry_after: float | None = None

    def __init__(
        self,
        detail: str | None = None,
        *,
        status: int | None = None,
        error_code: str | None = None,
        correlation_id: str | None = None,
        problem: str | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.error_code = error_code
        self.correlation_id = correlation_id
        self.problem = problem

    @property
    def params(self) -> dict[str, Any]:
        """The attributes; some classes add their own."""
        return {
            "status": self.status,
            "error_code": self.error_code,
            "detail": self.detail,
            "correlation_id": self.correlation_id,
            "problem": self.problem,
        }

    def __str__(self) -> str:
        """Return the code and the parameters, for the log."""
        return described(self)


class GenesysUnreachable(GenesysError):
    """A failed connection: the request was not sent."""

    code = "genesys_unreachable"


class GenesysNotSent(GenesysError):
    """A request that the caller's guard refused to send."""

    code = "genesys_not_sent"


class GenesysNoResponse(GenesysError):
    """A request without a definite response: Genesys Cloud may have executed it."""

    code = "genesys_no_response"


class GenesysRateLimited(GenesysError):
    """A request that Genesys Cloud did not execute because of its rate limit."""

    code = "genesys_rate_limited"

    @property
    def params(self) -> dict[str, Any]:
        """The attributes and `retry_after`."""
        return super().params | {"retry_after": self.retry_after}


class GenesysUnauthenticated(GenesysError):
    """A request whose token Genesys Cloud rejected, even after a renewal."""

    code = "genesys_unauthenticated"


class GenesysForbidden(GenesysError):
    """A request for which the role of the OAuth client lacks a permission."""

    code = "genesys_forbidden"

    permissions: tuple[str, ...] = ()
    """The missing permissions (`oauth:token:delete`), empty where Genesys Cloud does not name them."""

    @property
    def params(self) -> dict[str, Any]:
        """The attributes and the missing permissions."""
        return super().params | {"permissions": list(self.permissions)}


class GenesysNotFound(GenesysError):
    """A request for an id that Genesys Cloud does not know."""

    code = "genesys_not_found"


class GenesysRejected(GenesysError):
    """A request that Genesys Cloud rejected, or a response that the client cannot read."""

    code = "genesys_rejected"

    expected: str | None = None
    """The model that an unreadable response should have had."""

    @property
    def params(self) -> dict[str, Any]:
        """The attributes and the expected model."""
        return super().params | {"expected": self.expected}


class GenesysServerError(GenesysError):
    """A request that failed inside Genesys Cloud."""

    code = "genesys_server_error"

    @property
    def params(self) -> dict[str, Any]:
        """The attributes, and `retry_after` if there is one."""
        return super().params | ({} if self.retry_after is None else {"retry_after": self.retry_after})


class LoginCause(StrEnum):
    """Why the login host issued no token. The body decides, because the rate limit has the status 400 too."""

    CLIENT_NOT_FOUND = "client_not_found"
    """The region has no such client id: a typing error, or a client of another region."""
    WRONG_SECRET = "wrong_secret"  # noqa: S105 - the name of a cause, not a secret
    RATE_LIMITED = "rate_limited"
    UNREACHABLE = "unreachable"
    NO_RESPONSE = "no_response"
    OTHER = "other"


class GenesysLoginFailed(GenesysError):
    """A failed login, so that no request was sent to the Platform API."""

    code = "genesys_login_failed"

    cause: LoginCause = LoginCause.OTHER

    @property
    def params(self) -> dict[str, Any]:
        """The attributes and the cause, and `retry_after` if there is one."""
        wait = {} if self.retry_after is None else {"retry_after": self.retry_after}
        return super().params | {"cause": self.cause} | wait
