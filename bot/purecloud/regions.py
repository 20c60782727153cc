"""The regions of Genesys Cloud and their URLs.

Source: developer.genesys.cloud, page "Platform API, Regions and endpoints". Genesys adds a region every few months, so
a domain that is not listed here is valid; `Region.known` lets the caller warn.
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
"""Each domain's AWS region."""

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})+\Z")
_URL = re.compile(r"https?://([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?(/[^\s?#@]*)?\Z", re.IGNORECASE | re.ASCII)
_AWS_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+){1,3}-\d\Z")
_SERVICE_HOSTS = ("api.", "login.", "apps.")


@dataclass(frozen=True, slots=True)
class Region:
    """A region with its URLs, which have no trailing slash."""

    domain: str
    api_url: str
    login_url: str
    known: bool

    @property
    def aws_region(self) -> str | None:
        """The AWS region of the domain (`eu-west-1`), None for a domain that is not listed."""
        return REGIONS.get(self.domain)


def region(environment: str, *, api_url: str | None = None, login_url: str | None = None) -> Region:
    """Return the region of a bare domain such as `mypurecloud.ie`, in any letter case.

    `api_url` and `login_url` replace `https://api.<domain>` and `https://login.<domain>`, for a private gateway.
    Raises ValueError with a message for the user if the domain or a URL is invalid.
    """
    domain = _domain(environment)
    return Region(
        domain=domain,
        api_url=_base_url(api_url) if api_url else f"https://api.{domain}",
        login_url=_base_url(login_url) if login_url else f"https://login.{domain}",
        known=domain in REGIONS,
    )


def _domain(environment: str) -> str:
    domain = environment.strip().lower()
    aws_region = domain.replace("_", "-")  # the SDKs of Genesys Cloud write us_west_2
    if _AWS_REGION.match(aws_region):
        raise ValueError(f"{environment!r} is an AWS region; {_domain_advice(aws_region)}.")
    if not _DOMAIN.match(domain):
        raise ValueError(f"{environment!r} is not a domain; write it bare, such as mypurecloud.ie.")
    for service in _SERVICE_HOSTS:
        if domain.removeprefix(service) in REGIONS and domain.startswith(service):
            raise ValueError(f"{environment!r} is a host of a region; write {domain.removeprefix(service)}.")
    return domain


def _domain_advice(aws_region: str) -> str:
    for domain, name in REGIONS.items():
        if name == aws_region:
            return f"write its domain, {domain}"
    return "write the domain of your login page, after the prefix login., such as mypurecloud.ie"


def _base_url(url: str) -> str:
    base_url = url.strip().rstrip("/")
    if not _URL.match(base_url):
        # The message does not repeat the URL, because it may contain a password.
        raise ValueError("An address is written http(s)://host[:port][/path], with no user, query or fragment in it.")
    return base_url
