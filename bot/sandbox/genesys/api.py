"""The operations of the fake Genesys Cloud: required permission, effect on the state, response."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aiohttp import web

from bot.sandbox.genesys import responses
from bot.sandbox.genesys.state import PERMISSION_CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Sequence

    from bot.sandbox.genesys.state import EntityRef, GenesysState, GenesysUser, IssuedToken, UserSet

    Operation = Callable[[GenesysState, "ApiRequest"], Awaitable[web.Response]]

_MAX_PAGE_SIZE: Final = 500
_DELETED: Final = "deleted"
_PAGE_DEFAULTS: Final = (("pageSize", 25), ("pageNumber", 1))


@dataclass(frozen=True, slots=True)
class ApiRequest:
    """An HTTP request and the correlation id of its response."""

    http: web.Request
    correlation_id: str

    @property
    def bearer(self) -> str | None:
        """The bearer token, or None."""
        scheme, _, value = self.http.headers.get("Authorization", "").partition(" ")
        return value.strip() or None if scheme.lower() == "bearer" else None


class OperationError(Exception):
    """An operation failed; `body` is the response body."""

    def __init__(self, status: int, body: responses.Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


async def login(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer POST /oauth/token."""
    client_id, secret = _basic(request.http.headers.get("Authorization", ""))
    client = state.clients.get(client_id)
    if client is None:
        raise OperationError(400, responses.login_error("invalid_client", "client not found"))
    if client.secret != secret:
        raise OperationError(401, responses.login_error("invalid_client", "authentication failed"))
    form = await request.http.post()
    if form.get("grant_type") != "client_credentials":
        raise OperationError(400, responses.login_error("unsupported_grant_type", "grant type is not supported"))
    return web.json_response(responses.login(state.issue(client)))


