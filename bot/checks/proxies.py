"""Name the proxy through which Slack and Genesys Cloud are reached."""

from __future__ import annotations

from typing import Final

from bot.checks.result import CheckResult, ok
from bot.network.proxies import proxy_name
from bot.purecloud import Region
from bot.settings import Settings

PROXY: Final = "proxy"
_RESPONSE_URL: Final = "https://hooks.slack.com/"
_SOCKET_URL: Final = "wss://wss-primary.slack.com/"


def check_proxies(settings: Settings, region: Region) -> CheckResult:
    """Return which proxy each service is reached through, without user and password."""
    services = {
        "Slack": settings.slack_api_url,
        "replies to Slack": _RESPONSE_URL,
        "Genesys Cloud": region.api_url,
        "its login": region.login_url,
    }
    if settings.slack_app_token is not None:
        services["Socket Mode"] = _SOCKET_URL
    proxies = {name: settings.proxies.proxy_for(url) for name, url in services.items()}
    if not any(proxies.values()):
        return ok(PROXY, "none; Slack and Genesys Cloud are reached directly")
    used = {proxy: [name for name, one in proxies.items() if one == proxy] for proxy in proxies.values()}
    parts = [
        f"{', '.join(names)} through {proxy_name(proxy)}" if proxy else f"{', '.join(names)} directly"
        for proxy, names in used.items()
    ]
    return ok(PROXY, "; ".join(parts))
