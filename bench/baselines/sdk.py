"""The official Genesys Cloud SDK, used as in its documentation."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import PureCloudPlatformClientV2
from PureCloudPlatformClientV2.rest import ApiException, RESTClientObject

from bench.stdio_server import serve, write_message
from bench.timing import time_calls

PureCloudPlatformClientV2.configuration.host = sys.argv[1]


def log_in() -> Any:
    """Return a client with a token."""
    return PureCloudPlatformClientV2.api_client.ApiClient().get_client_credentials_token("client-1", "secret")


client = log_in()
tokens = PureCloudPlatformClientV2.TokensApi(client)


def get(count: int) -> dict[str, Any]:
    """Call get_tokens_me `count` times in sequence."""
    return time_calls(lambda _: tokens.get_tokens_me(), range(count))


def delete(user_ids: list[str]) -> dict[str, Any]:
    """Call delete_token for each user in sequence."""
    return time_calls(tokens.delete_token, user_ids)


def bulk(user_ids: list[str], threads: int, pool: int) -> dict[str, Any]:
    """Delete the tokens of many users in threads.

    `pool` is the number of connections; 0 keeps the SDK's default of four.
    """
    own = log_in()
    if pool:
        own.get_http_client().rest_client = RESTClientObject(max_size=pool)
    api = PureCloudPlatformClientV2.TokensApi(own)
    began, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as executor:
        done = sum(1 for _ in executor.map(api.delete_token, user_ids))
    return {"seconds": time.perf_counter() - began, "cpu": time.process_time() - cpu, "done": done}


def concurrent(user_ids: list[str]) -> dict[str, Any]:
    """Delete the tokens of all users at the same time and count the failures."""
    began = time.perf_counter()
    with ThreadPoolExecutor(len(user_ids)) as executor:
        failed = sum(executor.map(_fails, user_ids))
    return {"failed": failed, "seconds": time.perf_counter() - began}


def _fails(user_id: str) -> bool:
    try:
        tokens.delete_token(user_id)
    except ApiException:
        return True
    return False


def main() -> None:
    """Make the first call, report it, then serve."""
    info = tokens.get_tokens_me()
    write_message({"first": info.o_auth_client.id})
    serve({"get": get, "delete": delete, "bulk": bulk, "concurrent": concurrent})


if __name__ == "__main__":
    main()
