"""The official Genesys Cloud SDK in an environment of its own: reads a call a line, makes it, tells what it read."""

from __future__ import annotations

import json
import sys
from typing import Any

import PureCloudPlatformClientV2 as Sdk
from PureCloudPlatformClientV2.rest import ApiException

client = Sdk.api_client.ApiClient()


def log_in(host: str, client_id: str, secret: str) -> dict[str, Any]:
    """Take a token by client credentials."""
    client.host = host
    client.get_client_credentials_token(client_id, secret)
    return {"has_token": bool(client.access_token)}


def call(api: str, method: str, **arguments: Any) -> dict[str, Any]:
    """Call a method; its model's name, the model written again, and the body it was read from."""
    if "body" in arguments:
        arguments["body"] = search_request(**arguments["body"])
    model = getattr(getattr(Sdk, api)(client), method)(**arguments)
    body = client.last_response.data
    return {
        "model": None if model is None else type(model).__name__,
        "written": client.sanitize_for_serialization(model),
        "body": json.loads(body) if body else None,
    }


def search_request(query: list[dict[str, Any]], **fields: Any) -> Any:
    """The SDK's own model of a search."""
    request = filled(Sdk.UserSearchRequest(), fields)
    request.query = [filled(Sdk.UserSearchCriteria(), criterion) for criterion in query]
    return request


def filled(model: Any, fields: dict[str, Any]) -> Any:
    """Set a model's fields."""
    for name, value in fields.items():
        setattr(model, name, value)
    return model


def refused(error: ApiException) -> dict[str, Any]:
    """What the SDK makes of a no."""
    body = json.loads(error.body) if error.body else {}
    return {"status": error.status, "body": body, "correlation_id": error.headers.get("ININ-Correlation-Id")}


def main() -> None:
    """Do what is asked until nobody asks any more."""
    for line in sys.stdin:
        asked = json.loads(line)
        try:
            told = log_in(**asked["login"]) if "login" in asked else call(**asked)
        except ApiException as error:
            told = {"refused": refused(error)}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
