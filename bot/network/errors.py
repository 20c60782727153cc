"""Classes of network errors: the same words in metrics and logs for every service that the bot calls."""

from __future__ import annotations

import aiohttp

from bot.network.proxies import proxy_failure

_CLASSES: tuple[tuple[type[BaseException], str], ...] = (
    (aiohttp.ConnectionTimeoutError, "connect_timeout"),
    (TimeoutError, "timeout"),
    (aiohttp.ClientSSLError, "tls_error"),
    (aiohttp.ServerFingerprintMismatch, "tls_error"),
    (aiohttp.ClientConnectorDNSError, "dns_error"),
    (aiohttp.ClientConnectorError, "connect_error"),
    (aiohttp.ClientConnectionError, "connection_lost"),
    (aiohttp.ClientPayloadError, "connection_lost"),
    (aiohttp.ClientError, "bad_response"),
    (ConnectionRefusedError, "connect_error"),
    (OSError, "connection_lost"),
)
"""The first class that fits counts, because aiohttp's exceptions inherit from several."""

UNKNOWN = "other_error"

NETWORK_ERROR_CLASSES = frozenset(name for _, name in _CLASSES) | {UNKNOWN}
"""Every class, because a service has error codes of its own."""


def network_error_class(error: BaseException | None) -> str:
    """Return the class of an error of aiohttp or a socket, which no version of them changes."""
    if error is None:
        return UNKNOWN
    return proxy_failure(error) or next((name for kind, name in _CLASSES if isinstance(error, kind)), UNKNOWN)
