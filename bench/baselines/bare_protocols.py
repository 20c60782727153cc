"""The lowest honest chain: bare protocols; a click is proved, appended and fdatasync'ed, acknowledged, its DELETE sent.

With `--asks` it first asks Slack who clicked and who is in the approvers' group, as a fresh role check must.
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

from bench.load import Connection, connect
from bench.web import Asked, Reply, Web, reply

SECRET = os.environ["SLACK_SIGNING_SECRET"].encode()
GENESYS = urlsplit(os.environ["PURECLOUD_API_URL"])
SLACK = urlsplit(os.environ["SLACK_API_URL"])
ASKS = "--asks" in sys.argv
_OK, _REFUSED = reply(200), reply(401)


class Chain:
    """One connection to each, one file that only grows."""

    def __init__(self, genesys: Connection, slack: Connection, token: str) -> None:
        self._genesys = genesys
        self._slack = slack
        self._token = token
        self._kept = os.open(os.environ["KEPT"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        self._turn = asyncio.Lock()
        self._going: set[asyncio.Task[None]] = set()

    def answer(self, asked: Asked) -> Reply:
        """Take one click."""
        if not _proved(asked):
            return _REFUSED
        form = unquote_to_bytes(asked.body)
        value = re.search(rb'"value":"([^"]+)"', form)
        if value is None:
            return _REFUSED
        os.write(self._kept, value[1] + b"\n")
        os.fdatasync(self._kept)
        task = asyncio.create_task(self._carry_out(value[1].decode()))
        self._going.add(task)
        task.add_done_callback(self._going.discard)
        return _OK

    async def _carry_out(self, person: str) -> None:
        async with self._turn:
            if ASKS:
                await self._slack.ask(_get(SLACK.netloc, "/api/users.info?user=U0APPROVER"))
                await self._slack.ask(_get(SLACK.netloc, "/api/usergroups.users.list?usergroup=S0APPROVER"))
            path = f"/api/v2/tokens/{person}"
            signed = f"DELETE {path} HTTP/1.1\r\nHost: {GENESYS.netloc}\r\nAuthorization: Bearer {self._token}\r\n\r\n"
            await self._genesys.ask(signed.encode())


def _get(host: str, path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer xoxb\r\n\r\n".encode()


def _proved(asked: Asked) -> bool:
    timestamp = re.search(rb"(?i)x-slack-request-timestamp: (\d+)", asked.head)
    signature = re.search(rb"(?i)x-slack-signature: (\S+)", asked.head)
    if not timestamp or not signature:
        return False
    expected = hmac.new(SECRET, b"v0:" + timestamp[1] + b":" + asked.body, hashlib.sha256).hexdigest()
    return hmac.compare_digest(f"v0={expected}".encode(), signature[1])


async def main() -> None:
    """Serve until the end."""
    loop = asyncio.get_running_loop()
    genesys, slack = await connect(GENESYS.port or 0), await connect(SLACK.port or 0)
    login = f"POST /oauth/token HTTP/1.1\r\nHost: {GENESYS.netloc}\r\nContent-Length: 0\r\n\r\n"
    _, said = await genesys.ask(login.encode())
    token = re.search(rb'"access_token":"([^"]+)"', said)
    chain = Chain(genesys, slack, token[1].decode() if token else "")
    server = await loop.create_server(lambda: Web(chain.answer), "127.0.0.1", int(os.environ["PORT"]))
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main())
