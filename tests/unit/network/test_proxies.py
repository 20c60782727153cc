"""Which proxy an address is reached through, and which values of the variables are refused."""

from __future__ import annotations

import aiohttp
import pytest

from bot.errors import SettingsError
from bot.network.errors import network_error_class
from bot.network.proxies import Proxies, proxy_name
from bot.settings import read_settings
from tests.support.examples import REQUIRED_SETTINGS

PROXY = "http://proxy.example.com:3128"


def proxy_of(url: str, **variables: str) -> str | None:
    return read_settings(REQUIRED_SETTINGS | variables).proxies.proxy_for(url)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://slack.com/api/", "http://one:1"),
        ("wss://wss-primary.slack.com/link", "http://one:1"),
        ("http://127.0.0.1:3000/", "http://two:2"),
        ("ws://127.0.0.1:3000/", "http://two:2"),
    ],
)
def test_proxy_for__depends_on_the_scheme(url: str, found: str) -> None:
    assert Proxies("http://one:1", "http://two:2").proxy_for(url) == found
    assert Proxies().proxy_for(url) is None


@pytest.mark.parametrize(
    ("exceptions", "host", "direct"),
    [
        ("slack.com", "slack.com", True),
        ("slack.com", "hooks.slack.com", True),
        (".slack.com", "hooks.slack.com", True),
        ("*.slack.com", "hooks.slack.com", True),
        ("SLACK.com", "Slack.COM", True),
        ("slack.com", "notslack.com", False),
        ("hooks.slack.com", "slack.com", False),
        ("a.example, slack.com ,b.example", "slack.com", True),
        ("a.example b.example", "slack.com", False),
        ("*", "slack.com", True),
        ("a.example,*", "slack.com", True),
        ("slack.com:443", "slack.com", True),
        ("slack.com:8443", "slack.com", False),
        ("slack.com", "slack.com.", True),
        ("10.0.0.7", "10.0.0.7", True),
        ("10.0.0.0/8", "10.1.2.3", True),
        ("10.0.0.0/8", "11.1.2.3", False),
        ("10.0.0.0/8", "slack.com", False),
        ("slack.com.", "slack.com", True),
        (".slack.com.:443", "hooks.slack.com.", True),
        ("..", "slack.com", False),
        ("10.0.0.7:443", "10.0.0.7", True),
        ("10.0.0.7:8443", "10.0.0.7", False),
        ("[::1]:443", "[::1]", True),
        ("[::1]:8443", "[::1]", False),
        ("fe80::/10", "[fe80::1]", True),
        ("::1", "[::1]", True),
        ("[::1]", "[::1]", True),
        ("127.0.0.1", "[::1]", False),
        ("", "slack.com", False),
        (",", "slack.com", False),
        (".", "slack.com", False),
    ],
)
def test_no_proxy__excepts_hosts_suffixes_addresses_and_networks(exceptions: str, host: str, direct: bool) -> None:
    found = Proxies(PROXY, PROXY, exceptions).proxy_for(f"https://{host}/api/")

    assert found == (None if direct else PROXY)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy"])
@pytest.mark.parametrize(
    "value", [PROXY, f"{PROXY}/", "proxy.example.com:3128", f" {PROXY} ", PROXY.replace("http", "HTTP")]
)
def test_settings__read_the_proxy_in_either_case(name: str, value: str) -> None:
    assert proxy_of("https://slack.com/api", **{name: value}) == PROXY
    assert proxy_of("https://slack.com/api", **{name: value}, no_proxy="slack.com") is None


def test_settings__prefer_the_variable_in_lower_case_even_if_it_is_empty() -> None:
    assert proxy_of("https://slack.com/", HTTPS_PROXY="http://one:1", https_proxy="http://two:2") == "http://two:2"
    assert proxy_of("https://slack.com/", HTTPS_PROXY="http://one:1", https_proxy="") is None


@pytest.mark.parametrize(
    "value",
    ["socks5://proxy.example.com:1080", "https://proxy.example.com", "http://", "http://jane:hunter2@", "http://a b:1",
     "http://proxy.example.com:port", "http://proxy.example.com/?hunter2", "http://proxy.example.com:0",
     "http://proxy.example.com:65536", "http://jane:hunter2@x@proxy.example.com", "http://-:3128", "http://..:3128"],
)  # fmt: skip
def test_settings__refuse_a_proxy_that_cannot_work(value: str) -> None:
    with pytest.raises(SettingsError) as raised:
        read_settings(REQUIRED_SETTINGS | {"HTTPS_PROXY": value})

    (line,) = raised.value.problems
    assert line.startswith("HTTPS_PROXY: write http://host:port")
    assert "hunter2" not in line


def test_settings__hide_the_credentials_of_the_proxy() -> None:
    settings = read_settings(REQUIRED_SETTINGS | {"HTTPS_PROXY": "http://jane:hunter%402abc@proxy.example.com:3128"})

    assert {"hunter%402abc", "hunter@2abc"} <= set(settings.secret_values)
    assert "hunter" not in f"{settings!r}{settings}{settings.proxies!r}"
    assert proxy_name(settings.https_proxy or "") == "proxy.example.com:3128"


async def failure_of(proxies: Proxies, url: str) -> str:
    """Return the class of the error of a request, whose host has no address."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=proxies.resolver())) as session:
        with pytest.raises(aiohttp.ClientError) as raised:
            await session.get(url, proxy=proxies.proxy_for(url))
    assert "hunter2" not in str(raised.value)
    return network_error_class(raised.value)


@pytest.mark.parametrize("url", ["http://slack.invalid/", "https://slack.invalid/"])
async def test_resolver__shows_that_the_unknown_name_is_a_proxys(url: str) -> None:
    proxy = "http://jane:hunter2@proxy.invalid:3128"
    assert await failure_of(Proxies(proxy, proxy), url) == "proxy_unreachable"


async def test_resolver__blames_no_proxy_for_another_unknown_name() -> None:
    proxies = Proxies(https="http://proxy.invalid:3128", exceptions="slack.invalid")
    assert await failure_of(proxies, "https://slack.invalid/") == "dns_error"
    assert await failure_of(Proxies(), "https://slack.invalid/") == "dns_error"
