"""The official Genesys Cloud SDK, used as its documentation says; does what `bench.stdio_server` is asked."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import PureCloudPlatformClientV2
from PureCloudPlatformClientV2.rest import ApiException, RESTClientObject

from bench.figures import called
from bench.stdio_server import obey, say

PureCloudPlatformClientV2.configuration.host = sys.argv[1]


def log_in() -> Any:
    """A client with a token."""
    return PureCloudPlatformClientV2.api_client.ApiClient().get_client_credentials_token("client-1", "secret")


client = log_in()
tokens = PureCloudPlatformClientV2.TokensApi(client)


def get(count: int) -> dict[str, Any]:
    """Call get_tokens_me one after another."""
    return called(lambda _: tokens.get_tokens_me(), range(count))


def delete(people: list[str]) -> dict[str, Any]:
    """Call delete_token one after another."""
    return called(tokens.delete_token, people)


def bulk(people: list[str], threads: int, pool: int) -> dict[str, Any]:
    """Delete many people's tokens in threads; `pool` 0 leaves the SDK's four connections, more widens them."""
    own = log_in()
    if pool:
        own.get_http_client().rest_client = RESTClientObject(max_size=pool)
    api = PureCloudPlatformClientV2.TokensApi(own)
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as workers:
        done = sum(1 for _ in workers.map(api.delete_token, people))
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "done": done}


def at_once(people: list[str]) -> dict[str, Any]:
    """Delete people's tokens all at once and count how many fail."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(people)) as workers:
        failed = sum(workers.map(_fails, people))
    return {"failed": failed, "seconds": time.perf_counter() - began}


def _fails(person: str) -> bool:
    try:
        tokens.delete_token(person)
    except ApiException:
        return True
    return False


def main() -> None:
    """Make the first call, say so, then do what is asked."""
    info = tokens.get_tokens_me()
    say({"first": info.o_auth_client.id})
    obey({"get": get, "delete": delete, "bulk": bulk, "at_once": at_once})


if __name__ == "__main__":
    main()
