"""Read the pages of a listing, one request each."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bot.purecloud.responses import parse_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.purecloud.caller import Caller
    from bot.purecloud.models import (
        AuthzDivisionEntityListing,
        GroupsSearchResponse,
        OrganizationRoleEntityListing,
        PermissionCollectionEntityListing,
        QueueEntityListing,
        QueueMemberEntityListing,
        UserEntityListing,
        UsersSearchResponse,
    )
    from bot.purecloud.requests import ApiRequest

Page = TypeVar(
    "Page",
    "AuthzDivisionEntityListing",
    "GroupsSearchResponse",
    "OrganizationRoleEntityListing",
    "PermissionCollectionEntityListing",
    "QueueEntityListing",
    "QueueMemberEntityListing",
    "UserEntityListing",
    "UsersSearchResponse",
)


async def pages(
    caller: Caller, model: type[Page], build: Callable[[int], ApiRequest], *, limit: int | None = None
) -> AsyncIterator[Page]:
    """Yield the pages of a listing, `limit` at most."""
    number, last = 1, 1
    while number <= last:
        page = parse_body(model, await caller.call(build(number)))
        yield page
        count = page.page_count or 1
        number, last = number + 1, count if limit is None else min(count, limit)
