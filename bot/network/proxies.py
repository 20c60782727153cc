"""The proxy that each address is reached through: HTTPS_PROXY, HTTP_PROXY and NO_PROXY.

Every HTTP client of the bot asks here, and none reads the environment, so that all of them agree.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

import aiohttp
from aiohttp.abc import ResolveResult

ProxyFor = Callable[[str], str | None]
"""Returns the proxy for a URL, None for a direct connection."""


def direct(_url: str) -> None:
    """Return no proxy."""


PROXY_SETTINGS = ("HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY")

_SCHEMES = {"https": "https", "wss": "https", "http": "http", "ws": "http"}
_WORD = re.compile(r"[a-z]+")
_PROXY = re.compile(r"http://(?:[^\s/?#@]*@)?(?:\w[\w.-]*|\[[0-9a-fA-F:.]+\])(?::(\d{1,5}))?/?", re.IGNORECASE)
_MAX_PORT = 65535
_BRACKETED = re.compile(r"\[([^\]]*)\](?::(\d+))?")
"""An IPv6 address of NO_PROXY, perhaps with a port."""


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of a process. The URLs may have a user and a password, so no log shows them."""

    https: str | None = field(default=None, repr=False)
    http: str | None = field(default=None, repr=False)
    exceptions: str = ""

    def proxy_for(self, url: str) -> str | None:
        """Return the URL of the proxy for an address, None for a direct connection."""
        parts = urlsplit(url)
        scheme = _SCHEMES.get(parts.scheme, "")
        proxy = {"https": self.https, "http": self.http}.get(scheme)
        port = parts.port or (443 if scheme == "https" else 80)
        return None if self._is_direct(parts.hostname or "", port) else proxy

    def resolver(self) -> aiohttp.ThreadedResolver:
        """Return a resolver of names whose errors show whether the name is that of a proxy."""
        return _Resolver(frozenset(urlsplit(one).hostname or "" for one in (self.https, self.http) if one))

    def _is_direct(self, host: str, port: int) -> bool:
        entries = self.exceptions.replace(",", " ").lower().split()
        return any(_matches(entry, host.rstrip("."), port) for entry in entries)


class UnknownProxyError(OSError):
    """The name of a proxy cannot be resolved."""


class _Resolver(aiohttp.ThreadedResolver):
    """Resolves names as aiohttp does, whose errors do not say that the name is that of a proxy."""

    def __init__(self, proxies: frozenset[str]) -> None:
        super().__init__()
        self._proxies = proxies

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of a host. Raises OSError."""
        try:
            return await super().resolve(host, port, family)
        except OSError as error:
            if host in self._proxies:
                raise UnknownProxyError(*error.args) from error
            raise


def _matches(entry: str, host: str, port: int) -> bool:
    """Return whether an entry of NO_PROXY is `*`, or names the host, its domain or its network."""
    if entry == "*":
        return True
    name, wanted = _split_port(entry)
    if wanted not in ("", str(port)):
        return False
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:  # a name
        name = name.removeprefix("*").removeprefix(".").rstrip(".")
    return bool(name) and (host == name or host.endswith(f".{name}"))


def _split_port(entry: str) -> tuple[str, str]:
    """Return the host without brackets and the port of an entry of NO_PROXY, empty if it has none."""
    bracketed = _BRACKETED.fullmatch(entry)
    if bracketed:
        return bracketed[1], bracketed[2] or ""
    name, _, port = entry.partition(":")
    return (entry, "") if ":" in port else (name, port)


def proxy_variables(environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables by their upper-case names.

    A variable in lower case comes first, and an empty one unsets the other, as in Python's urllib.
    """
    return {name: environ.get(name.lower(), environ.get(name, "")) for name in PROXY_SETTINGS}


def check_proxy(text: str) -> str:
    """Return the URL of a proxy, with its scheme. Raises ValueError, without the value."""
    url = text if "://" in text else f"http://{text}"
    match = _PROXY.fullmatch(url) if url.isascii() else None
    if match is None:
        raise ValueError(
            "write http://host:port, with signs in a password as %40; the bot supports neither https:// nor socks:// "
            "for the proxy itself"
        )
    if match[1] and not 0 < int(match[1]) <= _MAX_PORT:
        raise ValueError(f"write http://host:port with a port from 1 to {_MAX_PORT}")
    return f"http{url.rstrip('/')[len('http') :]}"


def proxy_name(proxy: str) -> str:
    """Return a proxy's host and port, without user and password."""
    return urlsplit(proxy).netloc.rpartition("@")[2]


def url_passwords(*urls: str | None) -> tuple[str, ...]:
    """Return the passwords in URLs, as they are written and decoded.

    A password of small letters alone is left out, because logs would lose that word.
    """
    found: set[str] = set()
    for url in urls:
        user, _, password = urlsplit(url or "").netloc.rpartition("@")[0].partition(":")
        found |= {password or user, unquote(password or user)}
    return tuple(one for one in sorted(found) if one and not _WORD.fullmatch(one))


def proxy_failure(error: BaseException) -> str | None:
    """Return a code if a proxy is what failed: `proxy_unreachable`, or `proxy_407` for its HTTP status."""
    if isinstance(error.__cause__, UnknownProxyError) or isinstance(error, aiohttp.ClientProxyConnectionError):
        return "proxy_unreachable"
    if isinstance(error, aiohttp.ClientHttpProxyError):
        return f"proxy_{error.status}"
    return None
