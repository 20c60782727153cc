"""Requests to the Platform API and the login host as data, and what their answers mean: pure.

Operations and permissions: developer.genesys.cloud, API Explorer (Tokens, Users, Authorization). Errors: page
"Platform API, Response codes"; the login host: page "Authorization, Client credentials".
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping

LOGIN: Final = "login"
"""The operation name of asking for a token; the others are the API's own names in snake case."""

_JSON: Final = {"Accept": "application/json", "Content-Type": "application/json"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_SEARCH_PAGE: Final = 25
_LISTING_PAGE: Final = 100


@dataclass(frozen=True, slots=True)
class Request:
    """One request: what it is called, and the bytes to send. Secrets in the headers stay out of its repr."""

    operation: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_JSON), repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool = True

    @property
    def changes(self) -> bool:
        """Whether it matters that the request may have been carried out unseen."""
        return self.method == "DELETE"


def bearer(request: Request, token: str) -> Request:
    """The same request, signed with an access token."""
    headers = {**request.headers, "Authorization": f"Bearer {token}"}
    return Request(request.operation, request.method, request.path, headers, request.body, request.repeatable)


def uuid(text: str) -> str:
    """The canonical id in lower case; ValueError for anything else.

    An id becomes a part of a path, and `/tokens/me` or `/tokens/timeout` are other resources than a person's tokens.
    """
    if not _UUID.fullmatch(text):
        raise ValueError(f"{text!r} is not a Genesys Cloud user id; one looks like 8-4-4-4-12 hexadecimal digits.")
    return text.lower()


def get_tokens_me() -> Request:
    """GET /api/v2/tokens/me; asking must not keep the token from idling out, hence `preserveIdleTTL`."""
    return Request("get_tokens_me", "GET", "/api/v2/tokens/me?preserveIdleTTL=true")


def head_tokens_me() -> Request:
    """HEAD /api/v2/tokens/me."""
    return Request("head_tokens_me", "HEAD", "/api/v2/tokens/me")


def delete_tokens_me() -> Request:
    """DELETE /api/v2/tokens/me."""
    return Request("delete_tokens_me", "DELETE", "/api/v2/tokens/me")


def delete_token(user_id: str) -> Request:
    """DELETE /api/v2/tokens/{userId}; needs `oauth:token:delete`. ValueError unless the id is a UUID."""
    return Request("delete_token", "DELETE", f"/api/v2/tokens/{uuid(user_id)}")


def get_user(user_id: str) -> Request:
    """GET /api/v2/users/{userId}. ValueError unless the id is a UUID."""
    return Request("get_user", "GET", f"/api/v2/users/{uuid(user_id)}")


def get_user_roles(user_id: str) -> Request:
    """GET /api/v2/users/{subjectId}/roles; needs `authorization:grant:view`. ValueError unless the id is a UUID."""
    return Request("get_user_roles", "GET", f"/api/v2/users/{uuid(user_id)}/roles")


def get_authorization_divisionspermitted_paged_me(permission: str) -> Request:
    """GET /api/v2/authorization/divisionspermitted/paged/me: where the token that asks holds the permission."""
    query = urlencode({"permission": permission, "pageSize": _LISTING_PAGE})
    path = f"/api/v2/authorization/divisionspermitted/paged/me?{query}"
    return Request("get_authorization_divisionspermitted_paged_me", "GET", path)


def get_authorization_subjects_me() -> Request:
    """GET /api/v2/authorization/subjects/me: the roles of the token that asks, with what they permit."""
    path = "/api/v2/authorization/subjects/me?includeFullRoles=true"
    return Request("get_authorization_subjects_me", "GET", path)


def get_authorization_roles(named: str, page: int = 1) -> Request:
    """GET /api/v2/authorization/roles, those of an id or a name; needs `authorization:role:view`."""
    wanted = {"id": named.lower()} if _UUID.fullmatch(named) else {"name": named}
    query = urlencode({**wanted, "userCount": "false", "pageSize": _LISTING_PAGE, "pageNumber": page})
    return Request("get_authorization_roles", "GET", f"/api/v2/authorization/roles?{query}")


def get_authorization_permissions(page: int = 1) -> Request:
    """GET /api/v2/authorization/permissions: every permission there is, a domain an entry."""
    query = urlencode({"pageSize": _LISTING_PAGE, "pageNumber": page})
    return Request("get_authorization_permissions", "GET", f"/api/v2/authorization/permissions?{query}")


def search_by_email(email: str) -> Request:
    """POST /api/v2/users/search; needs `directory:user:view`. ValueError for what cannot be an e-mail address.

    It reads only, so it may be repeated like a GET. Inactive persons are found too, deleted ones are not.
    """
    address = email.strip().lower()
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address):
        raise ValueError(f"{email!r} is not an e-mail address.")
    query: dict[str, Any] = {
        "pageSize": _SEARCH_PAGE,
        "pageNumber": 1,
        "query": [{"type": "EXACT", "fields": ["email"], "value": address}],
        "sortBy": "email",
        "sortOrder": "ASC",
    }
    return Request("search_by_email", "POST", "/api/v2/users/search", body=json.dumps(query).encode())


def login(client_id: str, client_secret: str) -> Request:
    """POST /oauth/token on the login host, the client credentials grant."""
    credentials = b64encode(f"{client_id}:{client_secret}".encode()).decode()
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"Basic {credentials}",
    }
    body = urlencode({"grant_type": "client_credentials"}).encode()
    return Request(LOGIN, "POST", "/oauth/token", headers, body, repeatable=False)
