"""Response bodies as the Genesys Cloud API Explorer documents them. Pure functions."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from bot.sandbox.genesys.state import EntityRef, FakeOAuthClient, GenesysState, GenesysUser, IssuedToken, UserSet

Json = dict[str, Any]

_ERRORS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("bad.request", "The request could not be understood by the server due to malformed syntax."),
    401: ("bad.credentials", "Invalid login credentials."),
    403: ("not.authorized", "You are not authorized to perform the requested action."),
    404: ("not.found", "The requested resource was not found."),
    405: ("method.not.allowed", "The requested method is not allowed for this resource."),
    408: ("request.timeout", "The client did not produce a request within the server timeout limit."),
    409: ("conflict", "The request conflicts with the state of the resource."),
    415: ("unsupported.media.type", "Unsupported Media Type - Unsupported or incorrect media type."),
    429: ("too.many.requests", "Rate limit exceeded the maximum. Retry the request in [3] seconds"),
    500: ("internal.server.error", "The server encountered an unexpected condition."),
    503: ("service.unavailable", "Service Unavailable - The server is currently unavailable."),
    504: ("request.timeout", "The request timed out."),
}
_NO_TOKEN: Final = "No authentication bearer token specified in authorization header."  # noqa: S105 - not a token
_MISSING_PERMISSION: Final = (
    "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
)


def error(status: int, correlation_id: str) -> Json:
    """Return the ErrorBody for a status."""
    code, message = _ERRORS.get(status, ("error", "The request failed."))
    return _error_body(status, code, message, correlation_id)


def no_token(correlation_id: str) -> Json:
    """Return the ErrorBody for a request without a bearer token."""
    return _error_body(401, "authentication.required", _NO_TOKEN, correlation_id)


def missing_permission(permission: str, correlation_id: str) -> Json:
    """Return the ErrorBody for a client without the permission."""
    return {
        **_error_body(403, "missing.any.permissions", f"{_MISSING_PERMISSION}{permission}", correlation_id),
        "messageWithParams": f"{_MISSING_PERMISSION}{{permissions}}",
        "messageParams": {"permissions": permission},
    }


def login_error(kind: str, description: str) -> Json:
    """Return an error of the login host."""
    return {"error": kind, "description": description, "error_description": description}


def login(token: IssuedToken) -> Json:
    """Return the login host's token response."""
    return {"access_token": token.value, "token_type": "bearer", "expires_in": token.client.token_lifetime}


def token_info(state: GenesysState, token: IssuedToken) -> Json:
    """Return the TokenInfo of a client credentials token; its key `OAuthClient` is in Pascal case."""
    organization = asdict(state.organization)
    return {
        "organization": organization,
        "homeOrganization": organization,
        "authorizedScope": [],
        "dateTokenIdles": _timestamp(token.idles_at or token.expires_at),
        "OAuthClient": _oauth_client(token.client, organization),
    }


_MEDIA: Final = ("call", "callback", "email", "message", "chat", "socialExpression", "video")


def user(found: GenesysUser, expand: Collection[str] = ()) -> Json:
    """Return a User with some expansions."""
    body = {
        "id": found.id,
        "name": found.name,
        "division": {**asdict(found.division), "selfUri": f"/api/v2/authorization/divisions/{found.division.id}"},
        "chat": {"jabberId": f"{found.id}@acme.orgspan.com"},
        "email": found.email,
        "primaryContactInfo": [{"address": found.email, "mediaType": "EMAIL", "type": "PRIMARY"}],
        "addresses": [],
        "state": found.state,
        "title": found.title,
        "department": found.department,
        "username": found.email,
        "version": 1,
        "acdAutoAnswer": False,
        "selfUri": f"/api/v2/users/{found.id}",
        **{field: value for name, (field, value) in _expansions(found).items() if name in expand},
    }
    return {key: value for key, value in body.items() if value is not None}


def _expansions(found: GenesysUser) -> Mapping[str, tuple[str, Json | None]]:
    """Return what can be expanded, by its name in the request: its field and its value."""
    issued, status = found.last_token_issued, found.routing_status
    presence = {"presenceDefinition": {"systemPresence": found.presence}} if found.presence else None
    return {
        "presence": ("presence", presence),
        "routingStatus": ("routingStatus", {"userId": found.id, "status": status} if status else None),
        "conversationSummary": ("conversationSummary", _conversations(found)),
        "lasttokenissued": ("lastTokenIssued", {"dateIssued": _timestamp(issued)} if issued is not None else None),
    }


