"""Lower bound of a client: Python's `http.client` on one open connection."""

from __future__ import annotations

import http.client
import json
import sys
from typing import Any
from urllib.parse import urlsplit

from bench.stdio_server import serve, write_message
from bench.timing import time_calls

connection = http.client.HTTPConnection(urlsplit(sys.argv[1]).netloc)
HEADERS = {"Accept": "application/json", "Content-Type": "application/json"}


def request(method: str, path: str) -> Any:
    """Send one request and return its JSON; raise RuntimeError unless the status is 200."""
    connection.request(method, path, headers=HEADERS)
    response = connection.getresponse()
    body = response.read()
    if response.status != http.client.OK:
        raise RuntimeError(f"{method} {path}: {response.status}")
    return json.loads(body) if body else None


def get(count: int) -> dict[str, Any]:
    """Call get_tokens_me `count` times in sequence."""
    return time_calls(lambda _: request("GET", "/api/v2/tokens/me?preserveIdleTTL=true"), range(count))


def delete(user_ids: list[str]) -> dict[str, Any]:
    """Call delete_token for each user in sequence."""
    return time_calls(lambda user_id: request("DELETE", f"/api/v2/tokens/{user_id}"), user_ids)


def main() -> None:
    """Log in, make the first call, report it, then serve."""
    HEADERS["Authorization"] = f"Bearer {request('POST', '/oauth/token')['access_token']}"
    info = request("GET", "/api/v2/tokens/me?preserveIdleTTL=true")
    write_message({"first": info["OAuthClient"]["id"]})
    serve({"get": get, "delete": delete})


if __name__ == "__main__":
    main()
