"""Lower bound of a click: bare asyncio protocols without parsing.

It verifies a click, appends it to a file with fdatasync, acknowledges it, and sends its DELETE. With `--check-roles`
it first asks Slack who clicked and who is in the approvers' group, as a fresh role check must.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import os
import re
import sys
from urllib.parse import unquote_to_bytes, urlsplit

import uvloop

from bench.http_server import HttpProtocol, HttpRequest, HttpResponse, respond
from bench.load import HttpConnection, connect

SIGNING_SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()
GENESYS = urlsplit(os.environ["PURECLOUD_API_URL"])
SLACK = urlsplit(os.environ["SLACK_API_URL"])
CHECK_ROLES = "--check-roles" in sys.argv
_OK, _UNAUTHORIZED = respond(200), respond(401)


class ClickServer:
    """A server with one connection to each service and one append-only file."""

    def __init__(self, genesys: HttpConnection, slack: HttpConnection, token: str) -> None:
        self._genesys = genesys
        self._slack = slack
        self._token = token
        self._file = os.open(os.environ["CLICKS_FILE"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._lock = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, request: HttpRequest) -> HttpResponse:
        """Store and acknowledge one click, and execute it in the background."""
        if not _is_signed(request):
            return _UNAUTHORIZED
        form = unquote_to_bytes(request.body)
        value = re.search(rb'"value":"([^"]+)"', form)
        if value is None:
            return _UNAUTHORIZED
        os.write(self._file, value[1] + b"\n")
        os.fdatasync(self._file)
        task = asyncio.create_task(self._execute(value[1].decode()))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return _OK

    async def _execute(self, user_id: str) -> None:
        async with self._lock:
            if CHECK_ROLES:
                await self._slack.send(_get(SLACK.netloc, "/api/users.info?user=U0APPROVER"))
                await self._slack.send(_get(SLACK.netloc, "/api/usergroups.users.list?usergroup=S0APPROVER"))
            path = f"/api/v2/tokens/{user_id}"
            delete = f"DELETE {path} HTTP/1.1\r\nHost: {GENESYS.netloc}\r\nAuthorization: Bearer {self._token}\r\n\r\n"
            await self._genesys.send(delete.encode())


def _get(host: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer xoxb\r\n\r\n".encode()


def _is_signed(request: HttpRequest) -> bool:
    timestamp = re.search(rb"(?i)x-slack-request-timestamp: (\d+)", request.head)
    signature = re.search(rb"(?i)x-slack-signature: (\S+)", request.head)
    if not timestamp or not signature:
        return False
    expected = hmac.new(SIGNING_SECRET, b"v0:" + timestamp[1] + b":" + request.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={expected}".encode(), signature[1])


async def main() -> None:
    """Serve until the process is stopped."""
    loop = asyncio.get_running_loop()
    genesys, slack = await connect(GENESYS.port or 0), await connect(SLACK.port or 0)
    login = f"POST /oauth/token HTTP/1.1\r\nHost: {GENESYS.netloc}\r\nContent-Length: 0\r\n\r\n"
    _, body = await genesys.send(login.encode())
    token = re.search(rb'"access_token":"([^"]+)"', body)
    clicks = ClickServer(genesys, slack, token[1].decode() if token else "")
    server = await loop.create_server(lambda: HttpProtocol(clicks.handle), "127.0.0.1", int(os.environ["PORT"]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
