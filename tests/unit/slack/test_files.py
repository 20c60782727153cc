"""Downloads of files: only from Slack's own hosts, without redirects, and of a limited size and time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple, cast

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.domain.denials import DenialCode, Denied
from bot.errors import SlackUnavailable
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.files import StoredFile
from bot.slack.files import MAX_FILE_SIZE, SlackFiles
from tests.support.components import Components, open_components
from tests.support.timeouts import TEST_TIMEOUT, Blackhole, InstantTimeoutSession

CONTENT = b"tom@example.com\n"

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class FileHost:
    """A host of files that answers as a test wants, and what it received."""

    def __init__(self) -> None:
        self.url = ""
        self.received: list[web.Request] = []


class Downloads:
    """The files of the fake Slack, and the results of the calls of their downloads."""

    def __init__(self, components: Components, session: aiohttp.ClientSession, api_url: str = "") -> None:
        self.slack = components.slack
        self.observed: list[tuple[str, str]] = []
        self._files = SlackFiles(
            components.api,
            session,
            self.slack.bot_token,
            api_url or self.slack.api_url,
            observe=lambda name, result: self.observed.append((name, result)),
        )

    def add(self, content: bytes = CONTENT, **more: Any) -> StoredFile:
        """Store a file with changes of its file object."""
        return self.slack.files.add("list.csv", content, **more)

    async def download(self, file: StoredFile) -> tuple[str, bytes]:
        return await self._files.download(file.id)

    async def refusal(self, file: StoredFile) -> DenialCode:
        with pytest.raises(Denied) as denied:
            await self.download(file)
        return denied.value.reason


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TEST_TIMEOUT)) as opened:
        yield opened


@pytest.fixture
def downloads(components: Components, session: aiohttp.ClientSession) -> Downloads:
    return Downloads(components, session)


@asynccontextmanager
async def file_host(answer: Answer) -> AsyncIterator[FileHost]:
    host = FileHost()

    async def record(request: web.Request) -> web.StreamResponse:
        host.received.append(request)
        return await answer(request)

    app = web.Application()
    app.router.add_get("/list.csv", record)
    async with TestServer(app) as server:
        host.url = str(server.make_url("/list.csv"))
        yield host


class Served(NamedTuple):
    """A file on a host of the test, which counts as the host of the API."""

    host: FileHost
    downloads: Downloads
    file: StoredFile


@asynccontextmanager
async def served(components: Components, session: aiohttp.ClientSession, answer: Answer) -> AsyncIterator[Served]:
    async with file_host(answer) as host:
        downloads = Downloads(components, session, host.url)
        yield Served(host, downloads, downloads.add(url_private_download=host.url))


async def send_content(_request: web.Request) -> web.StreamResponse:
    return web.Response(body=CONTENT)


async def test_download__returns_name_and_content(downloads: Downloads) -> None:
    assert await downloads.download(downloads.add()) == ("list.csv", CONTENT)
    assert downloads.observed == [("file_download", "200")]


@pytest.mark.parametrize("size", [MAX_FILE_SIZE, MAX_FILE_SIZE + 1])
async def test_download__takes_files_up_to_the_limit(downloads: Downloads, size: int) -> None:
    """Whatever size Slack gives."""
    file = downloads.add(b"x" * size, size=10)
    if size <= MAX_FILE_SIZE:
        assert len((await downloads.download(file))[1]) == size
    else:
        assert await downloads.refusal(file) is DenialCode.FILE_TOO_LARGE


async def test_download__of_a_file_that_slack_calls_too_large_is_not_started(downloads: Downloads) -> None:
    file = downloads.add(size=MAX_FILE_SIZE + 1)
    assert await downloads.refusal(file) is DenialCode.FILE_TOO_LARGE
    assert file.downloads == 0


async def test_download__of_an_endless_file_ends_at_the_limit(
    components: Components, session: aiohttp.ClientSession
) -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(CONTENT * 1000)  # until the bot closes the connection

    async with served(components, session, endless) as (_, downloads, file):
        assert await downloads.refusal(file) is DenialCode.FILE_TOO_LARGE


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_download__follows_no_redirect(
    components: Components, session: aiohttp.ClientSession, status: int
) -> None:
    async with file_host(send_content) as elsewhere:

        async def redirect(_request: web.Request) -> web.StreamResponse:
            return web.Response(status=status, headers={"Location": elsewhere.url})

        async with served(components, session, redirect) as (host, downloads, file):
            assert await downloads.refusal(file) is DenialCode.FILE_NOT_IN_SLACK
            assert len(host.received) == 1
    assert elsewhere.received == []


@pytest.mark.parametrize(
    "prefix",
    [
        "http://files.slack.com", "https://files.slack.com.evil.example", "https://evil.example/files.slack.com",
        "https://files.slack.com@evil.example", "https://user@files.slack.com", "https://files.slack.com:8443",
        "https://[files.slack.com", "//files.slack.com", "file://files.slack.com", "",
    ],
)  # fmt: skip
async def test_download__asks_no_other_host(
    components: Components, session: aiohttp.ClientSession, prefix: str
) -> None:
    asked: list[str] = []

    class Recorder:
        def get(self, url: str, **_options: Any) -> None:
            asked.append(url)
            raise AssertionError(url)

    downloads = Downloads(components, cast("aiohttp.ClientSession", Recorder()))
    url = f"{prefix}/list.csv"
    file = downloads.add(url_private_download=url, url_private=url)
    assert await downloads.refusal(file) is DenialCode.FILE_NOT_IN_SLACK
    assert asked == []
    assert downloads.observed == []


async def test_download__sends_the_token_to_no_other_port_of_the_api_host(
    components: Components, downloads: Downloads
) -> None:
    async with file_host(send_content) as host:
        file = downloads.add(url_private_download=host.url)
        assert await downloads.refusal(file) is DenialCode.FILE_NOT_IN_SLACK
        assert host.received == []


@pytest.mark.parametrize("change", [{"is_external": True}, {"mode": "external"}])
async def test_download__of_an_external_file_is_refused(downloads: Downloads, change: dict[str, Any]) -> None:
    file = downloads.add(**change)
    assert await downloads.refusal(file) is DenialCode.FILE_NOT_IN_SLACK
    assert file.downloads == 0


async def test_download__of_slacks_page_to_sign_in_is_refused(
    components: Components, session: aiohttp.ClientSession
) -> None:
    """Slack sends it with the status 200 if the token may not read the file."""

    async def page(_request: web.Request) -> web.StreamResponse:
        return web.Response(text=f"<!DOCTYPE html>\n{CONTENT.decode()}", content_type="text/html")

    async with served(components, session, page) as (host, downloads, file):
        assert await downloads.refusal(file) is DenialCode.FILE_NOT_IN_SLACK
        assert len(host.received) == 1


async def test_download__that_stalls_ends_at_the_time_limit_and_can_be_retried(
    components: Components, session: aiohttp.ClientSession
) -> None:
    blackhole = Blackhole()

    async def stall(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(CONTENT)
        await blackhole.wait()
        return response

    async with file_host(stall) as host:
        limited = InstantTimeoutSession(session, blackhole, host.url)
        downloads = Downloads(components, cast("aiohttp.ClientSession", limited), host.url)
        file = downloads.add(url_private_download=host.url)
        with pytest.raises(SlackUnavailable) as failed:
            await downloads.download(file)
        blackhole.set()
    assert failed.value.retryable
    assert downloads.observed == [("file_download", "timeout")]


async def test_download__that_is_cut_off_is_no_shorter_file(
    components: Components, session: aiohttp.ClientSession
) -> None:
    """People at the end of the list would be missing."""

    async def cut_off(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        response.content_length = 1000
        await response.prepare(request)
        await response.write(CONTENT)
        assert request.transport
        request.transport.close()
        return response

    async with served(components, session, cut_off) as (_, downloads, file):
        with pytest.raises(SlackUnavailable) as failed:
            await downloads.download(file)
    assert failed.value.retryable
    assert downloads.observed == [("file_download", "connection_lost")]


@pytest.mark.parametrize(("status", "retryable"), [(429, True), (500, True), (503, True), (403, False), (404, False)])
async def test_download__that_fails_is_retried_only_if_that_may_help(
    components: Components, session: aiohttp.ClientSession, status: int, *, retryable: bool
) -> None:
    async def fail(_request: web.Request) -> web.StreamResponse:
        return web.Response(status=status, body=CONTENT)

    async with served(components, session, fail) as (_, downloads, file):
        with pytest.raises((SlackUnavailable, Denied)) as failed:
            await downloads.download(file)
    assert isinstance(failed.value, SlackUnavailable) is retryable
    assert getattr(failed.value, "retryable", False) is retryable


@pytest.mark.parametrize("error", ["file_not_found", "missing_scope"])
async def test_download__of_a_file_that_slack_does_not_show_is_refused(downloads: Downloads, error: str) -> None:
    file = downloads.add()
    downloads.slack.fault("files.info", SlackFault(error=error))
    assert await downloads.refusal(file) is DenialCode.FILE_NOT_IN_SLACK
    assert file.downloads == 0


async def test_download__does_not_name_the_url_in_an_error(
    components: Components, session: aiohttp.ClientSession
) -> None:
    async def fail(request: web.Request) -> web.StreamResponse:
        assert request.transport
        request.transport.close()
        return web.Response()

    async with served(components, session, fail) as (host, downloads, file):
        with pytest.raises(SlackUnavailable) as failed:
            await downloads.download(file)
    assert host.url not in f"{failed.value!r} {failed.value.params}"
    assert failed.value.__cause__ is None
    assert failed.value.__suppress_context__
