"""Requests and models of the client match the OpenAPI specification of the API."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from aiohttp import web
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from bot.purecloud import PureCloud, models, region
from bot.services.live_state import EXPANSIONS, live_state_of
from tests.support.genesys_client import all_ids, first_page

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    Call = Callable[[PureCloud], Awaitable[object]]

ROOT = Path(__file__).parents[3]
SPEC = ROOT / "tests" / "data" / "genesys.openapi.json"
"""An extract with the operations that the client calls; its `info` names the origin."""
FULL_SPEC = ROOT.parent / "shared" / "spec" / "genesys.openapi.json"

JANE = "0f1e2d3c-4b5a-4697-8877-665544332211"
MAX_DEPTH = 5
UNSPECIFIED_PARAMETERS = {"includeFullRoles"}
"""Parameters that the specification lacks. The official SDK has them, and `make official` checks them."""


CALLS: dict[str, Call] = {
    "getTokensMe": lambda purecloud: purecloud.tokens.get_tokens_me(),
    "headTokensMe": lambda purecloud: purecloud.tokens.head_tokens_me(),
    "deleteToken": lambda purecloud: purecloud.tokens.delete_token(JANE),
    "deleteTokensMe": lambda purecloud: purecloud.tokens.delete_tokens_me(),
    "postUsersSearch": lambda purecloud: purecloud.users.search_by_email("jane.doe@acme.example"),
    "getUser": lambda purecloud: purecloud.users.get_user(JANE),
    "getUserRoles": lambda purecloud: purecloud.authorization.get_user_roles(JANE),
    "getAuthorizationDivisionspermittedPagedMe": lambda purecloud: (
        purecloud.authorization.get_authorization_divisionspermitted_paged_me("oauth:token:delete")
    ),
    "getAuthorizationSubjectsMe": lambda purecloud: purecloud.authorization.get_authorization_subjects_me(),
    "getAuthorizationRoles": lambda purecloud: purecloud.authorization.get_authorization_roles("Supervisor"),
    "getAuthorizationPermissions": lambda purecloud: purecloud.authorization.get_authorization_permissions(),
    "getAuthorizationDivisions": lambda purecloud: purecloud.members.get_authorization_divisions("Support"),
    "postGroupsSearch": lambda purecloud: purecloud.members.post_groups_search("Night shift"),
    "getGroupMembers": lambda purecloud: all_ids(purecloud.members.get_group_members(JANE)),
    "getRoutingQueues": lambda purecloud: purecloud.members.get_routing_queues("Billing EN"),
    "getRoutingQueueMembers": lambda purecloud: first_page(purecloud.members.get_routing_queue_members(JANE)),
}
MODELS = [
    one
    for one in vars(models).values()
    if isinstance(one, type)
    and one.__module__ == models.__name__
    and not one.__name__.startswith("_")
    and one is not models.NamedEntity
]
"""The models that are named after their schema; `NamedEntity` reads several."""


class Specification:
    """The OpenAPI specification: finds operations, validates values, generates examples."""

    def __init__(self, spec: dict[str, Any]) -> None:
        self.spec = spec
        resource = Resource.from_contents(spec, default_specification=DRAFT202012)
        self.registry: Registry[Any] = Registry().with_resource("urn:spec", resource)

    def operation(self, method: str, path: str) -> dict[str, Any]:
        # A path without parameters precedes one with parameters, as OpenAPI specifies.
        for template in sorted(self.spec["paths"], key=lambda template: template.count("{")):
            pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(template))
            if re.fullmatch(pattern, path) and method.lower() in self.spec["paths"][template]:
                found: dict[str, Any] = self.spec["paths"][template][method.lower()]
                return found
        raise AssertionError(f"no {method} {path} in the specification")

    def schema(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.spec["components"]["schemas"][name]
        return found

    def problems(self, schema: dict[str, Any], value: object) -> list[str]:
        absolute = json.loads(json.dumps(schema).replace('"#/', '"urn:spec#/'))
        return [error.message for error in Draft202012Validator(absolute, registry=self.registry).iter_errors(value)]

    def example(self, schema: dict[str, Any], depth: int = 0) -> Any:
        """Return a value with every property, down to `MAX_DEPTH`; every id is the one that the calls ask for."""
        if "$ref" in schema:
            return self.example(self.schema(schema["$ref"].rsplit("/", 1)[1]), depth)
        if "allOf" in schema:
            return self.example(schema["allOf"][0], depth)
        if "enum" in schema:
            return schema["enum"][0]
        if schema.get("type") == "object":
            properties = schema.get("properties", {}) if depth < MAX_DEPTH else {}
            return {name: JANE if name == "id" else self.example(part, depth + 1) for name, part in properties.items()}
        if schema.get("type") == "array":
            return [self.example(schema["items"], depth + 1)] * 2
        simple = {"integer": 3, "number": 3.5, "boolean": True}
        text = "2026-08-01T09:30:00.000Z" if schema.get("format") == "date-time" else "jane.doe@acme.example"
        return simple.get(schema.get("type", "string"), text)

    def success_body(self, operation: dict[str, Any]) -> Any:
        """Return an example of the operation's successful response, None if its body is empty."""
        response = next(response for status, response in operation["responses"].items() if status.startswith("2"))
        content = response.get("content")
        return self.example(content["application/json"]["schema"]) if content else None


