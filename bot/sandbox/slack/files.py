"""Files of users and of the app (docs.slack.dev, "Working with files")."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.sandbox.slack.methods import Method, MethodError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.sandbox.slack.messages import Conversations

    Args = Mapping[str, Any]


@dataclass
class StoredFile:
    """A file.

    `redirect` answers its download with another address. `more` has further fields of the file object.
    """

    id: str
    name: str
    content: bytes
    redirect: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    shared_in: tuple[str, str] | None = None
    """The channel and the thread in which the app has shared it."""
    downloads: int = 0


class Files:
    """The files of a workspace. `token` returns the token that downloads need."""

    def __init__(self, conversations: Conversations, token: Callable[[], str]) -> None:
        self._conversations = conversations
        self._token = token
        self.base_url = ""
        self.stored: dict[str, StoredFile] = {}

    def methods(self) -> dict[str, Method]:
        """Return the methods of the Web API for files."""
        return {
            "files.info": Method(self._info, "files:read"),
            "files.getUploadURLExternal": Method(self._get_upload_url, "files:write"),
            "files.completeUploadExternal": Method(self._complete_upload, "files:write"),
        }

    def add(self, name: str, content: bytes, **more: Any) -> StoredFile:
        """Store a file that a user has uploaded."""
        file = StoredFile(f"F0{secrets.token_hex(4).upper()}", name, content, more=more)
        self.stored[file.id] = file
        return file

    def as_slack(self, file: StoredFile) -> dict[str, Any]:
        """Return the file object."""
        url = f"{self.base_url}/files/{file.id}"
        return {
            "id": file.id,
            "name": file.name,
            "title": file.name,
            "size": len(file.content),
            "mode": "hosted",
            "is_external": False,
            "url_private": url,
            "url_private_download": url,
        } | file.more

    async def download(self, request: web.Request) -> web.Response:
        """Answer GET /files/<id>; without the bot's token, with Slack's page to sign in."""
        file = self.stored.get(request.match_info["id"])
        if file is None:
            return web.Response(status=404)
        file.downloads += 1
        if request.headers.get("Authorization") != f"Bearer {self._token()}":
            return web.Response(text="<!DOCTYPE html><title>Sign in</title>", content_type="text/html")
        if file.redirect:
            return web.Response(status=302, headers={"Location": file.redirect})
        return web.Response(body=file.content, content_type="application/octet-stream")

    async def upload(self, request: web.Request) -> web.Response:
        """Store the content of a file, for POST /upload/<id>."""
        file = self.stored.get(request.match_info["id"])
        if file is None:
            return web.Response(status=404)
        file.content = await request.read()
        return web.Response(text="OK")

    def _info(self, _conversations: Conversations, args: Args, _scopes: frozenset[str]) -> dict[str, Any]:
        file = self.stored.get(str(args.get("file")))
        if file is None:
            raise MethodError("file_not_found")
        return {"file": self.as_slack(file)}

    def _get_upload_url(self, _conversations: Conversations, args: Args, _scopes: frozenset[str]) -> dict[str, Any]:
        if not args.get("filename") or not str(args.get("length", "")).isdigit():
            raise MethodError("invalid_arguments")
        file = self.add(str(args["filename"]), b"")
        return {"upload_url": f"{self.base_url}/upload/{file.id}", "file_id": file.id}

    def _complete_upload(self, conversations: Conversations, args: Args, _scopes: frozenset[str]) -> dict[str, Any]:
        """Share uploaded files in a channel or thread."""
        files = [self.stored.get(str(one.get("id"))) for one in args.get("files") or ()]
        channel, thread = str(args.get("channel_id") or ""), args.get("thread_ts")
        if not files or None in files:
            raise MethodError("file_not_found")
        if channel and channel not in conversations.workspace.channels:
            raise MethodError("channel_not_found")
        for file in files:
            if file and channel:
                file.shared_in = (channel, str(thread or ""))
        if channel:
            names = ", ".join(file.name for file in files if file)
            text = f"{args.get('initial_comment') or ''} [{names}]".strip()
            conversations.post(channel, text, None, thread_ts=thread)
        return {"files": [{"id": file.id, "title": file.name} for file in files if file]}
