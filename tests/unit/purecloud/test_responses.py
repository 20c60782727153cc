"""What an answer means, by status, header and body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.purecloud import GenesysError, LoginCause, errors
from bot.purecloud import responses as answers
from bot.purecloud.models import TokenInfo, UsersSearchResponse

JSON = {"Content-Type": "application/json"}
HTML = {"Content-Type": "text/html; charset=utf-8"}
STATUSES = [
    (301, errors.GenesysRejected),
    (304, errors.GenesysRejected),
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


def refusal(status: int, headers: dict[str, str], body: bytes | dict[str, Any]) -> GenesysError:
    with pytest.raises(GenesysError) as refused:
        answers.decipher(status, headers, body if isinstance(body, bytes) else json.dumps(body).encode())
    return refused.value


@pytest.mark.parametrize("status", [200, 202, 204])
@pytest.mark.parametrize("headers", [{}, JSON, HTML])
def test_decipher__an_empty_yes_is_a_yes(status: int, headers: dict[str, str]) -> None:
    answer = answers.decipher(status, {**headers, "ININ-Correlation-Id": "c-1"}, b"")

    assert answer == answers.Answer(status, "c-1", b"")


def test_decipher__a_web_page_that_says_200_proves_nothing() -> None:
    error = refusal(200, HTML, b"<html>Welcome to the proxy</html>")

    assert type(error) is errors.GenesysNoResponse
    assert error.problem == "unexpected_html"


@pytest.mark.parametrize(("status", "kind"), STATUSES)
@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (JSON, b'{"message": "Said so.", "code": "the.code", "status": 1, "contextId": "c-2"}'),
        (JSON, b'{"message": "Said'),
        (JSON, b"[]"),
        (JSON, b"null"),
        (JSON, b'{"message": {"not": "a string"}}'),
        (HTML, b"<html>Bad gateway</html>"),
        ({}, b""),
        ({}, b"\xff\xfe"),
    ],
)
def test_decipher__the_status_decides_whatever_the_body(
    status: int, kind: type[GenesysError], headers: dict[str, str], body: bytes
) -> None:
    error = refusal(status, headers, body)

    assert type(error) is kind
    assert error.status == status
    assert "<html>" not in str(error)
    if b"c-2" in body:
        assert (error.detail, error.error_code, error.correlation_id) == ("Said so.", "the.code", "c-2")
    else:
        assert error.detail is None


def test_every_status__has_a_row() -> None:
    assert {type_ for _, type_ in STATUSES} == {
        getattr(errors, name)
        for name in vars(errors)
        if name.startswith("Genesys") and name not in {"GenesysError", "GenesysUnreachable", "GenesysLoginFailed"}
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
def test_correlation_id__comes_from_either_header_and_then_from_the_body(headers: dict[str, str], found: str) -> None:
    assert refusal(404, headers, {"contextId": "context"}).correlation_id == found


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
def test_forbidden__names_the_permissions_that_genesys_named(
    body: dict[str, Any], permissions: tuple[str, ...]
) -> None:
    error = refusal(403, JSON, body)

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
def test_retry_after__is_seconds_or_a_date_or_the_reset(headers: dict[str, str], seconds: float | None) -> None:
    error = refusal(429, headers, b"")

    assert isinstance(error, errors.GenesysRateLimited)
    assert error.retry_after == seconds


@given(st.integers(300, 999), st.dictionaries(st.text(), st.text()), st.binary())
def test_decipher__whatever_comes_is_a_genesys_error_with_its_status(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    assert refusal(status, headers, body).status == status


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b'{"results": 3}', b'{"results": [{"id": "1"'])
def test_parsed__what_cannot_be_read_is_rejected_and_not_repeated(body: bytes) -> None:
    with pytest.raises(errors.GenesysRejected) as refused:
        answers.parsed(UsersSearchResponse, answers.Answer(200, "c-1", body))

    assert (refused.value.status, refused.value.correlation_id) == (200, "c-1")
    assert (refused.value.problem, refused.value.expected) == ("unreadable_response", "UsersSearchResponse")


def test_parsed__reads_what_it_can() -> None:
    assert answers.parsed(TokenInfo, answers.Answer(200, None, b"{}")) == TokenInfo()


def login_refusal(status: int, body: Any, headers: dict[str, str] | None = None) -> errors.GenesysLoginFailed:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    with pytest.raises(errors.GenesysLoginFailed) as refused:
        answers.decipher_login(status, headers or {}, raw)
    return refused.value


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
def test_decipher_login__the_body_tells_the_cause(status: int, body: Any, cause: LoginCause) -> None:
    error = login_refusal(status, body, {"ININ-Correlation-Id": "c-3"})

    assert error.cause is cause
    assert (error.status, error.correlation_id) == (status, "c-3")


def test_decipher_login__keeps_the_code_and_the_sentence_of_the_response() -> None:
    error = login_refusal(400, {"error": "x", "description": "missing grant_type"})

    assert (error.error_code, error.detail) == ("x", "missing grant_type")
    assert login_refusal(599, b"").detail is None


def test_decipher_login__gives_the_token() -> None:
    token = answers.decipher_login(200, {}, b'{"access_token": "t", "token_type": "bearer", "expires_in": 86399}')

    assert (token.access_token.get_secret_value(), token.expires_in) == ("t", 86399)


def test_decipher_login__an_unreadable_token_is_not_repeated() -> None:
    error = login_refusal(200, b'{"access_token": "t0p-secret"')

    assert "t0p-secret" not in f"{error} {error!r} {error.__cause__!r}"