def _conversations(found: GenesysUser) -> Json:
    """Return a UserConversationSummary."""
    none = {"active": 0, "acw": 0}
    counts = {kind: found.conversations.get(kind, 0) for kind in _MEDIA}
    summary = {
        kind: {"contactCenter": {"active": count, "acw": 0}, "enterprise": none} for kind, count in counts.items()
    }
    return {"userId": found.id, **summary}


def users(found: list[GenesysUser], size: int, number: int, *, expand: Collection[str] = ()) -> Json:
    """Return a UsersSearchResponse."""
    return _search_page("users", found, lambda one: user(one, expand), size, number)


def _search_page(kind: str, found: Sequence[Any], write: Callable[[Any], Json], size: int, number: int) -> Json:
    """Return one page of a search; `results` is absent when there are no matches."""
    page = listing(found, size, number)
    results = [write(one) for one in page.pop("entities")]
    return {**page, "types": [kind]} | ({"results": results} if results else {})


def roles(user: GenesysUser) -> Json:
    """Return a UserAuthorization."""
    return {
        "roles": [asdict(role) for role in user.roles],
        "unusedRoles": [],
        "permissions": list(user.permissions),
        "permissionPolicies": [dict(policy) for policy in user.policies],
    }


def divisions_permitted(client: FakeOAuthClient, permission: str, size: int, number: int) -> Json:
    """Return a DivsPermittedEntityListing; it is empty if all divisions are permitted."""
    held = permission in client.permissions
    divisions = list(client.divisions) if held else []
    return {"allDivsPermitted": held and not divisions, **listing([asdict(one) for one in divisions], size, number)}


def subject(client: FakeOAuthClient, *, full_roles: bool) -> Json:
    """Return the AuthzSubject of a client."""
    parts = [permission.split(":") for permission in sorted(client.permissions)]
    policies = [{"domain": domain, "entityName": entity, "actions": [action]} for domain, entity, action in parts]
    role = {"id": f"role-of-{client.id}", "name": client.name} | ({"policies": policies} if full_roles else {})
    divisions = [asdict(one) for one in client.divisions] or [{"id": "*", "name": "*"}]
    grants = [{"subjectId": client.id, "division": division, "role": role} for division in divisions]
    return {"id": client.id, "name": client.name, "grants": grants}


def named(found: Sequence[EntityRef | UserSet], size: int, number: int) -> Json:
    """Return a listing of roles, divisions or queues."""
    return listing([{"id": one.id, "name": one.name} for one in found], size, number)


def groups(found: list[UserSet], size: int, number: int) -> Json:
    """Return a GroupsSearchResponse."""
    return _search_page("groups", found, _group, size, number)


def _group(found: UserSet) -> Json:
    return {
        "id": found.id,
        "name": found.name,
        "type": "official",
        "rulesVisible": True,
        "visibility": "public",
        "memberCount": len(found.members),
    }


def members(found: list[GenesysUser], size: int, number: int) -> Json:
    """Return a UserEntityListing."""
    return listing([user(one) for one in found], size, number)


def queue_members(found: list[GenesysUser], size: int, number: int) -> Json:
    """Return a QueueMemberEntityListing, which says whether a page follows and not how many there are."""
    entries = [{"id": one.id, "name": one.name, "joined": True, "memberBy": "user"} for one in found]
    page = listing(entries, size, number)
    page.pop("total")
    following = {"nextUri": f"?pageSize={size}&pageNumber={number + 1}"} if number < page.pop("pageCount") else {}
    return page | following


def permissions(catalogue: Mapping[str, Mapping[str, Sequence[str]]], size: int, number: int) -> Json:
    """Return a PermissionCollectionEntityListing."""
    entries = [
        {
            "domain": domain,
            "permissionMap": {
                entity: [{"domain": domain, "entityType": entity, "action": action} for action in actions]
                for entity, actions in entities.items()
            },
        }
        for domain, entities in catalogue.items()
    ]
    return listing(entries, size, number)


def listing(found: Sequence[Any], size: int, number: int) -> Json:
    """Return one page of an entity listing."""
    return {
        "entities": list(found[size * (number - 1) : size * number]),
        "pageSize": size,
        "pageNumber": number,
        "total": len(found),
        "pageCount": -(-len(found) // size),
    }


def _error_body(status: int, code: str, message: str, correlation_id: str) -> Json:
    return {
        "message": message,
        "code": code,
        "status": status,
        "contextId": correlation_id,
        "details": [],
        "errors": [],
    }


def _oauth_client(client: FakeOAuthClient, organization: Json) -> Json:
    return {
        "id": client.id,
        "name": client.name,
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "scope": [],
        "state": "active",
        "organization": organization,
    }


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