class ValidatingServer:
    """A server that validates each request and responds with an example of the specified response."""

    def __init__(self, specification: Specification) -> None:
        self.specification = specification
        self.problems: list[str] = []
        self.operations: list[str] = []

    async def respond(self, request: web.Request) -> web.Response:
        operation = self.specification.operation(request.method, request.path)
        self.operations.append(operation["operationId"])
        self.problems += self.parameter_problems(operation, request)
        self.problems += await self.body_problems(operation, request)
        body = self.specification.success_body(operation)
        return web.Response() if body is None else web.json_response(body)

    def parameter_problems(self, operation: dict[str, Any], request: web.Request) -> list[str]:
        known = {p["name"]: p["schema"] for p in operation.get("parameters", []) if p["in"] == "query"}
        problems = [
            f"unknown parameter {name}" for name in request.query if name not in known.keys() | UNSPECIFIED_PARAMETERS
        ]
        for name, value in request.query.items():
            kind = known.get(name, {}).get("type")
            read = json.loads(value) if kind in ("boolean", "integer") else value
            read = value.split(",") if kind == "array" else read
            problems += self.specification.problems(known.get(name, {}), read)
        return problems

    async def body_problems(self, operation: dict[str, Any], request: web.Request) -> list[str]:
        if "requestBody" not in operation:
            return ["unexpected body"] if request.can_read_body else []
        schema = operation["requestBody"]["content"][request.content_type]["schema"]
        if "$ref" in schema:
            schema = self.specification.schema(schema["$ref"].rsplit("/", 1)[1])
        sent = await request.json() if request.content_type == "application/json" else dict(await request.post())
        unknown = [f"unknown field {name}" for name in sent if name not in schema["properties"]]
        return unknown + self.specification.problems(schema, sent)


@pytest.fixture(scope="module")
def specification() -> Specification:
    return Specification(json.loads(SPEC.read_text()))


@pytest.fixture
async def server_and_client(specification: Specification) -> AsyncIterator[tuple[ValidatingServer, PureCloud]]:
    server = ValidatingServer(specification)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.respond)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    async with aiohttp.ClientSession() as session:
        yield server, PureCloud(session, region("mypurecloud.ie", api_url=url, login_url=url), "id", "secret")
    await runner.cleanup()


@pytest.mark.parametrize("operation", CALLS)
async def test_operation__request_and_response_match_the_specification(
    server_and_client: tuple[ValidatingServer, PureCloud], operation: str
) -> None:
    server, purecloud = server_and_client

    await CALLS[operation](purecloud)

    assert list(dict.fromkeys(server.operations)) == ["postOauthToken", operation]  # a listing has several pages
    assert server.problems == []


