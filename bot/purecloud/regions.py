"""The environments of Genesys Cloud, and where each of them answers.

Listed on developer.genesys.cloud, page "Platform API, Regions and endpoints". New ones appear every few months, so a
domain that is not listed here is no error: `Region.known` says so, and whoever asked may warn.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

REGIONS: Final[Mapping[str, str]] = {
    "mypurecloud.com": "us-east-1",
    "use2.us-gov-pure.cloud": "us-east-2",
    "usw2.pure.cloud": "us-west-2",
    "cac1.pure.cloud": "ca-central-1",
    "mxc1.pure.cloud": "mx-central-1",
    "sae1.pure.cloud": "sa-east-1",
    "mypurecloud.ie": "eu-west-1",
    "euw2.pure.cloud": "eu-west-2",
    "mypurecloud.de": "eu-central-1",
    "euc2.pure.cloud": "eu-central-2",
    "edee1.eusc-pure.cloud": "eusc-de-east-1",
    "mec1.pure.cloud": "me-central-1",
    "aps1.pure.cloud": "ap-south-1",
    "apse1.pure.cloud": "ap-southeast-1",
    "mypurecloud.com.au": "ap-southeast-2",
    "mypurecloud.jp": "ap-northeast-1",
    "apne2.pure.cloud": "ap-northeast-2",
    "apne3.pure.cloud": "ap-northeast-3",
}
"""Domain to AWS region."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+\Z")
_ADDRESS = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(/[^\s?#@]*)?\Z", re.IGNORECASE | re.ASCII)
_SERVICE_HOSTS = ("api.", "login.", "apps.")


@dataclass(frozen=True, slots=True)
class Region:
    """Where one environment answers; the addresses end without a slash."""

    domain: str
    api_url: str
    login_url: str
    known: bool

    @property
    def aws_region(self) -> str | None:
        """The AWS region behind the domain (`eu-west-1`), None for a domain that is not listed."""
        return REGIONS.get(self.domain)


def region(environment: str, *, api_url: str | None = None, login_url: str | None = None) -> Region:
    """The region of a bare domain such as `mypurecloud.ie`, in any case, blanks around it forgiven.

    `api_url` and `login_url` take the place of `https://api.<domain>` and `https://login.<domain>`: a private gateway.
    ValueError, with a sentence, for what is no domain or no address.
    """
    domain = _domain(environment)
    return Region(
        domain=domain,
        api_url=_address(api_url) if api_url else f"https://api.{domain}",
        login_url=_address(login_url) if login_url else f"https://login.{domain}",
        known=domain in REGIONS,
    )


def _domain(environment: str) -> str:
    domain = environment.strip().lower()
    if not _DOMAIN.match(domain):
        raise ValueError(f"{environment!r} is not a domain; write it bare, such as mypurecloud.ie.")
    for service in _SERVICE_HOSTS:
        if domain.removeprefix(service) in REGIONS and domain.startswith(service):
            raise ValueError(f"{environment!r} is a host of a region; write {domain.removeprefix(service)}.")
    return domain


def _address(url: str) -> str:
    address = url.strip().rstrip("/")
    if not _ADDRESS.match(address):
        # The address is not repeated: there may be a password in it, one reason to refuse it.
        raise ValueError("An address is written http(s)://host[:port][/path], with no user, query or fragment in it.")
    return address
