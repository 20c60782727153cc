"""The operations of the fake Genesys Cloud as calls of the official SDK. This module needs no SDK."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from bot.purecloud import PureCloud
from tests.official.conftest import BILLING, NIGHT_SHIFT, OfficialSdk
from tests.support.genesys_client import JANE, all_ids


@dataclass(frozen=True)
class Operation:
    """An operation: the SDK's method, arguments and response model, and the call of our client."""

    api: str
    method: str
    arguments: dict[str, Any]
    model: str | None
    our_call: Callable[[PureCloud], Awaitable[object]]

    async def call(self, sdk: OfficialSdk) -> dict[str, Any]:
        return await sdk.call(self.api, self.method, **self.arguments)


EXACTLY_NIGHT = [{"type": "EXACT", "fields": ["name"], "value": "Night shift"}]
EXACTLY_JANE = [{"type": "EXACT", "fields": ["email"], "value": "jane.doe@acme.example"}]
OPERATIONS: dict[str, Operation] = {
    "get_tokens_me": Operation(
        "TokensApi", "get_tokens_me", {"preserve_idle_ttl": True}, "TokenInfo", lambda our: our.tokens.get_tokens_me()
    ),
    "head_tokens_me": Operation("TokensApi", "head_tokens_me", {}, None, lambda our: our.tokens.head_tokens_me()),
    "delete_tokens_me": Operation("TokensApi", "delete_tokens_me", {}, None, lambda our: our.tokens.delete_tokens_me()),
    "delete_token": Operation(
        "TokensApi", "delete_token", {"user_id": JANE}, None, lambda our: our.tokens.delete_token(JANE)
    ),
    "search_by_email": Operation(
        "UsersApi",
        "post_users_search",
        {"body": {"query": EXACTLY_JANE, "page_size": 25, "page_number": 1, "sort_by": "email", "sort_order": "ASC"}},
        "UsersSearchResponse",
        lambda our: our.users.search_by_email("jane.doe@acme.example"),
    ),
    "get_user": Operation("UsersApi", "get_user", {"user_id": JANE}, "User", lambda our: our.users.get_user(JANE)),
    "get_user_roles": Operation(
        "AuthorizationApi",
        "get_user_roles",
        {"subject_id": JANE},
        "UserAuthorization",
        lambda our: our.authorization.get_user_roles(JANE),
    ),
    "get_authorization_divisionspermitted_paged_me": Operation(
        "AuthorizationApi",
        "get_authorization_divisionspermitted_paged_me",
        {"permission": "oauth:token:delete", "page_size": 100},
        "DivsPermittedEntityListing",
        lambda our: our.authorization.get_authorization_divisionspermitted_paged_me("oauth:token:delete"),
    ),
    "get_authorization_subjects_me": Operation(
        "AuthorizationApi",
        "get_authorization_subjects_me",
        {"include_full_roles": True},
        "AuthzSubject",
        lambda our: our.authorization.get_authorization_subjects_me(),
    ),
    "get_authorization_roles": Operation(
        "AuthorizationApi",
        "get_authorization_roles",
        {"name": "Super user", "user_count": False, "page_size": 100, "page_number": 1},
        "OrganizationRoleEntityListing",
        lambda our: our.authorization.get_authorization_roles("Super user"),
    ),
    "get_authorization_permissions": Operation(
        "AuthorizationApi",
        "get_authorization_permissions",
        {"page_size": 100, "page_number": 1},
        "PermissionCollectionEntityListing",
        lambda our: our.authorization.get_authorization_permissions(),
    ),
    "get_authorization_divisions": Operation(
        "AuthorizationApi",
        "get_authorization_divisions",
        {"name": "Home", "page_size": 100, "page_number": 1},
        "AuthzDivisionEntityListing",
        lambda our: our.members.get_authorization_divisions("Home"),
    ),
    "post_groups_search": Operation(
        "GroupsApi",
        "post_groups_search",
        {"body": {"query": EXACTLY_NIGHT, "page_size": 100, "page_number": 1, "sort_by": "name", "sort_order": "ASC"}},
        "GroupsSearchResponse",
        lambda our: our.members.post_groups_search("Night shift"),
    ),
    "get_group_members": Operation(
        "GroupsApi",
        "get_group_members",
        {"group_id": NIGHT_SHIFT.id, "page_size": 100, "page_number": 1},
        "UserEntityListing",
        lambda our: all_ids(our.members.get_group_members(NIGHT_SHIFT.id)),
    ),
    "get_routing_queues": Operation(
        "RoutingApi",
        "get_routing_queues",
        {"name": "Billing EN", "page_size": 100, "page_number": 1},
        "QueueEntityListing",
        lambda our: our.members.get_routing_queues("Billing EN"),
    ),
    "get_routing_queue_members": Operation(
        "RoutingApi",
        "get_routing_queue_members",
        {"queue_id": BILLING.id, "page_size": 100, "page_number": 1},
        "QueueMemberEntityListing",
        lambda our: all_ids(our.members.get_routing_queue_members(BILLING.id)),
    ),
}