async def test_other_calls__request_and_response_match_the_specification(
    server_and_client: tuple[ValidatingServer, PureCloud],
) -> None:
    server, purecloud = server_and_client
    await purecloud.users.search_active(3)
    for with_conversations in (True, False):
        addresses = ["jane.doe@acme.example", "tom@acme.example"]
        assert await purecloud.users.search_by_emails(addresses, with_conversations=with_conversations)
        await purecloud.users.search_by_ids([JANE], with_conversations=with_conversations)
    found = await purecloud.users.get_user_once(JANE, EXPANSIONS)
    assert server.problems == []
    assert live_state_of(found, 0.0).last_login


def test_operations__cover_every_method_of_the_client(server_and_client: tuple[ValidatingServer, PureCloud]) -> None:
    _, purecloud = server_and_client
    apis = [purecloud.tokens, purecloud.users, purecloud.authorization, purecloud.members]
    methods = {name for api in apis for name in dir(api) if not name.startswith("_")}

    others = {
        "rotate",
        "get_user_once",
        "search_active",
        "search_by_division",
        "search_by_emails",
        "search_by_ids",
    }  # they share an operation
    assert len(methods - others) == len(CALLS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_model__reads_every_field_of_its_schema(specification: Specification, model: Any) -> None:
    value = specification.example(specification.schema(model.__name__))
    assert specification.problems(specification.schema(model.__name__), value) == []

    read = model.model_validate_json(json.dumps(value))

    assert read.model_fields_set == set(type(read).model_fields)
    assert all(getattr(read, name) not in (None, (), "") for name in read.model_fields_set)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_model__has_only_fields_of_its_schema(specification: Specification, model: Any) -> None:
    named = {info.alias or name for name, info in model.model_fields.items()}

    assert named <= set(specification.schema(model.__name__)["properties"])


def test_error_responses__all_have_an_error_body(specification: Specification) -> None:
    responses = specification.spec["components"]["responses"]
    schemas = [one["content"]["application/json"]["schema"] for one in responses.values()]

    assert schemas == [{"$ref": "#/components/schemas/ErrorBody"}] * len(responses)


def differences(extract: Any, full: Any, path: str = "") -> list[str]:
    """Return the paths at which the extract says something else than the full specification."""
    if isinstance(extract, dict) and isinstance(full, dict):
        return [one for key, part in extract.items() for one in differences(part, full.get(key), f"{path}/{key}")]
    if path.endswith("/required") and isinstance(extract, list) and isinstance(full, list):
        return [] if set(extract) <= set(full) else [path]
    return [] if extract == full else [path]


def test_differences__finds_changed_added_and_newly_required_parts() -> None:
    full = {"a": {"b": [1], "required": ["x", "y"]}, "c": 1}

    assert differences({"a": {"b": [1], "required": ["y"]}}, full) == []
    assert differences({"a": {"b": [2], "required": ["z"]}, "d": 1}, full) == ["/a/b", "/a/required", "/d"]


def shared(extract: dict[str, Any], full: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the extract that the full specification has too, a small part of the API.

    `make official` compares every operation with the SDK, also those that the full specification lacks.
    """
    paths = {
        path: {name: part for name, part in methods.items() if name in full["paths"][path]}
        for path, methods in extract["paths"].items()
        if path in full["paths"]
    }
    components = {
        kind: {name: part for name, part in parts.items() if name in full["components"][kind]}
        for kind, parts in extract["components"].items()
    }
    return {**extract, "info": {}, "paths": paths, "components": components}


def test_shared__leaves_out_what_the_full_specification_lacks() -> None:
    full = {
        "openapi": "3.0.3",
        "info": {"title": "all"},
        "paths": {"/a": {"get": 1}},
        "components": {"schemas": {"A": 1}},
    }
    extract = {
        "openapi": "3.0.3",
        "info": {"title": "an extract"},
        "paths": {"/a": {"get": 2, "delete": 1}, "/b": {"get": 1}},
        "components": {"schemas": {"A": 2, "B": 1}},
    }

    assert differences(shared(extract, full), full) == ["/paths//a/get", "/components/schemas/A"]


def test_extract__agrees_with_the_full_specification(specification: Specification) -> None:
    if not FULL_SPEC.exists():
        pytest.skip(f"the full specification is not at {FULL_SPEC}")
    full = json.loads(FULL_SPEC.read_text())

    assert differences(shared(specification.spec, full), full) == []
