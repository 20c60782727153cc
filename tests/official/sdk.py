"""Run the official Genesys Cloud SDK: read a call per line of JSON, and write a result per line."""

from __future__ import annotations

import json
import sys
from typing import Any

import PureCloudPlatformClientV2 as Sdk
from PureCloudPlatformClientV2.rest import ApiException

client = Sdk.api_client.ApiClient()


def login(host: str, client_id: str, secret: str) -> dict[str, Any]:
    """Request a token with the client credentials grant."""
    client.host = host
    client.get_client_credentials_token(client_id, secret)
    return {"has_token": bool(client.access_token)}


def call(api: str, method: str, **arguments: Any) -> dict[str, Any]:
    """Call a method and return its model's name, the serialized model and the response body."""
    if "query" in arguments.get("body", {}):
        arguments["body"] = search_request(**arguments["body"])
    model = getattr(getattr(Sdk, api)(client), method)(**arguments)
    body = client.last_response.data
    return {
        "model": None if model is None else type(model).__name__,
        "written": client.sanitize_for_serialization(model),
        "body": json.loads(body) if body else None,
    }


def search_request(query: list[dict[str, Any]], **fields: Any) -> Any:
    """Return the SDK's model of a search request."""
    request = set_fields(Sdk.UserSearchRequest(), fields)
    request.query = [set_fields(Sdk.UserSearchCriteria(), criterion) for criterion in query]
    return request


def set_fields(model: Any, fields: dict[str, Any]) -> Any:
    """Set the fields of a model and return it."""
    for name, value in fields.items():
        setattr(model, name, value)
    return model


def error_response(error: ApiException) -> dict[str, Any]:
    """Return the status, body and correlation id of an error response."""
    body = json.loads(error.body) if error.body else {}
    return {"status": error.status, "body": body, "correlation_id": error.headers.get("ININ-Correlation-Id")}


def main() -> None:
    """Execute calls until standard input ends."""
    for line in sys.stdin:
        arguments = json.loads(line)
        try:
            result = login(**arguments["login"]) if "login" in arguments else call(**arguments)
        except ApiException as error:
            result = {"error": error_response(error)}
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
