"""Requests to the Platform API and the login host, as data.

Operations and permissions: developer.genesys.cloud, API Explorer (Tokens, Users, Authorization, Groups,
Routing). Login: page "Authorization, Client credentials".
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_JSON: Final = {"Accept": "application/json", "Content-Type": "application/json"}
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE | re.ASCII)
_SEARCH_PAGE_SIZE: Final = 25
_LISTING_PAGE_SIZE: Final = 100
MAX_SEARCHED: Final = 100
"""Maximum number of addresses or ids in one search."""

_CONVERSATIONS: Final = ("conversationSummary",)
"""What a search for the people of a list adds to each user, as far as Genesys Cloud knows it."""

_POSTS_THAT_READ: Final = ("login", "search_by_email", "search_active", "post_groups_search")
"""The operations that change nothing although their method is POST."""


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """A request to send.

    `operation` is the API's own name of the operation in snake case, or `login`. The repr shows neither headers nor
    body, because they may hold secrets.
    """

    operation: str
    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=lambda: dict(_JSON), repr=False)
    body: bytes | None = field(default=None, repr=False)

    @property
    def is_write(self) -> bool:
        """Whether the request may change something in Genesys Cloud."""
        return self.method not in ("GET", "HEAD") and self.operation not in _POSTS_THAT_READ


def with_bearer_token(request: ApiRequest, token: str) -> ApiRequest:
    """Return a copy of the request with an access token."""
    return replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})


def is_user_id(text: str) -> bool:
    """Return whether a text has the form of a user id, a canonical UUID."""
    return _UUID.fullmatch(text) is not None


def normalize_user_id(text: str) -> str:
    """Return a user id in lower case; raises ValueError for anything but a canonical UUID.

    The id becomes part of a path, and `/tokens/me` and `/tokens/timeout` are not the tokens of a user.
    """
    if not is_user_id(text):
        raise ValueError(f"{text!r} is not a Genesys Cloud user id; one looks like 8-4-4-4-12 hexadecimal digits.")
    return text.lower()


def get_tokens_me() -> ApiRequest:
    """Build GET /api/v2/tokens/me, which does not reset the token's idle timeout (`preserveIdleTTL`)."""
    return ApiRequest("get_tokens_me", "GET", "/api/v2/tokens/me?preserveIdleTTL=true")


def head_tokens_me() -> ApiRequest:
    """Build HEAD /api/v2/tokens/me."""
    return ApiRequest("head_tokens_me", "HEAD", "/api/v2/tokens/me")


def delete_tokens_me() -> ApiRequest:
    """Build DELETE /api/v2/tokens/me."""
    return ApiRequest("delete_tokens_me", "DELETE", "/api/v2/tokens/me")


def delete_token(user_id: str) -> ApiRequest:
    """Build DELETE /api/v2/tokens/{userId}; raises ValueError unless the id is a UUID.

    Permission: `oauth:token:delete`.
    """
    return ApiRequest("delete_token", "DELETE", f"/api/v2/tokens/{normalize_user_id(user_id)}")


def get_user(user_id: str, expand: Sequence[str] = ()) -> ApiRequest:
    """Build GET /api/v2/users/{userId}; raises ValueError unless the id is a UUID.

    `expand` names further fields.
    """
    query = f"?expand={','.join(expand)}" if expand else ""
    return ApiRequest("get_user", "GET", f"/api/v2/users/{normalize_user_id(user_id)}{query}")


def get_user_roles(user_id: str) -> ApiRequest:
    """Build GET /api/v2/users/{subjectId}/roles; raises ValueError unless the id is a UUID.

    Permission: `authorization:grant:view`.
    """
    return ApiRequest("get_user_roles", "GET", f"/api/v2/users/{normalize_user_id(user_id)}/roles")


def get_authorization_divisionspermitted_paged_me(permission: str) -> ApiRequest:
    """Build GET /api/v2/authorization/divisionspermitted/paged/me.

    The response lists the divisions in which the client itself has the permission.
    """
    query = urlencode({"permission": permission, "pageSize": _LISTING_PAGE_SIZE})
    path = f"/api/v2/authorization/divisionspermitted/paged/me?{query}"
    return ApiRequest("get_authorization_divisionspermitted_paged_me", "GET", path)


def get_authorization_subjects_me() -> ApiRequest:
    """Build GET /api/v2/authorization/subjects/me, with the policies of the client's own roles."""
    path = "/api/v2/authorization/subjects/me?includeFullRoles=true"
    return ApiRequest("get_authorization_subjects_me", "GET", path)


def get_authorization_roles(id_or_name: str, page: int = 1) -> ApiRequest:
    """Build GET /api/v2/authorization/roles for one id or name.

    Permission: `authorization:role:view`.
    """
    wanted = {"id": id_or_name.lower()} if _UUID.fullmatch(id_or_name) else {"name": id_or_name}
    return _listing("get_authorization_roles", "/api/v2/authorization/roles", page, **wanted, userCount="false")


def get_authorization_permissions(page: int = 1) -> ApiRequest:
    """Build GET /api/v2/authorization/permissions, which lists all permissions by domain."""
    return _listing("get_authorization_permissions", "/api/v2/authorization/permissions", page)


def get_authorization_divisions(name: str, page: int = 1) -> ApiRequest:
    """Build GET /api/v2/authorization/divisions for the divisions whose name contains a text."""
    return _listing("get_authorization_divisions", "/api/v2/authorization/divisions", page, name=name)


