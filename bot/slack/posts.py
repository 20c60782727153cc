"""Send content to a URL that Slack has given, such as a `response_url` or the one of an upload."""

from __future__ import annotations

from typing import Any

import aiohttp

from bot.network.errors import network_error_class
from bot.network.proxies import ProxyFor
from bot.slack.api import Observe, SlackCallError


async def post_to_url(
    session: aiohttp.ClientSession, url: str, *, name: str, observe: Observe, proxy_for: ProxyFor, **content: Any
) -> None:
    """Send content, `json` or `data`, and count it as `name`.

    Raises SlackCallError, which does not name the URL.
    """
    try:
        async with session.post(url, allow_redirects=False, proxy=proxy_for(url), **content) as response:
            status = response.status
    except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
        code = network_error_class(error)
        observe(name, code)
        raise SlackCallError(code, retryable=True) from None  # the cause would name the url
    observe(name, str(status))
    if status != 200:  # noqa: PLR2004 - Slack does nothing for any other status
        raise SlackCallError(f"http_{status}", retryable=status == 429 or status >= 500)  # noqa: PLR2004
