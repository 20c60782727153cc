"""Parsing of responses: bytes in, a value or a GenesysError out.

Errors: developer.genesys.cloud, page "Platform API, Response codes"; the login host: page "Authorization, Client
credentials".
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from bot.network.server_clock import parse_date
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

_CORRELATION_HEADERS: Final = ("genesys-correlation-id", "inin-correlation-id")
_PERMISSION = re.compile(r"\b[A-Za-z]\w*:(?:\w+|\*):(?:\w+|\*)", re.ASCII)
_SECONDS = re.compile(r"\d{1,9}", re.ASCII)

_UNEXPECTED: Final = "unexpected_response"
_ERROR_FIELDS: Final = frozenset({"message", "code", "error", "errors", "fault"})

# A gateway sends 408, 502 and 504 when it stops waiting; the service behind it may still execute the request.
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
class ApiResponse:
    """A successful response. The repr hides the body, which may hold personal data."""

    status: int
    correlation_id: str | None
    body: bytes = field(default=b"", repr=False)
    date: float | None = None
    """When it was sent, by the server's clock in epoch seconds; None without a valid `Date`."""
    seconds: float = 0.0
    """How long the client waited for it."""


def parse_response(status: int, headers: Mapping[str, str], body: bytes) -> ApiResponse:
    """Return a successful response of the Platform API; raises the GenesysError for any other.

    An empty 200, 202 or 204 is a success. A page and a redirection raise GenesysNoResponse, because Genesys Cloud
    sends none: a proxy answered in its place.
    """
    lowercase = _lowercase_names(headers)
    correlation_id = _correlation_id(lowercase)
    if not HTTPStatus(200) <= status < HTTPStatus(300):
        raise _error(status, lowercase, body)
    if body and _is_page(lowercase.get("content-type", "").lower()):
        raise GenesysNoResponse(status=status, correlation_id=correlation_id, problem=_UNEXPECTED)
    return ApiResponse(status, correlation_id, body, parse_date(lowercase.get("date", "")))


def confirm(response: ApiResponse) -> None:
    """Raise GenesysNoResponse unless a successful response confirms a write.

    Its body must be empty, or JSON that describes no error: Genesys Cloud documents no body for a deletion. Otherwise
    the write may or may not have happened.
    """
    if response.body.strip() and not _is_harmless(response.body):
        raise GenesysNoResponse(status=response.status, correlation_id=response.correlation_id, problem=_UNEXPECTED)


def _is_page(content_type: str) -> bool:
    return "html" in content_type or (content_type.startswith("text/") and "json" not in content_type)


def _is_harmless(body: bytes) -> bool:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return False
    if not isinstance(value, dict):
        return value in (None, [])
    fields = {name.lower(): one for name, one in value.items() if one}
    return _ERROR_FIELDS.isdisjoint(fields) and not _is_error_status(fields.get("status"))


def _is_error_status(status: Any) -> bool:
    try:
        return float(status) >= HTTPStatus.BAD_REQUEST
    except (TypeError, ValueError, OverflowError):
        return False


def parse_login_response(status: int, headers: Mapping[str, str], body: bytes) -> OAuthTokenResponse:
    """Return the token that the login host issued; raises GenesysLoginFailed with its cause.

    The body determines the cause, because the login host's rate limit and an unknown client id are both a 400.
    """
    if HTTPStatus(200) <= status < HTTPStatus(300):
        token = _validate(OAuthTokenResponse, body)
        if token is not None:
            return token
    response = _validate(OAuthErrorResponse, body) or OAuthErrorResponse()
    description = (response.error_description or response.description or "").strip()
    error = GenesysLoginFailed(
        _without_surrogates(description) or None,
        status=status,
        error_code=_without_surrogates(response.error),
        correlation_id=_correlation_id(_lowercase_names(headers)),
    )
    error.cause = _login_cause(status, response.error or "", description.lower())
    error.retry_after = _retry_after_header(_lowercase_names(headers))
    raise error


_Model = TypeVar("_Model", bound=BaseModel)


