"""The operations themselves: who may call them, what they do to the organization, what they answer."""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from aiohttp import web

from bot.sandbox.genesys import responses as answers
from bot.sandbox.genesys.state import CATALOGUE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from bot.sandbox.genesys.state import GenesysState, IssuedToken, Person

    Operation = Callable[[GenesysState, "Asked"], Awaitable[web.Response]]

_LARGEST_PAGE: Final = 500
_ABSENT: Final = "deleted"
_PAGING: Final = (("pageSize", 25), ("pageNumber", 1))


@dataclass(frozen=True, slots=True)
class Asked:
    """A request with the correlation id under which it will be answered."""

    request: web.Request
    correlation_id: str

    @property
    def bearer(self) -> str | None:
        """The token the request is signed with."""
        scheme, _, value = self.request.headers.get("Authorization", "").partition(" ")
        return value.strip() or None if scheme.lower() == "bearer" else None


class Refused(Exception):
    """The operation says no; `body` says why."""

    def __init__(self, status: int, body: answers.Json) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


async def login(state: GenesysState, asked: Asked) -> web.Response:
    """POST /oauth/token."""
    client_id, secret = _basic(asked.request.headers.get("Authorization", ""))
    client = state.clients.get(client_id)
    if client is None:
        raise Refused(400, answers.login_error("invalid_client", "client not found"))
    if client.secret != secret:
        raise Refused(401, answers.login_error("invalid_client", "authentication failed"))
    form = await asked.request.post()
    if form.get("grant_type") != "client_credentials":
        raise Refused(400, answers.login_error("unsupported_grant_type", "grant type is not supported"))
    return web.json_response(answers.login(state.issue(client)))


async def get_tokens_me(state: GenesysState, asked: Asked) -> web.Response:
    """GET /api/v2/tokens/me."""
    keep_idle = asked.request.query.get("preserveIdleTTL", "").lower() == "true"
    return web.json_response(answers.token_info(state, _signed(state, asked, keep_idle=keep_idle)))


async def head_tokens_me(state: GenesysState, asked: Asked) -> web.Response:
    """HEAD /api/v2/tokens/me."""
    _signed(state, asked)
    return web.Response()


async def delete_tokens_me(state: GenesysState, asked: Asked) -> web.Response:
    """DELETE /api/v2/tokens/me."""
    state.end(_signed(state, asked))
    return web.Response()


async def delete_token(state: GenesysState, asked: Asked) -> web.Response:
    """DELETE /api/v2/tokens/{userId}; a person without sessions is answered like any other."""
    _permitted(state, asked, "oauth:token:delete")
    _addressed(state, asked).sessions = 0
    return web.Response()


async def search_by_email(state: GenesysState, asked: Asked) -> web.Response:
    """POST /api/v2/users/search, for criteria of the type EXACT; without one on `state` deleted people stay out."""
    _permitted(state, asked, "directory:user:view")
    if asked.request.content_type != "application/json":
        raise Refused(415, answers.error(415, asked.correlation_id))
    try:
        query = json.loads(await asked.request.text())
        found = _matching(state.people.values(), query["query"])
        size, number = int(query.get("pageSize", 25)), int(query.get("pageNumber", 1))
    except (ValueError, KeyError, TypeError, AttributeError) as unreadable:
        raise _refused(400, asked) from unreadable
    if not (1 <= size <= _LARGEST_PAGE and number >= 1):
        raise _refused(400, asked)
    return web.json_response(answers.users(found, size, number))


async def get_user(state: GenesysState, asked: Asked) -> web.Response:
    """GET /api/v2/users/{userId}; deleted people only with `state=deleted`."""
    _signed(state, asked)
    return web.json_response(answers.user(_addressed(state, asked)))


async def get_user_roles(state: GenesysState, asked: Asked) -> web.Response:
    """GET /api/v2/users/{subjectId}/roles."""
    _permitted(state, asked, "authorization:grant:view")
    return web.json_response(answers.roles(_addressed(state, asked)))


