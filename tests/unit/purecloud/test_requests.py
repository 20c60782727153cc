"""Method, path, headers and body of each request, and the arguments that are invalid."""

from __future__ import annotations

import base64
import inspect
import json
import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.purecloud import requests

JANE = "0f1e2d3c-4b5a-4697-8877-665544332211"
BY_ID = [
    build
    for _, build in inspect.getmembers(requests, inspect.isfunction)
    if "user_id" in inspect.signature(build).parameters
]
"""Every function that puts the id of a user into a path."""


@pytest.mark.parametrize(
    ("request_", "operation", "method", "path"),
    [
        (requests.get_tokens_me(), "get_tokens_me", "GET", "/api/v2/tokens/me?preserveIdleTTL=true"),
        (requests.head_tokens_me(), "head_tokens_me", "HEAD", "/api/v2/tokens/me"),
        (requests.delete_tokens_me(), "delete_tokens_me", "DELETE", "/api/v2/tokens/me"),
        (requests.delete_token(JANE), "delete_token", "DELETE", f"/api/v2/tokens/{JANE}"),
        (requests.get_user(JANE), "get_user", "GET", f"/api/v2/users/{JANE}"),
        (requests.get_user(JANE, ["a", "b"]), "get_user", "GET", f"/api/v2/users/{JANE}?expand=a,b"),
        (requests.get_user_roles(JANE), "get_user_roles", "GET", f"/api/v2/users/{JANE}/roles"),
        (
            requests.get_authorization_divisionspermitted_paged_me("oauth:token:delete"),
            "get_authorization_divisionspermitted_paged_me",
            "GET",
            "/api/v2/authorization/divisionspermitted/paged/me?permission=oauth%3Atoken%3Adelete&pageSize=100",
        ),
        (
            requests.get_authorization_subjects_me(),
            "get_authorization_subjects_me",
            "GET",
            "/api/v2/authorization/subjects/me?includeFullRoles=true",
        ),
        (
            requests.get_authorization_roles("Supervisor & more", 2),
            "get_authorization_roles",
            "GET",
            "/api/v2/authorization/roles?name=Supervisor+%26+more&userCount=false&pageSize=100&pageNumber=2",
        ),
        (
            requests.get_authorization_roles(JANE),
            "get_authorization_roles",
            "GET",
            f"/api/v2/authorization/roles?id={JANE}&userCount=false&pageSize=100&pageNumber=1",
        ),
        (
            requests.get_authorization_permissions(3),
            "get_authorization_permissions",
            "GET",
            "/api/v2/authorization/permissions?pageSize=100&pageNumber=3",
        ),
        (requests.search_by_email("a@b.example"), "search_by_email", "POST", "/api/v2/users/search"),
    ],
)
def test_requests__have_the_documented_method_and_path(
    request_: requests.ApiRequest, operation: str, method: str, path: str
) -> None:
    assert (request_.operation, request_.method, request_.path) == (operation, method, path)
    assert request_.headers["Accept"] == request_.headers["Content-Type"] == "application/json"
    assert request_.is_write == (method in ("PUT", "PATCH", "DELETE"))


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_is_write__includes_every_method_that_may_change_something(method: str) -> None:
    assert requests.ApiRequest("some_operation", method, "/").is_write


def test_is_write__excludes_posts_that_read() -> None:
    assert not requests.login("client", "secret").is_write
    assert not requests.search_by_email("a@b.example").is_write


def test_by_id__contains_the_functions_that_take_a_user_id() -> None:
    assert {requests.delete_token, requests.get_user, requests.get_user_roles} <= set(BY_ID)


@pytest.mark.parametrize("build", BY_ID)
@pytest.mark.parametrize(
    "user_id",
    [
        "",
        " ",
        "me",
        "timeout",
        "../tokens/me",
        "..%2Fme",
        JANE + "/",
        JANE + "\n",
        " " + JANE,
        "{" + JANE + "}",
        "urn:uuid:" + JANE,
        JANE.replace("-", ""),
        JANE.replace("0", "\N{ARABIC-INDIC DIGIT ZERO}"),
        JANE + "?x=1",
        JANE[:-1],
    ],
)
def test_requests__invalid_user_id_raises(build: object, user_id: str) -> None:
    assert callable(build)
    parameters = inspect.signature(build).parameters.values()
    others = {one.name: "x" for one in parameters if one.default is one.empty and one.name != "user_id"}
    with pytest.raises(ValueError, match="is not a Genesys Cloud user id"):
        build(user_id, **others)


@given(st.uuids(), st.booleans())
def test_normalize_user_id__returns_a_canonical_uuid_in_lower_case(value: UUID, upper: bool) -> None:
    assert requests.normalize_user_id(str(value).upper() if upper else str(value)) == str(value)


@given(st.text(alphabet=string.hexdigits + "-{}/. mebrnu%:", max_size=40) | st.text(max_size=40))
def test_normalize_user_id__accepts_nothing_but_a_canonical_uuid(text: str) -> None:
    try:
        user_id = requests.normalize_user_id(text)
    except ValueError:
        return
    assert user_id == str(UUID(text)) == text.lower()


def test_search_by_email__searches_for_the_exact_address_in_lower_case() -> None:
    request = requests.search_by_email("  Jane.Doe@ACME.example ")

    assert request.body
    query = json.loads(request.body)
    assert query["query"] == [{"type": "EXACT", "fields": ["email"], "value": "jane.doe@acme.example"}]
    assert query["pageNumber"] == 1


@pytest.mark.parametrize("email", ["", " ", "jane", "@acme.example", "jane@", "a@b@c", "jane doe@acme.example"])
def test_search_by_email__invalid_address_raises(email: str) -> None:
    with pytest.raises(ValueError, match="is not an e-mail address"):
        requests.search_by_email(email)


def test_login__has_the_credentials_in_the_header_only() -> None:
    request = requests.login("client", "s3cr:ét")

    scheme, encoded = request.headers["Authorization"].split()
    assert scheme == "Basic"
    assert base64.b64decode(encoded).decode() == "client:s3cr:ét"
    assert request.body == b"grant_type=client_credentials"
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_with_bearer_token__returns_a_copy_and_hides_the_token() -> None:
    request = requests.get_tokens_me()
    signed = requests.with_bearer_token(request, "t0ken")

    assert signed.headers["Authorization"] == "Bearer t0ken"
    assert "Authorization" not in request.headers
    assert "t0ken" not in repr(signed)
    assert "Basic" not in repr(requests.login("client", "s3cret"))
