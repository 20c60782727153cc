"""Models of the API's responses. Unknown fields are ignored; missing and null fields are empty.

The models and fields have the API's own names (developer.genesys.cloud, API Explorer), in snake case. Grant types and
states are plain `str`, because the API may add values at any time. Ids are `str`, because some are not UUIDs.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Final, TypeVar

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


def _without_nulls(value: Any) -> Any:
    if value is None:
        return ()
    return [item for item in value if item is not None] if isinstance(value, list) else value


def _datetime_or_none(value: Any, validate: ValidatorFunctionWrapHandler) -> datetime | None:
    try:
        date: datetime | None = validate(value)
    except ValidationError:
        return None
    return date.replace(tzinfo=UTC) if date and date.tzinfo is None else date


def _none_if_unreadable(value: Any, validate: ValidatorFunctionWrapHandler) -> Any:
    try:
        return validate(value)
    except ValidationError:
        return None


_Item = TypeVar("_Item")
_Part = TypeVar("_Part")
ListField = Annotated[tuple[_Item, ...], BeforeValidator(_without_nulls)]
"""A list that the API may omit or send as null."""

OptionalDatetime = Annotated[datetime | None, WrapValidator(_datetime_or_none)]
"""A date-time with a time zone (UTC if the API sends none), None if it cannot be read."""


OptionalPart = Annotated[_Part | None, WrapValidator(_none_if_unreadable)]
"""A part of a response that the caller can do without, None if it cannot be read."""

_MAX_COUNT: Final = 9999
"""A larger number of conversations cannot be read."""

OptionalCount = OptionalPart[Annotated[int, Field(strict=True, ge=0, le=_MAX_COUNT)]]


class _Model(BaseModel):
    # hide_input_in_errors: invalid input may be a token or personal data, and errors are logged.
    # defer_build: most models are never used, and building them all takes a tenth of the start-up time.
    model_config = ConfigDict(
        defer_build=True,
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        coerce_numbers_to_str=True,
        hide_input_in_errors=True,
    )


class Page(_Model):
    """A page of a listing or a search. One that says nothing of other pages is the last."""

    def has_next(self, _number: int) -> bool:
        """Return whether a page follows the one with this number; the first page has number 1."""
        return False


class CountedPage(Page):
    """A page that says how many there are."""

    page_count: int | None = None

    def has_next(self, number: int) -> bool:
        """Return whether a page follows the one with this number; the first page has number 1."""
        return number < (self.page_count or 1)


class NamedEntity(_Model):
    """An id with its name, for example of an organization, a division or a role."""

    id: str | None = None
    name: str | None = None


class OrgOAuthClient(_Model):
    """The OAuth client of a token."""

    id: str | None = None
    name: str | None = None
    authorized_grant_type: str | None = None
    scope: ListField[str] = ()
    state: str | None = None
    organization: NamedEntity | None = None


class TokenInfo(_Model):
    """The token of the current request. A client credentials token has no user."""

    organization: NamedEntity | None = None
    home_organization: NamedEntity | None = None
    authorized_scope: ListField[str] = ()
    date_token_idles: OptionalDatetime = None
    # The only key of the API in PascalCase, which the alias generator would not match.
    oauth_client: OrgOAuthClient | None = Field(default=None, alias="OAuthClient")


class MediaSummaryDetail(_Model):
    """A number of conversations."""

    active: OptionalCount = None


class MediaSummary(_Model):
    """The conversations of one kind: from queues, and others."""

    contact_center: MediaSummaryDetail | None = None
    enterprise: MediaSummaryDetail | None = None


class UserConversationSummary(_Model):
    """The conversations of a user by kind."""

    call: MediaSummary | None = None
    callback: MediaSummary | None = None
    email: MediaSummary | None = None
    message: MediaSummary | None = None
    chat: MediaSummary | None = None
    social_expression: MediaSummary | None = None
    video: MediaSummary | None = None


class RoutingStatus(_Model):
    """Whether a user takes conversations from queues."""

    status: str | None = None


class PresenceDefinition(_Model):
    """The presence of the system that a presence belongs to."""

    system_presence: str | None = None


class UserPresence(_Model):
    """The presence of a user."""

    presence_definition: PresenceDefinition | None = None


class OAuthLastTokenIssued(_Model):
    """When a user last got a token."""

    date_issued: OptionalDatetime = None


class User(_Model):
    """A user of the organization.

    `state` is `active`, `inactive` or `deleted`. An empty `id` means that the response has none. The last four fields
    are expansions, which Genesys Cloud returns with best effort.
    """

    id: Annotated[str, BeforeValidator(lambda value: value or "")] = ""
    name: str | None = None
    email: str | None = None
    state: str | None = None
    division: NamedEntity | None = None
    title: str | None = None
    department: str | None = None
    presence: OptionalPart[UserPresence] = None
    routing_status: OptionalPart[RoutingStatus] = None
    conversation_summary: OptionalPart[UserConversationSummary] = None
    last_token_issued: OptionalPart[OAuthLastTokenIssued] = None

    @property
    def active(self) -> bool:
        """Return whether the user can log in; Genesys' default for a missing state is `active`."""
        return (self.state or "active").casefold() == "active"

    @property
    def deleted(self) -> bool:
        """Return whether the user was deleted."""
        return (self.state or "").casefold() == "deleted"


