"""Models of the API's responses. Unknown fields are ignored; missing and null fields are empty.

The models and fields have the API's own names (developer.genesys.cloud, API Explorer), in snake case. Grant types and
states are plain `str`, because the API may add values at any time. Ids are `str`, because some are not UUIDs.
"""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr

from bot.purecloud.base_model import CountedPage, ListField, Model, OptionalDatetime, OptionalPart, Page

_MAX_COUNT: Final = 9999
"""A larger number of conversations cannot be read."""

OptionalCount = OptionalPart[Annotated[int, Field(strict=True, ge=0, le=_MAX_COUNT)]]


class NamedEntity(Model):
    """An id with its name, for example of an organization, a division or a role."""

    id: str | None = None
    name: str | None = None


class OrgOAuthClient(Model):
    """The OAuth client of a token."""

    id: str | None = None
    name: str | None = None
    authorized_grant_type: str | None = None
    scope: ListField[str] = ()
    state: str | None = None
    organization: NamedEntity | None = None


class TokenInfo(Model):
    """The token of the current request. A client credentials token has no user."""

    organization: NamedEntity | None = None
    home_organization: NamedEntity | None = None
    authorized_scope: ListField[str] = ()
    date_token_idles: OptionalDatetime = None
    # The only key of the API in PascalCase, which the alias generator would not match.
    oauth_client: OrgOAuthClient | None = Field(default=None, alias="OAuthClient")


class MediaSummaryDetail(Model):
    """A number of conversations."""

    active: OptionalCount = None


class MediaSummary(Model):
    """The conversations of one kind: from queues, and others."""

    contact_center: MediaSummaryDetail | None = None
    enterprise: MediaSummaryDetail | None = None


class UserConversationSummary(Model):
    """The conversations of a user by kind."""

    call: MediaSummary | None = None
    callback: MediaSummary | None = None
    email: MediaSummary | None = None
    message: MediaSummary | None = None
    chat: MediaSummary | None = None
    social_expression: MediaSummary | None = None
    video: MediaSummary | None = None


class RoutingStatus(Model):
    """Whether a user takes conversations from queues."""

    status: str | None = None


class PresenceDefinition(Model):
    """The presence of the system that a presence belongs to."""

    system_presence: str | None = None


class UserPresence(Model):
    """The presence of a user."""

    presence_definition: PresenceDefinition | None = None


class OAuthLastTokenIssued(Model):
    """When a user last got a token."""

    date_issued: OptionalDatetime = None


class User(Model):
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
        """Whether the user can log in; Genesys' default for a missing state is `active`."""
        return (self.state or "active").casefold() == "active"

    @property
    def deleted(self) -> bool:
        """Whether the user was deleted."""
        return (self.state or "").casefold() == "deleted"


class UsersSearchResponse(CountedPage):
    """A page of found users; the response has no `results` if there are none."""

    results: ListField[User] = ()


class GroupsSearchResponse(CountedPage):
    """A page of found groups; the response has no `results` if there are none."""

    results: ListField[NamedEntity] = ()


class ResourcePermissionPolicy(Model):
    """A grant of actions on an entity of a domain, each possibly `*`, with an optional condition."""

    domain: str | None = None
    entity_name: str | None = None
    action_set: ListField[str] = ()
    allow_conditions: bool | None = None
    resource_condition: str | None = None
    resource_condition_node: dict[str, Any] | None = None
    named_resources: ListField[str] = ()


class UserAuthorization(Model):
    """A user's roles with their permissions and policies."""

    roles: ListField[NamedEntity] = ()
    permissions: ListField[str] = ()
    permission_policies: ListField[ResourcePermissionPolicy] = ()


class DivsPermittedEntityListing(Model):
    """The divisions in which a permission applies: all, or those in `entities`."""

    all_divs_permitted: bool | None = None
    entities: ListField[NamedEntity] = ()


class AuthzGrantPolicy(Model):
    """A grant of actions in a role, each part possibly `*`, with an optional condition."""

    domain: str | None = None
    entity_name: str | None = None
    actions: ListField[str] = ()
    condition: str | None = None


class AuthzGrantRole(Model):
    """A role with its policies, which the API may omit."""

    id: str | None = None
    name: str | None = None
    policies: ListField[AuthzGrantPolicy] = ()


class AuthzGrant(Model):
    """A role in a division; the division id `*` means all divisions."""

    division: NamedEntity | None = None
    role: AuthzGrantRole | None = None


class AuthzSubject(Model):
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


class DomainPermission(Model):
    """An existing permission."""

    action: str | None = None


class DomainPermissionCollection(Model):
    """The existing permissions of one domain, by entity."""

    domain: str | None = None
    permission_map: dict[str, ListField[DomainPermission]] = Field(default_factory=dict)


class PermissionCollectionEntityListing(CountedPage):
    """A page of the existing permissions."""

    entities: ListField[DomainPermissionCollection] = ()


class ErrorBody(Model):
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