def get_routing_queues(name: str, page: int = 1) -> ApiRequest:
    """Build GET /api/v2/routing/queues for the queues whose name contains a text.

    Permission: `routing:queue:view`.
    """
    return _listing("get_routing_queues", "/api/v2/routing/queues", page, name=name)


def get_routing_queue_members(queue_id: str, page: int = 1) -> ApiRequest:
    """Build GET /api/v2/routing/queues/{queueId}/members.

    Permission: `routing:queue:view`.
    """
    path = f"/api/v2/routing/queues/{quote(queue_id, safe='')}/members"
    return _listing("get_routing_queue_members", path, page)


def get_group_members(group_id: str, page: int = 1) -> ApiRequest:
    """Build GET /api/v2/groups/{groupId}/members."""
    return _listing("get_group_members", f"/api/v2/groups/{quote(group_id, safe='')}/members", page)


def post_groups_search(name: str, page: int = 1) -> ApiRequest:
    """Build POST /api/v2/groups/search for a name."""
    body = json.dumps(_query({"fields": ["name"], "value": name}, "name", page=page)).encode()
    return ApiRequest("post_groups_search", "POST", "/api/v2/groups/search", body=body)


def _listing(operation: str, path: str, page: int, **criteria: str) -> ApiRequest:
    query = urlencode({**criteria, "pageSize": _LISTING_PAGE_SIZE, "pageNumber": page})
    return ApiRequest(operation, "GET", f"{path}?{query}")


def search_by_division(division_id: str, page: int = 1) -> ApiRequest:
    """Build POST /api/v2/users/search for the active and inactive users of a division.

    Permission: `directory:user:view`.
    """
    return _search({"fields": ["divisionId"], "value": division_id}, "email", page=page)


def search_by_email(email: str) -> ApiRequest:
    """Build POST /api/v2/users/search; raises ValueError for an invalid e-mail address.

    The search finds active and inactive users, but no deleted ones. Permission: `directory:user:view`.
    """
    return _search({"fields": ["email"], "value": _address(email)}, "email", size=_SEARCH_PAGE_SIZE)


def search_by_emails(emails: Sequence[str], page: int = 1, *, with_conversations: bool = False) -> ApiRequest:
    """Build POST /api/v2/users/search for several e-mail addresses, at most `MAX_SEARCHED`.

    `with_conversations` asks for the conversations of the users. Raises ValueError for an invalid address, or too
    many. Permission: `directory:user:view`.
    """
    _require_few(emails)
    criterion = {"fields": ["email"], "values": [_address(one) for one in emails]}
    return _search(criterion, "email", page=page, expand=_CONVERSATIONS if with_conversations else ())


def search_by_ids(user_ids: Sequence[str], page: int = 1, *, with_conversations: bool = False) -> ApiRequest:
    """Build POST /api/v2/users/search for several user ids, at most `MAX_SEARCHED`.

    `with_conversations` asks for the conversations of the users. Raises ValueError for an invalid id, or too many.
    Permission: `directory:user:view`.
    """
    _require_few(user_ids)
    criterion = {"fields": ["id"], "values": [normalize_user_id(one) for one in user_ids]}
    return _search(criterion, "id", page=page, expand=_CONVERSATIONS if with_conversations else ())


def _address(email: str) -> str:
    address = email.strip().lower()
    if not re.fullmatch(r"[^\s@]+@[^\s@]+", address):
        raise ValueError(f"{email!r} is not an e-mail address.")
    return address


def _require_few(values: Sequence[str]) -> None:
    if not 1 <= len(values) <= MAX_SEARCHED:
        raise ValueError(f"A search takes 1 to {MAX_SEARCHED} values, not {len(values)}.")


def _search(
    criterion: Mapping[str, Any],
    sort_by: str,
    *,
    page: int = 1,
    size: int = _LISTING_PAGE_SIZE,
    expand: Sequence[str] = (),
) -> ApiRequest:
    query = _query(criterion, sort_by, page=page, size=size) | ({"expand": list(expand)} if expand else {})
    body = json.dumps(query).encode()
    return ApiRequest("search_by_email", "POST", "/api/v2/users/search", body=body)


def _query(criterion: Mapping[str, Any], sort_by: str, *, page: int, size: int = _LISTING_PAGE_SIZE) -> dict[str, Any]:
    return {
        "pageSize": size,
        "pageNumber": page,
        "query": [{"type": "EXACT", **criterion}],
        "sortBy": sort_by,
        "sortOrder": "ASC",
    }


def search_active(limit: int) -> ApiRequest:
    """Build POST /api/v2/users/search for some active users.

    Permission: `directory:user:view`.
    """
    query = {
        "pageSize": limit,
        "pageNumber": 1,
        "query": [{"type": "EXACT", "fields": ["state"], "values": ["active"]}],
    }
    return ApiRequest("search_active", "POST", "/api/v2/users/search", body=json.dumps(query).encode())


def login(client_id: str, client_secret: str) -> ApiRequest:
    """Build POST /oauth/token for the login host, with the client credentials grant."""
    credentials = b64encode(f"{client_id}:{client_secret}".encode()).decode()
    headers = {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "Authorization": f"Basic {credentials}",
    }
    body = urlencode({"grant_type": "client_credentials"}).encode()
    return ApiRequest("login", "POST", "/oauth/token", headers, body)
