"""What an answer of the Platform API or of the login host means: bytes in, a value or a typed error out: pure."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from bot.purecloud.errors import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysRateLimited,
    GenesysRejected,
    GenesysServerError,
    GenesysUnauthenticated,
    LoginCause,
)
from bot.purecloud.models import ErrorBody, OAuthErrorResponse, OAuthTokenResponse

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

_CORRELATION_HEADERS: Final = ("genesys-correlation-id", "inin-correlation-id")
_PERMISSION = re.compile(r"\b[A-Za-z]\w*:(?:\w+|\*):(?:\w+|\*)", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)

# 408, 502 and 504 come from a gateway that gave up waiting: what stands behind it may still have acted.
_ERRORS: Final[Mapping[int, type[GenesysError]]] = {
    HTTPStatus.UNAUTHORIZED: GenesysUnauthenticated,
    HTTPStatus.FORBIDDEN: GenesysForbidden,
    HTTPStatus.NOT_FOUND: GenesysNotFound,
    HTTPStatus.REQUEST_TIMEOUT: GenesysNoResponse,
    HTTPStatus.TOO_MANY_REQUESTS: GenesysRateLimited,
    HTTPStatus.BAD_GATEWAY: GenesysNoResponse,
    HTTPStatus.GATEWAY_TIMEOUT: GenesysNoResponse,
}


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that says yes; `body` is empty after a DELETE, and may hold a person's data."""

    status: int
    correlation_id: str | None
    body: bytes = field(default=b"", repr=False)


def decipher(status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    """The answer of the Platform API, or the GenesysError it stands for.

    No body is asked for: 200, 202 and 204 with nothing in them are a yes. A web page is none, whatever its status:
    something other than Genesys Cloud answered, so nothing is known (GenesysNoResponse).
    """
    known = _lowered(headers)
    correlation_id = _correlation_id(known)
    if not HTTPStatus(200) <= status < HTTPStatus(300):
        raise _error(status, known, body)
    if body and "html" in known.get("content-type", "").lower():
        raise GenesysNoResponse(status=status, correlation_id=correlation_id, problem="unexpected_html")
    return Answer(status, correlation_id, body)


def decipher_login(status: int, headers: Mapping[str, str], body: bytes) -> OAuthTokenResponse:
    """The token the login host gave, or GenesysLoginFailed with its cause.

    The cause is told by the body: this host's rate limit is a 400, and so is a client id that it does not know.
    """
    if HTTPStatus(200) <= status < HTTPStatus(300):
        token = _read(OAuthTokenResponse, body)
        if token is not None:
            return token
    said = _read(OAuthErrorResponse, body) or OAuthErrorResponse()
    description = said.error_description or said.description or ""
    cause = _login_cause(status, said.error or "", description.strip().lower())
    error = GenesysLoginFailed(
        _readable(description) or None,
        status=status,
        error_code=_readable(said.error),
        correlation_id=_correlation_id(_lowered(headers)),
    )
    error.cause = cause
    raise error


_Model = TypeVar("_Model", bound=BaseModel)


def parsed(model: type[_Model], answer: Answer) -> _Model:
    """The model in the answer's body; GenesysRejected where it cannot be read."""
    read = _read(model, answer.body)
    if read is None:
        error = GenesysRejected(
            status=answer.status, correlation_id=answer.correlation_id, problem="unreadable_response"
        )
        error.expected = model.__name__
        raise error
    return read


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait as the headers say, None where they do not.

    `Retry-After` is a number of seconds or an HTTP date, which is measured from the answer's own `Date`, so that a
    clock that is wrong here does no harm; otherwise `inin-ratelimit-reset` counts (page "Platform API, Rate limits").
    """
    known = _lowered(headers)
    asked = known.get("retry-after", "").strip()
    if _SECONDS.fullmatch(asked):
        return float(asked)
    until, now = _http_date(asked), _http_date(known.get("date", ""))
    if until and now:
        return max(0.0, (until - now).total_seconds())
    reset = known.get("inin-ratelimit-reset", "").strip()
    return float(reset) if _SECONDS.fullmatch(reset) else None


def _login_cause(status: int, error: str, description: str) -> LoginCause:
    if description.startswith("rate limit exceeded") or status == HTTPStatus.TOO_MANY_REQUESTS:
        return LoginCause.RATE_LIMITED
    if error == "invalid_client" and description.startswith("client not found"):
        return LoginCause.CLIENT_NOT_FOUND
    if error == "invalid_client" and status == HTTPStatus.UNAUTHORIZED:
        return LoginCause.WRONG_SECRET
    return LoginCause.OTHER


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GenesysError:
    said = _read(ErrorBody, body) or ErrorBody()
    error = _error_class(status)(
        (_readable(said.message) or "").strip() or None,
        status=status,
        error_code=_readable(said.code),
        correlation_id=_correlation_id(headers) or _readable(said.context_id),
    )
    if isinstance(error, GenesysRateLimited):
        error.retry_after = retry_after(headers)
    if isinstance(error, GenesysForbidden):
        error.permissions = _permissions(said)
    return error


def _error_class(status: int) -> type[GenesysError]:
    broken = status >= HTTPStatus.INTERNAL_SERVER_ERROR
    return _ERRORS.get(status, GenesysServerError if broken else GenesysRejected)


def _permissions(said: ErrorBody) -> tuple[str, ...]:
    # Genesys names them in the sentence of `missing.any.permissions` and `missing.permissions`, at times apart from it.
    texts = [said.message or "", *map(str, (said.message_params or {}).values())]
    return tuple(dict.fromkeys(name for text in texts for name in _PERMISSION.findall(text)))


def _read(model: type[_Model], body: bytes) -> _Model | None:
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None


def _lowered(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def _correlation_id(headers: Mapping[str, str]) -> str | None:
    found = next((headers[name] for name in _CORRELATION_HEADERS if headers.get(name)), None)
    return _readable(found)


def _readable(text: str | None) -> str | None:
    """The text without half characters, which a header or JSON may bring and no database or log takes."""
    return text and text.encode("utf-8", "replace").decode()


def _http_date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # the second for a year beyond all years
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)