def parse_body(model: type[_Model], response: ApiResponse) -> _Model:
    """Return the body as a model; raises GenesysRejected if it cannot be read."""
    value = _validate(model, response.body)
    if value is None:
        raise unreadable(model, response)
    return value


def unreadable(model: type[BaseModel], response: ApiResponse) -> GenesysRejected:
    """Return the error for a response that is not what the model describes."""
    error = GenesysRejected(
        status=response.status, correlation_id=response.correlation_id, problem="unreadable_response"
    )
    error.expected = model.__name__
    return error


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that the headers ask to wait, None if they do not.

    `Retry-After` is a number of seconds or an HTTP date. A date is compared with the response's own `Date`, so that a
    wrong local clock has no effect. Otherwise `inin-ratelimit-reset` applies (page "Platform API, Rate limits").
    """
    lowercase = _lowercase_names(headers)
    seconds = _retry_after_header(lowercase)
    if seconds is not None:
        return seconds
    reset = lowercase.get("inin-ratelimit-reset", "").strip()
    return float(reset) if _SECONDS.fullmatch(reset) else None


def _retry_after_header(lowercase: Mapping[str, str]) -> float | None:
    value = lowercase.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    until, now = parse_date(value), parse_date(lowercase.get("date", ""))
    return None if until is None or now is None else max(0.0, until - now)


def _login_cause(status: int, error: str, description: str) -> LoginCause:
    if description.startswith("rate limit exceeded") or status == HTTPStatus.TOO_MANY_REQUESTS:
        return LoginCause.RATE_LIMITED
    if error == "invalid_client" and description.startswith("client not found"):
        return LoginCause.CLIENT_NOT_FOUND
    if error == "invalid_client" and status == HTTPStatus.UNAUTHORIZED:
        return LoginCause.WRONG_SECRET
    return LoginCause.OTHER


def _error(status: int, headers: Mapping[str, str], body: bytes) -> GenesysError:
    response = _validate(ErrorBody, body) or ErrorBody()
    redirected = HTTPStatus(300) <= status < HTTPStatus.BAD_REQUEST
    error = _error_class(status)(
        (_without_surrogates(response.message) or "").strip() or None,
        status=status,
        error_code=_without_surrogates(response.code),
        correlation_id=_correlation_id(headers) or _without_surrogates(response.context_id),
        problem=_UNEXPECTED if redirected else None,
    )
    if isinstance(error, GenesysRateLimited):
        error.retry_after = parse_retry_after(headers)
    elif isinstance(error, GenesysServerError):
        error.retry_after = _retry_after_header(headers)
    if isinstance(error, GenesysForbidden):
        error.permissions = _missing_permissions(response)
    return error


def _error_class(status: int) -> type[GenesysError]:
    if HTTPStatus(300) <= status < HTTPStatus.BAD_REQUEST:
        return GenesysNoResponse
    default = GenesysServerError if status >= HTTPStatus.INTERNAL_SERVER_ERROR else GenesysRejected
    return _ERRORS.get(status, default)


def _missing_permissions(response: ErrorBody) -> tuple[str, ...]:
    # `missing.any.permissions` and `missing.permissions` name them in the message, and sometimes in its parameters.
    texts = [response.message or "", *map(str, (response.message_params or {}).values())]
    return tuple(dict.fromkeys(name for text in texts for name in _PERMISSION.findall(text)))


def _validate(model: type[_Model], body: bytes) -> _Model | None:
    try:
        return model.model_validate_json(body)
    except ValidationError:
        return None


def _lowercase_names(headers: Mapping[str, Any]) -> dict[str, str]:
    return {name.lower(): str(value) for name, value in headers.items()}


def _correlation_id(headers: Mapping[str, str]) -> str | None:
    return _without_surrogates(next((headers[name] for name in _CORRELATION_HEADERS if headers.get(name)), None))


def _without_surrogates(text: str | None) -> str | None:
    """Replace lone surrogates, which no database or log can store."""
    return text and text.encode("utf-8", "replace").decode()
