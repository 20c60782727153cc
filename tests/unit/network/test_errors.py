"""Network errors have names that neither Python nor aiohttp changes."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any, cast

import aiohttp
import pytest
from multidict import CIMultiDict
from yarl import URL

from bot.network.errors import network_error_class

KEY = cast("Any", SimpleNamespace(host="slack.com", port=443, ssl=True, is_ssl=True))
INFO = cast("Any", SimpleNamespace(real_url=URL("https://slack.com"), headers=CIMultiDict(), method="POST"))

CASES = [
    (TimeoutError(), "timeout"),
    (TimeoutError(), "timeout"),
    (aiohttp.ServerTimeoutError(), "timeout"),
    (aiohttp.SocketTimeoutError(), "timeout"),
    (aiohttp.ConnectionTimeoutError(), "connect_timeout"),
    (aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "unknown name")), "dns_error"),
    (aiohttp.ClientConnectorError(KEY, OSError(111, "refused")), "connect_error"),
    (ConnectionRefusedError(), "connect_error"),
    (aiohttp.ClientConnectorSSLError(KEY, OSError(1, "ssl")), "tls_error"),
    (aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError("expired")), "tls_error"),
    (aiohttp.ServerFingerprintMismatch(b"a", b"b", "slack.com", 443), "tls_error"),
    (aiohttp.ServerDisconnectedError(), "connection_lost"),
    (aiohttp.ClientOSError(104, "reset"), "connection_lost"),
    (ConnectionResetError(), "connection_lost"),
    (BrokenPipeError(), "connection_lost"),
    (aiohttp.ClientPayloadError(), "connection_lost"),
    (aiohttp.ClientResponseError(INFO, ()), "bad_response"),
    (aiohttp.InvalidURL("hooks"), "bad_response"),
    (aiohttp.ClientProxyConnectionError(KEY, OSError(111, "refused")), "proxy_unreachable"),
    (aiohttp.ClientHttpProxyError(INFO, (), status=407), "proxy_407"),
    (ValueError(), "other_error"),
    (None, "other_error"),
]


@pytest.mark.parametrize(("error", "name"), CASES, ids=[type(error).__name__ for error, _ in CASES])
def test_network_error_class__is_a_word_of_our_own(error: Exception | None, name: str) -> None:
    assert network_error_class(error) == name


def test_network_error_class__names_every_error_of_aiohttps_client() -> None:
    def kinds(kind: type[BaseException]) -> set[type[BaseException]]:
        return {kind}.union(*(kinds(one) for one in kind.__subclasses__()))

    errors = [one.__new__(one) for one in kinds(aiohttp.ClientError) if one.__module__.startswith("aiohttp")]

    assert [one for one in errors if not isinstance(one, aiohttp.ClientHttpProxyError)]
    for error in errors:
        if not isinstance(error, aiohttp.ClientHttpProxyError):
            assert network_error_class(error) != "other_error"
