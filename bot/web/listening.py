"""Open the port on which HTTP listens."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from collections.abc import Callable

from bot.errors import SettingsError

Factory = Callable[[], asyncio.Protocol]

_UNUSABLE = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL}
"""Errors for an address that this machine does not have."""


async def open_server(factory: Factory, host: str, port: int, *, start_serving: bool = True) -> asyncio.Server:
    """Return a server on a host and port. `::` serves IPv4 too. The caller closes the server.

    Raises SettingsError for a host or port that can never work, and OSError for others, such as a port in use.
    """
    loop = asyncio.get_running_loop()
    try:
        if _is_every_address(host):
            return await loop.create_server(factory, sock=_dual_stack_socket(port), start_serving=start_serving)
        return await loop.create_server(factory, host.strip("[]"), port, start_serving=start_serving)
    except socket.gaierror:
        raise SettingsError([f"HOST: {host!r} is not a name or address of this machine; {_ADVICE}"]) from None
    except (UnicodeError, ValueError):
        raise SettingsError([f"HOST: it is not a name or address; {_ADVICE}"]) from None
    except OSError as error:
        if error.errno in _UNUSABLE:
            raise SettingsError([f"HOST: {host!r} is not an address of this machine; {_ADVICE}"]) from None
        if error.errno in (errno.EACCES, errno.EPERM):
            raise SettingsError([f"PORT: this user may not listen on {port}; use a port from 1024"]) from None
        raise


_ADVICE = "write 0.0.0.0 or :: for every address, or 127.0.0.1 for this machine alone"


def _is_every_address(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return address.version == 6 and address.is_unspecified  # noqa: PLR2004 - IPv6


def _dual_stack_socket(port: int) -> socket.socket:
    """Return a socket for IPv6 and IPv4. asyncio's own sockets for IPv6 never serve IPv4."""
    both = socket.has_dualstack_ipv6()
    return socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=both)
