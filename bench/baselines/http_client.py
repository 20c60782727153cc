"""The floor of a client: Python's own http.client on one warm connection, JSON read and nothing else."""

from __future__ import annotations

import http.client
import json
import sys
from typing import Any
from urllib.parse import urlsplit

from bench.figures import called
from bench.stdio_server import obey, say

connection = http.client.HTTPConnection(urlsplit(sys.argv[1]).netloc)
SIGNED = {"Accept": "application/json", "Content-Type": "application/json"}


def ask(method: str, path: str) -> Any:
    """Send one request; anything but 200 is an error."""
    connection.request(method, path, headers=SIGNED)
    answer = connection.getresponse()
    body = answer.read()
    if answer.status != http.client.OK:
        raise RuntimeError(f"{method} {path}: {answer.status}")
    return json.loads(body) if body else None


def get(count: int) -> dict[str, Any]:
    """Call get_tokens_me one after another."""
    return called(lambda _: ask("GET", "/api/v2/tokens/me?preserveIdleTTL=true"), range(count))


def delete(people: list[str]) -> dict[str, Any]:
    """Call delete_token one after another."""
    return called(lambda person: ask("DELETE", f"/api/v2/tokens/{person}"), people)


def main() -> None:
    """Log in, make the first call, say so, then do what is asked."""
    SIGNED["Authorization"] = f"Bearer {ask('POST', '/oauth/token')['access_token']}"
    info = ask("GET", "/api/v2/tokens/me?preserveIdleTTL=true")
    say({"first": info["OAuthClient"]["id"]})
    obey({"get": get, "delete": delete})


if __name__ == "__main__":
    main()
