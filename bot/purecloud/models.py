"""What Genesys Cloud sends, read leniently: unknown fields are left out, missing and null ones are empty.

Field names are the API's own (developer.genesys.cloud, API Explorer, models of the same names), in snake case. Values
the API may add to at any time (grant types, states) are plain `str`; ids are `str` too, not all of them are UUIDs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    ValidatorFunctionWrapHandler,
    WrapValidator,
)
from pydantic.alias_generators import to_camel


def _nothing_is_empty(value: Any) -> Any:
    if value is None:
        return ()
    return [item for item in value if item is not None] if isinstance(value, list) else value


def _readable_date(value: Any, read: ValidatorFunctionWrapHandler) -> datetime | None:
    try:
        date: datetime | None = read(value)
    except ValidationError:
        return None
    return date.replace(tzinfo=UTC) if date and date.tzinfo is None else date


_Item = TypeVar("_Item")
Listing = Annotated[tuple[_Item, ...], BeforeValidator(_nothing_is_empty)]
"""A list the API may leave out or send as null."""

Moment = Annotated[datetime | None, WrapValidator(_readable_date)]
"""A date-time with its zone (UTC where the API names none); None where it cannot be read."""


class _Model(BaseModel):
    # hide_input_in_errors: what cannot be read may be a token or a person's data, and errors are logged.
    # defer_build: a model is put together when it is first read into; most never are, and that is a tenth of a start.
    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class NamedEntity(_Model):
    """An id with its name: organizations, divisions, roles."""

    id: str | None = None
    name: str | None = None


class OrgOAuthClient(_Model):
    """The OAuth client a token was issued to."""

    id: str | None = None
    name: str | None = None
    authorized_grant_type: str | None = None
    scope: Listing[str] = ()
    state: str | None = None
    organization: NamedEntity | None = None


class ClonedUser(_Model):
    """The trustee's person, where the token belongs to a clone of them."""

    id: str | None = None
    organization: NamedEntity | None = None


class TokenInfo(_Model):
    """What `get_tokens_me` says of the token that asked; of a client credentials token nothing about a person."""

    organization: NamedEntity | None = None
    home_organization: NamedEntity | None = None
    authorized_scope: Listing[str] = ()
    cloned_user: ClonedUser | None = None
    date_token_idles: Moment = None
    # The one key of the API in PascalCase; an alias made by rule would read None for ever.
    oauth_client: OrgOAuthClient | None = Field(default=None, alias="OAuthClient")


class User(_Model):
    """A person of the organization; `state` is `active`, `inactive` or `deleted`. An empty `id` is none."""

    id: Annotated[str, BeforeValidator(lambda value: value or "")] = ""
    name: str | None = None
    email: str | None = None
    username: str | None = None
    state: str | None = None
    division: NamedEntity | None = None
    title: str | None = None
    department: str | None = None

    @property
    def active(self) -> bool:
        """Whether they can log in; `active` is Genesys' default where it names no state, a new state is not active."""
        return (self.state or "active").casefold() == "active"


class UsersSearchResponse(_Model):
    """A page of found persons; `results` is missing from the answer when there are none."""

    total: int | None = None
    results: Listing[User] = ()


class ResourcePermissionPolicy(_Model):
    """One grant of actions on an entity of a domain (each may be `*`), perhaps under a condition."""

    domain: str | None = None
    entity_name: str | None = None
    action_set: Listing[str] = ()
    allow_conditions: bool | None = None
    resource_condition: str | None = None
    resource_condition_node: dict[str, Any] | None = None
    named_resources: Listing[str] = ()


class UserAuthorization(_Model):
    """The roles of a person and what these permit."""

    roles: Listing[NamedEntity] = ()
    permissions: Listing[str] = ()
    permission_policies: Listing[ResourcePermissionPolicy] = ()


class DivsPermittedEntityListing(_Model):
    """Where a permission is held: everywhere, or in the divisions named."""

    all_divs_permitted: bool | None = None
    entities: Listing[NamedEntity] = ()


class AuthzGrantPolicy(_Model):
    """One grant of actions on an entity of a domain (each may be `*`), perhaps under a condition."""

    domain: str | None = None
    entity_name: str | None = None
    actions: Listing[str] = ()
    condition: str | None = None


class AuthzGrantRole(_Model):
    """A role with what it permits; the policies may be left out."""

    id: str | None = None
    name: str | None = None
    policies: Listing[AuthzGrantPolicy] = ()


class AuthzGrant(_Model):
    """A role, held in a division; the id `*` is all of them."""

    division: NamedEntity | None = None
    role: AuthzGrantRole | None = None


class AuthzSubject(_Model):
    """Whoever holds roles: a person, a group, an OAuth client."""

    grants: Listing[AuthzGrant] = ()


class OrganizationRoleEntityListing(_Model):
    """A page of the organization's roles."""

    entities: Listing[NamedEntity] = ()
    page_count: int | None = None


class DomainPermission(_Model):
    """One permission that exists."""

    action: str | None = None


class DomainPermissionCollection(_Model):
    """The permissions of one domain, by entity."""

    domain: str | None = None
    permission_map: dict[str, Listing[DomainPermission]] = Field(default_factory=dict)


class PermissionCollectionEntityListing(_Model):
    """A page of everything that can be permitted."""

    entities: Listing[DomainPermissionCollection] = ()
    page_count: int | None = None


class ErrorBody(_Model):
    """How the API says no; `context_id` is the correlation id."""

    message: str | None = None
    code: str | None = None
    status: int | None = None
    context_id: str | None = None
    message_with_params: str | None = None
    message_params: dict[str, Any] | None = None


class OAuthTokenResponse(BaseModel):
    """What the login host gives: an opaque token and its lifetime in seconds."""

    model_config = ConfigDict(defer_build=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    access_token: SecretStr = Field(min_length=1)
    token_type: str | None = None
    expires_in: float | None = None


class OAuthErrorResponse(BaseModel):
    """How the login host says no; another shape than `ErrorBody`."""

    model_config = ConfigDict(defer_build=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    error: str | None = None
    description: str | None = None
    error_description: str | None = None