async def get_tokens_me(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/tokens/me."""
    keep_idle = request.http.query.get("preserveIdleTTL", "").lower() == "true"
    return web.json_response(responses.token_info(state, _authenticate(state, request, keep_idle=keep_idle)))


async def head_tokens_me(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer HEAD /api/v2/tokens/me."""
    _authenticate(state, request)
    return web.Response()


async def delete_tokens_me(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer DELETE /api/v2/tokens/me."""
    state.revoke(_authenticate(state, request))
    return web.Response()


async def delete_token(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer DELETE /api/v2/tokens/{userId}; a user without sessions gets the same response."""
    _require(state, request, "oauth:token:delete")
    state.log_out(_find_user(state, request))
    return web.Response()


async def search_by_email(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer POST /api/v2/users/search, for EXACT criteria only.

    Deleted users are found only by a criterion on `state`.
    """
    _require(state, request, "directory:user:view")
    query = await _json_body(request)
    try:
        found = _matching(state.users.values(), query["query"])
        size, number = int(query.get("pageSize", 25)), int(query.get("pageNumber", 1))
        expand = [str(one) for one in query.get("expand", [])]
    except (ValueError, KeyError, TypeError, AttributeError) as invalid:
        raise _error(400, request) from invalid
    if expand and state.refuses_expanded_search:
        raise _error(state.refuses_expanded_search, request)
    return web.json_response(responses.users(found, *_checked(size, number, request), expand=expand))


async def get_user(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/users/{userId}; returns deleted users only with `state=deleted`."""
    _authenticate(state, request)
    expand = ",".join(request.http.query.getall("expand", [])).split(",")
    return web.json_response(responses.user(_find_user(state, request), expand))


async def get_user_roles(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/users/{subjectId}/roles."""
    _require(state, request, "authorization:grant:view")
    return web.json_response(responses.roles(_find_user(state, request)))


async def get_authorization_divisionspermitted_paged_me(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/authorization/divisionspermitted/paged/me."""
    client = _authenticate(state, request).client
    permission = request.http.query.get("permission", "")
    return web.json_response(responses.divisions_permitted(client, permission, *_page(request)))


async def get_authorization_subjects_me(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/authorization/subjects/me; with `includeFullRoles=true`, with role policies."""
    full_roles = request.http.query.get("includeFullRoles") == "true"
    return web.json_response(responses.subject(_authenticate(state, request).client, full_roles=full_roles))


async def get_authorization_roles(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/authorization/roles; matches a part of the name, or the whole id."""
    _require(state, request, "authorization:role:view")
    ids = set(",".join(request.http.query.getall("id", [])).split(",")) - {""}
    found = [role for role in _with_name(state.all_roles, request) if not ids or role.id in ids]
    return web.json_response(responses.named(found, *_page(request)))


async def get_authorization_divisions(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/authorization/divisions; matches a part of the name."""
    _authenticate(state, request)
    return web.json_response(responses.named(_with_name(state.divisions, request), *_page(request)))


async def get_routing_queues(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/routing/queues; matches a part of the name."""
    _require(state, request, "routing:queue:view")
    return web.json_response(responses.named(_with_name(state.queues, request), *_page(request)))


async def get_routing_queue_members(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/routing/queues/{queueId}/members."""
    _require(state, request, "routing:queue:view")
    return web.json_response(
        responses.queue_members(_members(state, state.queues, "queueId", request), *_page(request))
    )


async def post_groups_search(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer POST /api/v2/groups/search, for EXACT criteria on the name only."""
    _authenticate(state, request)
    query = await _json_body(request)
    try:
        wanted = {
            str(one["value"]).lower() for one in query["query"] if one["type"] == "EXACT" and one["fields"] == ["name"]
        }
        size, number = int(query.get("pageSize", 25)), int(query.get("pageNumber", 1))
    except (ValueError, KeyError, TypeError, AttributeError) as invalid:
        raise _error(400, request) from invalid
    found = [one for one in state.groups if one.name.lower() in wanted]
    return web.json_response(responses.groups(found, *_checked(size, number, request)))


async def get_group_members(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/groups/{groupId}/members."""
    _authenticate(state, request)
    return web.json_response(responses.members(_members(state, state.groups, "groupId", request), *_page(request)))


async def get_authorization_permissions(state: GenesysState, request: ApiRequest) -> web.Response:
    """Answer GET /api/v2/authorization/permissions; the `query` parameter is not supported."""
    _authenticate(state, request)
    return web.json_response(responses.permissions(PERMISSION_CATALOGUE, *_page(request)))


ROUTES: Final[tuple[tuple[str, str, Operation], ...]] = (
    ("POST", "/oauth/token", login),
    ("GET", "/api/v2/tokens/me", get_tokens_me),
    ("HEAD", "/api/v2/tokens/me", head_tokens_me),
    ("DELETE", "/api/v2/tokens/me", delete_tokens_me),
    ("DELETE", "/api/v2/tokens/{userId}", delete_token),
    ("POST", "/api/v2/users/search", search_by_email),
    ("GET", "/api/v2/users/{userId}", get_user),
    ("GET", "/api/v2/users/{userId}/roles", get_user_roles),
    (
        "GET",
        "/api/v2/authorization/divisionspermitted/paged/me",
        get_authorization_divisionspermitted_paged_me,
    ),
    ("GET", "/api/v2/authorization/subjects/me", get_authorization_subjects_me),
    ("GET", "/api/v2/authorization/roles", get_authorization_roles),
    ("GET", "/api/v2/authorization/permissions", get_authorization_permissions),
    ("GET", "/api/v2/authorization/divisions", get_authorization_divisions),
    ("POST", "/api/v2/groups/search", post_groups_search),
    ("GET", "/api/v2/groups/{groupId}/members", get_group_members),
    ("GET", "/api/v2/routing/queues", get_routing_queues),
    ("GET", "/api/v2/routing/queues/{queueId}/members", get_routing_queue_members),
)
"""Method, path and operation. The function is named after the operation."""


def _error(status: int, request: ApiRequest) -> OperationError:
    return OperationError(status, responses.error(status, request.correlation_id))


def _page(request: ApiRequest) -> tuple[int, int]:
    """Return the page size and the page number."""
    try:
        size, number = (int(request.http.query.get(name, default)) for name, default in _PAGE_DEFAULTS)
    except ValueError as invalid:
        raise _error(400, request) from invalid
    return _checked(size, number, request)


def _checked(size: int, number: int, request: ApiRequest) -> tuple[int, int]:
    """Return the size and number of a page; raises OperationError for impossible ones."""
    if not (1 <= size <= _MAX_PAGE_SIZE and number >= 1):
        raise _error(400, request)
    return size, number


async def _json_body(request: ApiRequest) -> Any:
    """Return the JSON of a request; raises OperationError."""
    if request.http.content_type != "application/json":
        raise OperationError(415, responses.error(415, request.correlation_id))
    try:
        return json.loads(await request.http.text())
    except ValueError as invalid:
        raise _error(400, request) from invalid


def _with_name(found: Sequence[EntityRef | UserSet], request: ApiRequest) -> list[EntityRef | UserSet]:
    """Return the entities whose name contains the parameter `name`."""
    part = request.http.query.get("name", "").lower()
    return [one for one in found if part in one.name.lower()]


def _members(state: GenesysState, sets: Sequence[UserSet], name: str, request: ApiRequest) -> list[GenesysUser]:
    """Return the users in the set whose id is in the path."""
    for one in sets:
        if one.id == request.http.match_info[name]:
            return [state.users[member] for member in one.members if state.users[member].state != _DELETED]
    raise _error(404, request)


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    client_id, _, secret = decoded.partition(":")
    return client_id, secret


def _authenticate(state: GenesysState, request: ApiRequest, *, keep_idle: bool = False) -> IssuedToken:
    if request.bearer is None:
        raise OperationError(401, responses.no_token(request.correlation_id))
    token = state.use(request.bearer, keep_idle=keep_idle)
    if token is None:
        raise _error(401, request)
    return token


def _require(state: GenesysState, request: ApiRequest, permission: str) -> None:
    if permission not in _authenticate(state, request).client.permissions:
        raise OperationError(403, responses.missing_permission(permission, request.correlation_id))


def _find_user(state: GenesysState, request: ApiRequest) -> GenesysUser:
    user_id = request.http.match_info["userId"]
    try:
        UUID(user_id)
    except ValueError as invalid:
        raise _error(400, request) from invalid
    user = state.users.get(user_id.lower())
    include_deleted = request.http.query.get("state") == _DELETED
    if user is None or (user.state == _DELETED) is not include_deleted:
        raise _error(404, request)
    return user


def _matching(users: Iterable[GenesysUser], criteria: list[dict[str, Any]]) -> list[GenesysUser]:
    if any(criterion["type"] != "EXACT" for criterion in criteria):
        raise ValueError(criteria)
    if not any("state" in criterion["fields"] for criterion in criteria):
        users = [user for user in users if user.state != _DELETED]
    return [user for user in users if all(_matches(user, criterion) for criterion in criteria)]


def _matches(user: GenesysUser, criterion: dict[str, Any]) -> bool:
    wanted = {value.lower() for value in criterion.get("values") or [criterion["value"]]}
    held = {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "username": user.email,
        "state": user.state,
        "divisionId": user.division.id,
    }
    return any(held[name].lower() in wanted for name in criterion["fields"])
