"""How status, headers and body of a response become a value or an error."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.purecloud import GenesysError, LoginCause, errors, responses
from bot.purecloud.models import TokenInfo, UsersSearchResponse

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
STATUSES = [
    (301, errors.GenesysNoResponse),
    (302, errors.GenesysNoResponse),
    (304, errors.GenesysNoResponse),
    (400, errors.GenesysRejected),
    (401, errors.GenesysUnauthenticated),
    (403, errors.GenesysForbidden),
    (404, errors.GenesysNotFound),
    (408, errors.GenesysNoResponse),
    (409, errors.GenesysRejected),
    (413, errors.GenesysRejected),
    (415, errors.GenesysRejected),
    (429, errors.GenesysRateLimited),
    (499, errors.GenesysRejected),
    (500, errors.GenesysServerError),
    (501, errors.GenesysServerError),
    (502, errors.GenesysNoResponse),
    (503, errors.GenesysServerError),
    (504, errors.GenesysNoResponse),
    (599, errors.GenesysServerError),
]


def error_of(status: int, headers: dict[str, str], body: bytes | dict[str, Any]) -> GenesysError:
    with pytest.raises(GenesysError) as raised:
        responses.parse_response(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())
    return raised.value


@pytest.mark.parametrize("status", [200, 202, 204])
@pytest.mark.parametrize("headers", [{}, JSON, HTML])
def test_parse_response__empty_success_is_a_success(status: int, headers: dict[str, str]) -> None:
    response = responses.parse_response(status, {**headers, "ININ-Correlation-Id": "c-1"}, b"")

    assert response == responses.ApiResponse(status, "c-1", b"")


@pytest.mark.parametrize(
    "content_type", ["text/html; charset=utf-8", "application/xhtml+xml", "text/plain", "TEXT/XML"]
)
def test_parse_response__page_with_status_200_raises_no_response(content_type: str) -> None:
    error = error_of(200, {"Content-Type": content_type}, b"<html>Welcome to the proxy</html>")

    assert type(error) is errors.GenesysNoResponse
    assert error.problem == "unexpected_response"


@pytest.mark.parametrize(
    "body", [b"", b" \r\n", b"{}", b"null", b"[]", b'{"id": "1"}', b'{"status": 200, "code": null}']
)
def test_confirm__harmless_body_confirms_a_deletion(body: bytes) -> None:
    responses.confirm(responses.parse_response(200, JSON, body))


@pytest.mark.parametrize(
    "body",
    [
        b'{"status": 503, "code": "service.unavailable", "message": "Try later."}',
        b'{"status": 400}',
        b'{"status": "503"}',
        b'{"message": "Service Unavailable"}',
        b'{"Message": "User is not authorized"}',
        b'{"code": "internal.server.error"}',
        b'{"error": "invalid_request"}',
        b'{"errors": [{"status": 500}]}',
        b'{"status": 1e999}',
        b'[{"status": 503}]',
        b'"error"',
        b"false",
        b"503",
        b"Service unavailable",
        b"<html>Log in to the proxy</html>",
        b'{"id":',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"status": ' + b"9" * 10_000 + b"}",
    ],
)
def test_confirm__any_other_body_leaves_the_deletion_unknown(body: bytes) -> None:
    with pytest.raises(errors.GenesysNoResponse) as raised:
        responses.confirm(responses.ApiResponse(200, "c-1", body))

    assert (raised.value.status, raised.value.correlation_id) == (200, "c-1")
    assert raised.value.problem == "unexpected_response"


@given(st.binary())
def test_confirm__any_bytes_confirm_or_raise_no_response(body: bytes) -> None:
    try:
        responses.confirm(responses.ApiResponse(200, None, body))
    except errors.GenesysNoResponse:
        assert body.strip()


def test_parse_response__redirection_says_nothing_about_the_request() -> None:
    error = error_of(302, {"Location": "https://proxy.example/login"}, b"")

    assert (type(error), error.problem) == (errors.GenesysNoResponse, "unexpected_response")


@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, b'{"message": "Not allowed.", "code": "the.code", "status": 1, "contextId": "c-2"}'),
        (JSON, b'{"message": "Not'),
        (JSON, b"[]"),
        (JSON, b"null"),
        (JSON, b'{"message": {"not": "a string"}}'),
        (HTML, b"<html>Bad gateway</html>"),
        ({}, b""),
        ({}, b"\xff\xfe"),
    ],
)
def test_parse_response__status_alone_determines_the_error(
    status: int, kind: type[GenesysError], headers: dict[str, str], body: bytes
) -> None:
    error = error_of(status, headers, body)

    assert type(error) is kind
    assert error.status == status
    assert "<html>" not in str(error)
    if b"c-2" in body:
        assert (error.detail, error.error_code, error.correlation_id) == ("Not allowed.", "the.code", "c-2")
    else:
        assert error.detail is None


WITHOUT_STATUS = {"GenesysError", "GenesysUnreachable", "GenesysNotSent", "GenesysLoginFailed"}


def test_statuses__cover_every_error_class() -> None:
    assert {type_ for _, type_ in STATUSES} == {
        getattr(errors, name) for name in vars(errors) if name.startswith("Genesys") and name not in WITHOUT_STATUS
    }


@pytest.mark.parametrize(
    ("headers", "found"),
    [
        ({"Genesys-Correlation-Id": "new", "ININ-Correlation-Id": "old"}, "new"),
        ({"inin-correlation-id": "old"}, "old"),
        ({"GENESYS-CORRELATION-ID": "", "ININ-CORRELATION-ID": "old"}, "old"),
        ({}, "context"),
    ],
)
def test_correlation_id__is_read_from_either_header_before_the_body(headers: dict[str, str], found: str) -> None:
    assert error_of(404, headers, {"contextId": "context"}).correlation_id == found


@pytest.mark.parametrize(
    ("body", "permissions"),
    [
        (
            {
                "code": "missing.any.permissions",
                "message": "Unable to perform the requested action. You must have at least one of the following"
                " permissions assigned: [oauth:token:delete, oauth:client:*]",
            },
            ("oauth:token:delete", "oauth:client:*"),
        ),
        (
            {
                "code": "missing.permissions",
                "message": "You are missing the following permission(s): directory:user:view",
                "messageParams": {"permissions": "directory:user:view", "other": 3},
            },
            ("directory:user:view",),
        ),
        ({"message": "No.", "messageParams": {"p": "quality:evaluation:editScore"}}, ("quality:evaluation:editScore",)),
        ({"code": "not.authorized", "message": "You are not authorized: see https://a.b/c"}, ()),
        ({}, ()),
    ],
)
def test_forbidden__has_the_permissions_named_in_the_body(body: dict[str, Any], permissions: tuple[str, ...]) -> None:
    error = error_of(403, JSON, body)

    assert isinstance(error, errors.GenesysForbidden)
    assert error.permissions == permissions


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"retry-after": " 86400 "}, 86400),
        ({"Retry-After": "0", "inin-ratelimit-reset": "9"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 -0000", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 30),
        ({"Retry-After": "Wed, 21 Oct 2026 07:27:00 GMT", "Date": "Wed, 21 Oct 2026 07:28:00 GMT"}, 0),
        ({"Retry-After": "Wed, 21 Oct 2026 07:28:30 GMT", "inin-ratelimit-reset": "9"}, 9),
        ({"inin-ratelimit-reset": "9"}, 9),
        ({"Retry-After": "-1"}, None),
        ({"Retry-After": "Wed, 21 Oct 99999999999999999999 07:28:30 GMT"}, None),
        ({"Retry-After": "soon", "inin-ratelimit-reset": "later"}, None),
        ({"Retry-After": "9" * 5000}, None),
        ({"Retry-After": "²"}, None),
        ({}, None),
    ],
)
def test_retry_after__is_read_as_seconds_date_or_rate_limit_reset(
    headers: dict[str, str], seconds: float | None
) -> None:
    error = error_of(429, headers, b"")

    assert isinstance(error, errors.GenesysRateLimited)
    assert error.retry_after == seconds


@given(st.integers(300, 999), st.dictionaries(st.text(), st.text()), st.binary())
def test_parse_response__any_bytes_raise_a_genesys_error_with_the_status(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    assert error_of(status, headers, body).status == status


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"results": 3}', b'{"results": [{"id": "1"'])
def test_parse_body__unreadable_body_raises_rejected(body: bytes) -> None:
    with pytest.raises(errors.GenesysRejected) as raised:
        responses.parse_body(UsersSearchResponse, responses.ApiResponse(200, "c-1", body))

    assert (raised.value.status, raised.value.correlation_id) == (200, "c-1")
    assert (raised.value.problem, raised.value.expected) == ("unreadable_response", "UsersSearchResponse")


def test_parse_body__empty_object_is_an_empty_model() -> None:
    assert responses.parse_body(TokenInfo, responses.ApiResponse(200, None, b"{}")) == TokenInfo()


def login_error_of(status: int, body: Any, headers: dict[str, str] | None = None) -> errors.GenesysLoginFailed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(errors.GenesysLoginFailed) as raised:
        responses.parse_login_response(status, headers or {}, raw)
    return raised.value


@pytest.mark.parametrize(
    ("status", "body", "cause"),
    [
        (400, {"error": "invalid_client", "description": "client not found"}, LoginCause.CLIENT_NOT_FOUND),
        (401, {"error": "invalid_client", "error_description": "client not found: x"}, LoginCause.CLIENT_NOT_FOUND),
        (401, {"error": "invalid_client", "description": "authentication failed"}, LoginCause.WRONG_SECRET),
        (400, {"error": "invalid_request", "description": "rate limit exceeded; slow down"}, LoginCause.RATE_LIMITED),
        (400, {"error": "invalid_request", "error_description": " Rate limit exceeded"}, LoginCause.RATE_LIMITED),
        (429, b"", LoginCause.RATE_LIMITED),
        (400, {"error": "invalid_request", "description": "missing grant_type"}, LoginCause.OTHER),
        (400, {"error": "invalid_client", "description": "something new"}, LoginCause.OTHER),
        (503, b"<html>", LoginCause.OTHER),
        (302, b"", LoginCause.OTHER),
        (200, b"<html>", LoginCause.OTHER),
        (200, {"access_token": ""}, LoginCause.OTHER),
        (200, {"token_type": "bearer"}, LoginCause.OTHER),
    ],
)
def test_parse_login_response__body_determines_the_cause(status: int, body: Any, cause: LoginCause) -> None:
    error = login_error_of(status, body, {"ININ-Correlation-Id": "c-3"})

    assert error.cause is cause
    assert (error.status, error.correlation_id) == (status, "c-3")


def test_parse_login_response__keeps_the_error_code_and_description() -> None:
    error = login_error_of(400, {"error": "x", "description": "missing grant_type"})

    assert (error.error_code, error.detail) == ("x", "missing grant_type")
    assert login_error_of(599, b"").detail is None


def test_parse_login_response__returns_the_token() -> None:
    token = responses.parse_login_response(
        200, {}, b'{"access_token": "t", "token_type": "bearer", "expires_in": 86399}'
    )

    assert (token.access_token.get_secret_value(), token.expires_in) == ("t", 86399)


def test_parse_login_response__unreadable_token_is_not_quoted() -> None:
    error = login_error_of(200, b'{"access_token": "t0p-secret"')

    assert "t0p-secret" not in f"{error} {error!r} {error.__cause__!r}"
