"""Behind a company's proxy, which alone can resolve and reach Slack and Genesys Cloud."""

from __future__ import annotations

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from structlog.testing import capture_logs

from bot.app import running
from bot.sandbox import personas
from bot.settings import read_settings
from bot.slack.socket_mode import CONNECTIONS
from tests.support.app_harness import MESSAGE_TIMEOUT, AppHarness
from tests.support.checks_harness import ChecksHarness, open_checks_harness
from tests.support.forward_proxy import ForwardProxy, forward_proxy
from tests.support.process import run_bot
from tests.support.proxy import TcpProxy
from tests.support.schema import put_database

HOSTS = {"SLACK_API_URL": "slack.invalid", "PURECLOUD_API_URL": "api.invalid", "PURECLOUD_LOGIN_URL": "login.invalid"}
"""The names by which the bot reaches the fakes. Nothing but the proxy resolves them."""


def hidden(environ: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the environment with names that only a proxy resolves, and their addresses."""
    urls = {setting: urlsplit(environ[setting]) for setting in HOSTS}
    named = {setting: url._replace(netloc=HOSTS[setting]).geturl() for setting, url in urls.items()}
    addresses = {HOSTS[setting]: url.netloc for setting, url in urls.items()}
    return dict(environ) | named, addresses | {"127.0.0.1": urls["SLACK_API_URL"].netloc}


@asynccontextmanager
async def app_behind(
    folder: Path, proxy: ForwardProxy, fakes: ChecksHarness, **overrides: str
) -> AsyncIterator[AppHarness]:
    """Start the bot with HTTP_PROXY."""
    environ, addresses = hidden(fakes.environ)
    proxy.hosts = addresses
    put_database(folder / "sandbox.db")
    environ |= {"HTTP_PROXY": proxy.url} | overrides
    async with running(read_settings(environ)) as server:
        url = f"http://127.0.0.1:{server.port}"
        fakes.slack.events_url = f"{url}/slack/events"
        await server.services.workspace.known.wait()
        yield AppHarness(fakes.slack, fakes.genesys, environ, server, url)


@pytest.mark.parametrize("credentials", [None, "jane:hunter22hunter"])
async def test_bot__revokes_through_the_proxy_alone(tmp_path: Path, credentials: str | None) -> None:
    with capture_logs() as logs:
        await revoke_behind_proxy(tmp_path, credentials)

    named = [line["proxy"] for line in logs if line["event"] == "proxy.used"]
    assert len(named) == 1
    assert named[0].startswith("127.0.0.1:")
    assert "hunter22" not in str(logs)


async def revoke_behind_proxy(tmp_path: Path, credentials: str | None) -> None:
    """Revoke someone, and assert that every call went through the proxy."""
    async with (
        forward_proxy({}, credentials) as proxy,
        open_checks_harness(tmp_path) as fakes,
        app_behind(tmp_path, proxy, fakes) as app,
    ):
        card = await app.request_card(personas.OLIVIA, "revoke @tom")
        await app.slack.click(personas.OLIVIA, card, "approve")
        await app.wait_for_message("Revoked: all sessions of Tom Target")
        await app.send_command(personas.OLIVIA, "help")
        await app.wait_for_private_message(personas.OLIVIA, "/purecloud")

        assert len(app.deletes) == 1
        assert proxy.targets >= {"slack.invalid", "api.invalid", "login.invalid", "127.0.0.1"}, "response_url too"


async def test_socket_mode__connects_through_the_proxy(tmp_path: Path) -> None:
    async with (
        forward_proxy({}) as proxy,
        open_checks_harness(tmp_path, socket_mode=True) as fakes,
        app_behind(tmp_path, proxy, fakes) as app,
    ):
        await app.slack.sockets.wait_until(lambda: len(app.slack.sockets.connections) == CONNECTIONS, MESSAGE_TIMEOUT)

        assert any("/link" in line for line in proxy.lines)


async def test_bot__reaches_exceptions_directly(tmp_path: Path) -> None:
    async with forward_proxy({}) as proxy, open_checks_harness(tmp_path) as fakes:
        put_database(tmp_path / "sandbox.db")
        environ = fakes.environ | {"HTTP_PROXY": proxy.url, "NO_PROXY": "127.0.0.1"}
        async with running(read_settings(environ)) as server:
            await server.services.workspace.known.wait()
            await server.services.purecloud.tokens.get_tokens_me()

        assert proxy.lines == []


async def test_bot__never_uses_a_proxy_that_its_settings_do_not_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK reads the environment of the process by itself, without NO_PROXY."""
    async with forward_proxy({}) as proxy, open_checks_harness(tmp_path, socket_mode=True) as fakes:
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        put_database(tmp_path / "sandbox.db")
        async with running(read_settings(fakes.environ)) as server:
            await server.services.workspace.known.wait()
            await fakes.slack.sockets.wait_until(
                lambda: len(fakes.slack.sockets.connections) == CONNECTIONS, MESSAGE_TIMEOUT
            )

        assert proxy.lines == []


async def test_check__passes_through_the_proxy_and_names_it(tmp_path: Path) -> None:
    async with forward_proxy({}, "jane:hunter22hunter") as proxy, open_checks_harness(tmp_path) as fakes:
        environ, proxy.hosts = hidden(fakes.environ)

        report = await fakes.check(environ | {"HTTP_PROXY": proxy.url, "NO_PROXY": "hooks.slack.com"})

        assert report.exit_code == 0
        assert report.of("proxy").message == (
            f"Slack, Genesys Cloud, its login through 127.0.0.1:{proxy.port}; replies to Slack directly"
        )
        assert "hunter22" not in str(report.results)


async def test_check__without_a_proxy_says_none(tmp_path: Path) -> None:
    async with open_checks_harness(tmp_path) as fakes:
        assert (await fakes.check()).of("proxy").message.startswith("none;")


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_check__blames_the_proxy_that_cannot_be_reached(tmp_path: Path, scheme: str) -> None:
    async with open_checks_harness(tmp_path) as fakes:
        urls = {setting: f"{scheme}://{host}" for setting, host in HOSTS.items()}
        variable = f"{scheme.upper()}_PROXY"

        report = await fakes.check(urls | {variable: "http://127.0.0.1:9"})

    for name in ("SLACK_BOT_TOKEN", "PURECLOUD_CLIENT_ID, PURECLOUD_SECRET"):
        assert report.of(name).message == "the proxy cannot be reached"
        assert "HTTPS_PROXY" in (report.of(name).hint or "")


async def test_check__blames_the_proxy_that_wants_a_password(tmp_path: Path) -> None:
    async with forward_proxy({}, "jane:hunter22hunter") as proxy, open_checks_harness(tmp_path) as fakes:
        urls = {setting: f"https://{host}" for setting, host in HOSTS.items()}

        report = await fakes.check(urls | {"HTTPS_PROXY": f"http://127.0.0.1:{proxy.port}"})

        for name in ("SLACK_BOT_TOKEN", "PURECLOUD_CLIENT_ID, PURECLOUD_SECRET"):
            assert report.of(name).message == "the proxy responded with 407 Proxy Authentication Required"
        assert {line.split(" ")[0] for line in proxy.lines} == {"CONNECT"}


def new_certificate(folder: Path, hosts: Iterable[str]) -> tuple[Path, Path]:
    """Create a key and a certificate for the hosts, which is its own authority."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    names = ",".join(f"DNS:{host}" for host in hosts)
    openssl = shutil.which("openssl") or "openssl"
    subprocess.run(
        [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=test", "-addext",
         f"subjectAltName={names}", "-keyout", str(key), "-out", str(certificate)],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, certificate


@asynccontextmanager
async def encrypted(url: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """Accept TLS in front of a fake; yield the address."""
    upstream = urlsplit(url)
    relay = TcpProxy(upstream.hostname or "", upstream.port or 0)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0, ssl=context)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        relay.cut()
        server.close()


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_check__passes_over_https_through_a_tunnel(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    key, certificate = new_certificate(tmp_path_factory.mktemp("tls"), HOSTS.values())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(forward_proxy({}, "jane:hunter22hunter"))
        fakes = await stack.enter_async_context(open_checks_harness(tmp_path))
        ends = {
            setting: await stack.enter_async_context(encrypted(fakes.environ[setting], context)) for setting in HOSTS
        }
        proxy.hosts = {host: ends[setting] for setting, host in HOSTS.items()}
        urls = {
            setting: urlsplit(fakes.environ[setting])._replace(scheme="https", netloc=host).geturl()
            for setting, host in HOSTS.items()
        }

        trusted = {"HTTPS_PROXY": proxy.url, "SSL_CERT_FILE": str(certificate)}
        result = await (await run_bot(["check"], fakes.environ | urls | trusted)).wait()

    assert result.code == 0, result.stdout
    assert f"through 127.0.0.1:{proxy.port}" in result.stdout
    assert "hunter22" not in result.stdout + result.stderr
    assert {line.split(" ")[0] for line in proxy.lines} == {"CONNECT"}
