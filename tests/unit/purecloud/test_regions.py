"""The URLs of each region, and the domains and URLs that are invalid."""

from __future__ import annotations

import re

import pytest

from bot.purecloud import REGIONS, Region, region


def test_regions__are_eighteen_with_distinct_aws_regions() -> None:
    assert len(REGIONS) == len(set(REGIONS.values())) == 18
    assert REGIONS["mypurecloud.com.au"] == "ap-southeast-2"


@pytest.mark.parametrize("domain", REGIONS)
def test_region__every_listed_domain_is_known(domain: str) -> None:
    assert region(domain) == Region(domain, f"https://api.{domain}", f"https://login.{domain}", known=True)
    assert region(domain).aws_region == REGIONS[domain]


def test_region__ignores_letter_case_and_surrounding_whitespace() -> None:
    assert region("  MyPureCloud.IE\n") == region("mypurecloud.ie")


def test_region__unlisted_domain_is_valid_but_not_known() -> None:
    new = region("afs1.pure.cloud")

    assert new.api_url == "https://api.afs1.pure.cloud"
    assert not new.known
    assert new.aws_region is None


def test_region__explicit_urls_replace_the_hosts() -> None:
    gateway = region("mypurecloud.de", api_url=" https://gw.acme.example:8443/genesys// ")

    assert gateway.api_url == "https://gw.acme.example:8443/genesys"
    assert gateway.login_url == "https://login.mypurecloud.de"
    assert region("mypurecloud.de", login_url="http://127.0.0.1:1/").login_url == "http://127.0.0.1:1"
    assert region("mypurecloud.de", login_url="http://[::1]:8080").login_url == "http://[::1]:8080"


@pytest.mark.parametrize(
    "environment",
    [
        "",
        " ",
        "localhost",
        "https://api.mypurecloud.ie",
        "mypurecloud.ie/",
        "mypurecloud.ie:443",
        "mypurecloud..ie",
        "-x.ie",
        "my purecloud.ie",
        "mypurecloud.ie@evil.example",
        "mypurecloud.\N{LATIN SMALL LETTER DOTLESS I}e",
        "a" * 64 + ".ie",
        "a." * 130 + "ie",
    ],
)
def test_region__invalid_domain_raises(environment: str) -> None:
    with pytest.raises(ValueError, match="is not a domain; write it bare"):
        region(environment)


@pytest.mark.parametrize(("domain", "aws_region"), list(REGIONS.items()))
def test_region__aws_region_raises_and_suggests_the_domain(domain: str, aws_region: str) -> None:
    for name in (aws_region, f" {aws_region.upper()} ", aws_region.replace("-", "_")):
        with pytest.raises(ValueError, match=rf"is an AWS region; write its domain, {re.escape(domain)}\.$"):
            region(name)


@pytest.mark.parametrize("aws_region", ["us-west-1", "eu-north-1", "us-gov-west-1", "cn-northwest-1", "il-central-1"])
def test_region__aws_region_without_genesys_cloud_raises(aws_region: str) -> None:
    with pytest.raises(ValueError, match="is an AWS region; write the domain of your login page"):
        region(aws_region)


@pytest.mark.parametrize("service", ["api", "login", "apps"])
def test_region__service_host_raises_and_suggests_the_domain(service: str) -> None:
    with pytest.raises(ValueError, match=r"write mypurecloud\.ie\.$"):
        region(f"{service}.mypurecloud.ie")


@pytest.mark.parametrize(
    "url",
    [
        "gw.acme.example",
        "ftp://gw.acme.example",
        "https://",
        "https://gw.acme.example?x=1",
        "https://gw.acme.example#x",
        "https://user:hunter2@gw.acme.example",
        "https://gw.acme.example:hunter2",
        "https://gw acme.example",
        "https://[::1",
    ],
)
def test_region__invalid_url_raises_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"^An address is written") as raised:
        region("mypurecloud.ie", api_url=url)

    assert "hunter2" not in str(raised.value)