async def get_authorization_divisionspermitted_paged_me(state: GenesysState, asked: Asked) -> web.Response:
    """GET /api/v2/authorization/divisionspermitted/paged/me."""
    client = _signed(state, asked).client
    permission = asked.request.query.get("permission", "")
    return web.json_response(answers.divisions_permitted(client, permission, *_page(asked)))


async def get_authorization_subjects_me(state: GenesysState, asked: Asked) -> web.Response:
    """GET /api/v2/authorization/subjects/me; what the roles permit only with `includeFullRoles=true`."""
    full_roles = asked.request.query.get("includeFullRoles") == "true"
    return web.json_response(answers.subject(_signed(state, asked).client, full_roles=full_roles))


async def get_authorization_roles(state: GenesysState, asked: Asked) -> web.Response:
    """GET /api/v2/authorization/roles; a name is looked for anywhere in a role's, an id is the whole."""
    _permitted(state, asked, "authorization:role:view")
    query = asked.request.query
    name, ids = query.get("name", "").lower(), set(",".join(query.getall("id", [])).split(",")) - {""}
    found = [role for role in state.all_roles if name in role.name.lower() and (not ids or role.id in ids)]
    return web.json_response(answers.organization_roles(found, *_page(asked)))


async def get_authorization_permissions(state: GenesysState, asked: Asked) -> web.Response:
    """GET /api/v2/authorization/permissions, without a query."""
    _signed(state, asked)
    return web.json_response(answers.permissions(CATALOGUE, *_page(asked)))


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
)
"""Method, path and operation; a function's name is its operation's name."""


def _refused(status: int, asked: Asked) -> Refused:
    return Refused(status, answers.error(status, asked.correlation_id))


def _page(asked: Asked) -> tuple[int, int]:
    """The size of a page and its number."""
    try:
        size, number = (int(asked.request.query.get(name, usual)) for name, usual in _PAGING)
    except ValueError as unreadable:
        raise _refused(400, asked) from unreadable
    if not (1 <= size <= _LARGEST_PAGE and number >= 1):
        raise _refused(400, asked)
    return size, number


def _basic(header: str) -> tuple[str, str]:
    scheme, _, encoded = header.partition(" ")
    try:
        decoded = base64.b64decode(encoded, validate=True).decode() if scheme.lower() == "basic" else ""
    except (binascii.Error, UnicodeDecodeError):
        decoded = ""
    client_id, _, secret = decoded.partition(":")
    return client_id, secret


def _signed(state: GenesysState, asked: Asked, *, keep_idle: bool = False) -> IssuedToken:
    if asked.bearer is None:
        raise Refused(401, answers.no_token(asked.correlation_id))
    token = state.accepted(asked.bearer, keep_idle=keep_idle)
    if token is None:
        raise _refused(401, asked)
    return token


def _permitted(state: GenesysState, asked: Asked, permission: str) -> None:
    if permission not in _signed(state, asked).client.permissions:
        raise Refused(403, answers.lacking(permission, asked.correlation_id))


def _addressed(state: GenesysState, asked: Asked) -> Person:
    user_id = asked.request.match_info["userId"]
    try:
        UUID(user_id)
    except ValueError as malformed:
        raise _refused(400, asked) from malformed
    person = state.people.get(user_id.lower())
    wants_deleted = asked.request.query.get("state") == _ABSENT
    if person is None or (person.state == _ABSENT) is not wants_deleted:
        raise _refused(404, asked)
    return person


def _matching(people: Iterable[Person], criteria: list[dict[str, Any]]) -> list[Person]:
    if any(criterion["type"] != "EXACT" for criterion in criteria):
        raise ValueError(criteria)
    if not any("state" in criterion["fields"] for criterion in criteria):
        people = [person for person in people if person.state != _ABSENT]
    return [person for person in people if all(_matches(person, criterion) for criterion in criteria)]


def _matches(person: Person, criterion: dict[str, Any]) -> bool:
    wanted = {value.lower() for value in criterion.get("values") or [criterion["value"]]}
    held = {
        "id": person.id,
        "name": person.name,
        "email": person.email,
        "username": person.email,
        "state": person.state,
    }
    return any(held[name].lower() in wanted for name in criterion["fields"])
