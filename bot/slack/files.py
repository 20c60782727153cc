"""Download files that people upload, and upload files to threads; only from and to Slack's own hosts."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

import aiohttp

from bot.domain.denials import DenialCode, Denied
from bot.errors import SlackUnavailable
from bot.network.errors import network_error_class
from bot.network.proxies import ProxyFor, direct
from bot.slack.api import Observe, SlackApi, SlackCallError, call_error_of
from bot.slack.posts import post_to_url

MAX_FILE_SIZE = 1024 * 1024
"""Bytes of a file; 10,000 addresses are about 300 KB."""

FILE_HOSTS = frozenset({"files.slack.com", "slack-files.com"})
"""The hosts of Slack's files (docs.slack.dev, File object). The bot's token goes to no other host."""

_PAGE = "text/html"
"""What Slack sends with the status 200, a page to sign in, if the token may not read the file."""

_DOWNLOAD, _UPLOAD = "file_download", "file_upload"
"""The names of the transfers in the metrics."""


class SlackFiles:
    """Transfers files. `api_url` is the address of the Web API; its host is trusted too."""

    def __init__(
        self,
        api: SlackApi,
        session: aiohttp.ClientSession,
        token: str,
        api_url: str,
        *,
        observe: Observe,
        proxy_for: ProxyFor = direct,
    ) -> None:
        self._api = api
        self._session = session
        self._token = token
        parts = urlsplit(api_url)
        self._api_origin = (parts.scheme, parts.netloc)
        self._observe = observe
        self._proxy_for = proxy_for

    async def download(self, file_id: str) -> tuple[str, bytes]:
        """Return the name and the content of a file.

        Raises Denied for a file that is too large, or is not stored in Slack, and SlackUnavailable.
        """
        try:
            file = (await self._api.read("files.info", file=file_id)).get("file")
        except SlackUnavailable as error:
            if error.retryable:
                raise
            raise Denied(DenialCode.FILE_NOT_IN_SLACK) from error
        if not isinstance(file, Mapping) or file.get("is_external") or file.get("mode") == "external":
            raise Denied(DenialCode.FILE_NOT_IN_SLACK)
        size = file.get("size")
        if isinstance(size, int) and size > MAX_FILE_SIZE:
            raise _too_large()
        url = str(file.get("url_private_download") or file.get("url_private") or "")
        return str(file.get("name") or ""), await self._get(url)

    async def _get(self, url: str) -> bytes:
        """Return what is at a URL of Slack.

        Redirects are not followed, because they would take the token along.
        """
        if not self._is_slack(url):
            raise Denied(DenialCode.FILE_NOT_IN_SLACK)
        headers = {"Authorization": f"Bearer {self._token}"}
        try:
            async with self._session.get(
                url, headers=headers, allow_redirects=False, proxy=self._proxy_for(url)
            ) as response:
                status, kind = response.status, response.content_type
                body = await response.content.read(MAX_FILE_SIZE + 1)
                while len(body) <= MAX_FILE_SIZE and not response.content.at_eof():
                    body += await response.content.read(MAX_FILE_SIZE + 1 - len(body))
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            code = network_error_class(error)
            self._observe(_DOWNLOAD, code)
            raise SlackUnavailable(_DOWNLOAD, code, retryable=True) from None
        self._observe(_DOWNLOAD, str(status))
        if status == 429 or status >= 500:  # noqa: PLR2004 - a later attempt may succeed
            raise SlackUnavailable(_DOWNLOAD, f"http_{status}", retryable=True)
        if status != 200 or kind == _PAGE:  # noqa: PLR2004 - a redirect leads to a login, or to another host
            raise Denied(DenialCode.FILE_NOT_IN_SLACK)
        if len(body) > MAX_FILE_SIZE:
            raise _too_large()
        return body

    async def upload(self, channel: str, thread_ts: str, name: str, content: bytes, comment: str) -> None:
        """Share a file in a thread, with a comment (docs.slack.dev, files.getUploadURLExternal).

        Raises SlackCallError.
        """
        try:
            started = await self._api.read("files.getUploadURLExternal", filename=name, length=str(len(content)))
        except SlackUnavailable as error:
            raise call_error_of(error) from error
        url, file_id = str(started.get("upload_url") or ""), str(started.get("file_id") or "")
        if not self._is_slack(url):
            raise SlackCallError("upload_host", retryable=False)
        await post_to_url(
            self._session, url, name=_UPLOAD, observe=self._observe, proxy_for=self._proxy_for, data=content
        )
        await self._api.call(
            "files.completeUploadExternal",
            files=[{"id": file_id, "title": name}],
            channel_id=channel,
            thread_ts=thread_ts,
            initial_comment=comment,
        )

    def _is_slack(self, url: str) -> bool:
        """Return whether a URL is on a host of Slack's files, over TLS, or on the host of the Web API."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        return (parts.scheme, parts.netloc) == self._api_origin or (
            parts.scheme == "https" and parts.netloc in FILE_HOSTS
        )


def _too_large() -> Denied:
    return Denied(DenialCode.FILE_TOO_LARGE, limit=str(MAX_FILE_SIZE // 1024))