class UsersSearchResponse(CountedPage):
    """A page of found users; the response has no `results` if there are none."""

    results: ListField[User] = ()


class GroupsSearchResponse(CountedPage):
    """A page of found groups; the response has no `results` if there are none."""

    results: ListField[NamedEntity] = ()


class ResourcePermissionPolicy(_Model):
    """A grant of actions on an entity of a domain, each possibly `*`, with an optional condition."""

    domain: str | None = None
    entity_name: str | None = None
    action_set: ListField[str] = ()
    allow_conditions: bool | None = None
    resource_condition: str | None = None
    resource_condition_node: dict[str, Any] | None = None
    named_resources: ListField[str] = ()


class UserAuthorization(_Model):
    """A user's roles with their permissions and policies."""

    roles: ListField[NamedEntity] = ()
    permissions: ListField[str] = ()
    permission_policies: ListField[ResourcePermissionPolicy] = ()


class DivsPermittedEntityListing(_Model):
    """The divisions in which a permission applies: all, or those in `entities`."""

    all_divs_permitted: bool | None = None
    entities: ListField[NamedEntity] = ()


class AuthzGrantPolicy(_Model):
    """A grant of actions in a role, each part possibly `*`, with an optional condition."""

    domain: str | None = None
    entity_name: str | None = None
    actions: ListField[str] = ()
    condition: str | None = None


class AuthzGrantRole(_Model):
    """A role with its policies, which the API may omit."""

    id: str | None = None
    name: str | None = None
    policies: ListField[AuthzGrantPolicy] = ()


class AuthzGrant(_Model):
    """A role in a division; the division id `*` means all divisions."""

    division: NamedEntity | None = None
    role: AuthzGrantRole | None = None


class AuthzSubject(_Model):
    """A holder of roles: a user, a group or an OAuth client."""

    grants: ListField[AuthzGrant] = ()


class _Listing(CountedPage):
    entities: ListField[NamedEntity] = ()


class OrganizationRoleEntityListing(_Listing):
    """A page of the organization's roles."""


class AuthzDivisionEntityListing(_Listing):
    """A page of the organization's divisions."""


class QueueEntityListing(_Listing):
    """A page of the organization's queues."""


class QueueMemberEntityListing(Page):
    """A page of the members of a queue; their ids are those of their users.

    This listing has no number of pages, only the address of the next one. A full page without that address counts as
    followed too, so that no member is missed.
    """

    entities: ListField[NamedEntity] = ()
    page_size: int | None = None
    next_uri: str | None = None

    def has_next(self, _number: int) -> bool:
        """Return whether a page follows."""
        return bool(self.next_uri) or len(self.entities) >= (self.page_size or 1)


class UserEntityListing(_Listing):
    """A page of the members of a group."""


class DomainPermission(_Model):
    """An existing permission."""

    action: str | None = None


class DomainPermissionCollection(_Model):
    """The existing permissions of one domain, by entity."""

    domain: str | None = None
    permission_map: dict[str, ListField[DomainPermission]] = Field(default_factory=dict)


class PermissionCollectionEntityListing(CountedPage):
    """A page of the existing permissions."""

    entities: ListField[DomainPermissionCollection] = ()


class ErrorBody(_Model):
    """An error response of the Platform API; `context_id` is the correlation id."""

    message: str | None = None
    code: str | None = None
    status: int | None = None
    context_id: str | None = None
    message_params: dict[str, Any] | None = None


class OAuthTokenResponse(BaseModel):
    """A token of the login host, with its lifetime in seconds."""

    model_config = ConfigDict(defer_build=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    access_token: SecretStr = Field(min_length=1)
    expires_in: float | None = None


class OAuthErrorResponse(BaseModel):
    """An error response of the login host."""

    model_config = ConfigDict(defer_build=True, extra="ignore", frozen=True, hide_input_in_errors=True)

    error: str | None = None
    description: str | None = None
    error_description: str | None = None
