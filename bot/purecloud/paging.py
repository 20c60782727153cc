"""Read the pages of a listing, one request each."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from bot.purecloud.responses import parse_body

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from bot.purecloud.base_model import Page
    from bot.purecloud.caller import Caller
    from bot.purecloud.requests import ApiRequest

PageModel = TypeVar("PageModel", bound="Page")


async def pages(
    caller: Caller, model: type[PageModel], build: Callable[[int], ApiRequest], *, limit: int | None = None
) -> AsyncIterator[PageModel]:
    """Yield the pages of a listing, `limit` at most."""
    number, more = 0, True
    while more and number != limit:
        number += 1
        page = parse_body(model, await caller.call(build(number)))
        yield page
        more = page.has_next(number)
