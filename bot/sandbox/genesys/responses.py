"""The bodies that Genesys Cloud sends, as its API Explorer shows them: pure."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bot.sandbox.genesys.state import GenesysState, IssuedToken, Named, OAuthClient, Person

Json = dict[str, Any]

_SENTENCES: Final[Mapping[int, tuple[str, str]]] = {
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
_NO_TOKEN: Final = "No authentication bearer token specified in authorization header."  # noqa: S105 - a sentence
_LACKING: Final = (
    "Unable to perform the requested action. You must have at least one of the following permissions assigned: "
)


def error(status: int, correlation_id: str) -> Json:
    """The ErrorBody that goes with a status."""
    code, message = _SENTENCES.get(status, ("error", "The request failed."))
    return _error_body(status, code, message, correlation_id)


def no_token(correlation_id: str) -> Json:
    """The ErrorBody for a request without a bearer token."""
    return _error_body(401, "authentication.required", _NO_TOKEN, correlation_id)


def lacking(permission: str, correlation_id: str) -> Json:
    """The ErrorBody for a client whose roles do not hold the permission."""
    return {
        **_error_body(403, "missing.any.permissions", f"{_LACKING}{permission}", correlation_id),
        "messageWithParams": f"{_LACKING}{{permissions}}",
        "messageParams": {"permissions": permission},
    }


def login_error(kind: str, description: str) -> Json:
    """How the login host says no."""
    return {"error": kind, "description": description, "error_description": description}


def login(token: IssuedToken) -> Json:
    """A token as the login host hands it out."""
    return {"access_token": token.value, "token_type": "bearer", "expires_in": token.client.token_lifetime}


def token_info(state: GenesysState, token: IssuedToken) -> Json:
    """TokenInfo of a client credentials token; mind the key `OAuthClient`."""
    organization = asdict(state.organization)
    return {
        "organization": organization,
        "homeOrganization": organization,
        "authorizedScope": [],
        "dateTokenIdles": _moment(token.idles_at or token.expires_at),
        "OAuthClient": _oauth_client(token.client, organization),
    }


def user(person: Person) -> Json:
    """User, without what was not asked to be expanded."""
    body = {
        "id": person.id,
        "name": person.name,
        "division": {**asdict(person.division), "selfUri": f"/api/v2/authorization/divisions/{person.division.id}"},
        "chat": {"jabberId": f"{person.id}@acme.orgspan.com"},
        "email": person.email,
        "primaryContactInfo": [{"address": person.email, "mediaType": "EMAIL", "type": "PRIMARY"}],
        "addresses": [],
        "state": person.state,
        "title": person.title,
        "department": person.department,
        "username": person.email,
        "version": 1,
        "acdAutoAnswer": False,
        "selfUri": f"/api/v2/users/{person.id}",
    }
    return {key: value for key, value in body.items() if value is not None}


def users(found: list[Person], size: int, number: int) -> Json:
    """UsersSearchResponse; without `results` when there are none."""
    page = found[size * (number - 1) : size * number]
    body = {
        "total": len(found),
        "pageCount": -(-len(found) // size),
        "pageSize": size,
        "pageNumber": number,
        "types": ["users"],
    }
    return {**body, "results": [user(person) for person in page]} if page else body


def roles(person: Person) -> Json:
    """UserAuthorization."""
    return {
        "roles": [asdict(role) for role in person.roles],
        "unusedRoles": [],
        "permissions": list(person.permissions),
        "permissionPolicies": [dict(policy) for policy in person.policies],
    }


def divisions_permitted(client: OAuthClient, permission: str, size: int, number: int) -> Json:
    """DivsPermittedEntityListing; all divisions are not listed one by one."""
    held = permission in client.permissions
    divisions = list(client.divisions) if held else []
    return {"allDivsPermitted": held and not divisions, **listing([asdict(one) for one in divisions], size, number)}


def subject(client: OAuthClient, *, full_roles: bool) -> Json:
    """AuthzSubject of a client."""
    parts = [permission.split(":") for permission in sorted(client.permissions)]
    policies = [{"domain": domain, "entityName": entity, "actions": [action]} for domain, entity, action in parts]
    role = {"id": f"role-of-{client.id}", "name": client.name} | ({"policies": policies} if full_roles else {})
    divisions = [asdict(one) for one in client.divisions] or [{"id": "*", "name": "*"}]
    grants = [{"subjectId": client.id, "division": division, "role": role} for division in divisions]
    return {"id": client.id, "name": client.name, "grants": grants}


def organization_roles(found: list[Named], size: int, number: int) -> Json:
    """OrganizationRoleEntityListing."""
    return listing([asdict(role) for role in found], size, number)


def permissions(catalogue: Mapping[str, Mapping[str, Sequence[str]]], size: int, number: int) -> Json:
    """PermissionCollectionEntityListing."""
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


def listing(found: Sequence[Json], size: int, number: int) -> Json:
    """A page of entities, as most listings are."""
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


def _oauth_client(client: OAuthClient, organization: Json) -> Json:
    return {
        "id": client.id,
        "name": client.name,
        "authorizedGrantType": "CLIENT-CREDENTIALS",
        "scope": [],
        "state": "active",
        "organization": organization,
    }


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
