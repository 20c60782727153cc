"""The fake Genesys Cloud behaves as documented, injects faults, and records requests."""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.sandbox.genesys.server import CLIENT, LOGIN_RATE_LIMITED, EntityRef, FakeGenesys, FakeOAuthClient, GenesysFault
from bot.sandbox.genesys.state import PERMISSION_CATALOGUE
from tests.support.clock import FakeClock
from tests.support.genesys_client import DELETED, JANE, NOON, OMAR, UNKNOWN, GenesysClient, start_fake

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client() -> AsyncIterator[GenesysClient]:
    async with start_fake() as client:
        await client.login()
        yield client


def email(value: str) -> dict[str, Any]:
    return {"type": "EXACT", "fields": ["email"], "value": value}


async def test_login__issues_a_new_token_and_keeps_earlier_ones(client: GenesysClient) -> None:
    first = client.token
    status, body = await client.login()

    assert status == 200
    assert body["access_token"] != first
    assert body["expires_in"] == 86400
    assert client.genesys.state.live_generations == [1, 2]


@pytest.mark.parametrize(
    ("client_id", "secret", "status", "description"),
    [("unknown", "x", 400, "client not found"), (CLIENT.id, "wrong", 401, "authentication failed")],
)
async def test_login__refuses_with_the_login_hosts_description(
    client_id: str, secret: str, status: int, description: str
) -> None:
    async with start_fake() as client:
        answer = await client.login(client_id, secret)

        assert answer[0] == status
        assert answer[1]["error"] == "invalid_client"
        assert answer[1]["description"] == description
        assert client.genesys.state.live_generations == []


@pytest.mark.parametrize("header", ["", "Basic !!!", "Basic /w==", "Bearer x"])
async def test_login__treats_unreadable_credentials_as_an_unknown_client(header: str) -> None:
    async with (
        start_fake() as client,
        client.session.post(f"{client.url}/oauth/token", headers={"Authorization": header}) as r,
    ):
        assert r.status == 400
        assert (await r.json())["description"] == "client not found"


async def test_login__refuses_other_grant_types(client: GenesysClient) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth(CLIENT.id, CLIENT.secret)}
    form = {"grant_type": "password"}
    async with client.session.post(f"{client.url}/oauth/token", data=form, headers=headers) as response:
        assert response.status == 400
    assert client.genesys.state.live_generations == [1]


async def test_get_tokens_me__describes_the_client_without_a_user(client: GenesysClient) -> None:
    status, body, headers = await client.request("GET", "/api/v2/tokens/me")

    assert status == 200
    assert body["OAuthClient"]["id"] == CLIENT.id
    assert body["OAuthClient"]["authorizedGrantType"] == "CLIENT-CREDENTIALS"
    assert "userId" not in body
    assert CLIENT.secret not in str(body)
    assert headers["inin-ratelimit-count"] == "1"
    assert headers["ININ-Correlation-Id"]


async def test_delete_tokens_me__revokes_this_token_only(client: GenesysClient) -> None:
    assert (await client.request("DELETE", "/api/v2/tokens/me"))[:2] == (200, b"")

    status, body, headers = await client.request("GET", "/api/v2/tokens/me")
    assert (status, body["code"]) == (401, "bad.credentials")
    assert body["contextId"] == headers["ININ-Correlation-Id"]

    await client.login()
    assert (await client.request("HEAD", "/api/v2/tokens/me"))[:2] == (200, b"")


async def test_tokens_me__requires_a_token() -> None:
    async with start_fake() as client:
        status, body, _ = await client.request("GET", "/api/v2/tokens/me")

    assert (status, body["code"]) == (401, "authentication.required")


async def test_tokens_me__refuses_a_token_after_all_were_revoked(client: GenesysClient) -> None:
    client.genesys.state.revoke_all_tokens()

    assert (await client.request("HEAD", "/api/v2/tokens/me"))[0] == 401


async def test_tokens_me__token_idles_out_unless_it_is_used() -> None:
    clock = FakeClock(NOON)
    async with start_fake(clients=[FakeOAuthClient("id", "s", idle_timeout=600)], clock=clock) as client:
        await client.login("id", "s")
        clock.now += 500
        _, body, _ = await client.request("GET", "/api/v2/tokens/me?preserveIdleTTL=true")
        assert body["dateTokenIdles"] == "2026-01-01T12:10:00.000Z"
        assert (await client.request("GET", "/api/v2/tokens/me"))[1]["dateTokenIdles"] == "2026-01-01T12:18:20.000Z"
        clock.now += 600
        assert (await client.request("GET", "/api/v2/tokens/me"))[0] == 401


async def test_tokens_me__token_expires() -> None:
    clock = FakeClock(NOON)
    async with start_fake(clients=[FakeOAuthClient("id", "s", token_lifetime=300)], clock=clock) as client:
        await client.login("id", "s")
        clock.now += 300
        assert (await client.request("HEAD", "/api/v2/tokens/me"))[0] == 401


async def test_delete_token__ends_the_sessions_of_one_user(client: GenesysClient) -> None:
    assert (await client.request("DELETE", f"/api/v2/tokens/{OMAR.upper()}"))[:2] == (200, b"")

    assert client.genesys.state.users[OMAR].sessions == 0
    assert client.genesys.state.users[JANE].sessions == 1
    assert client.genesys.state.live_generations == [1]


@pytest.mark.parametrize(("user_id", "status"), [(UNKNOWN, 404), (DELETED, 404), ("timeout", 400)])
async def test_delete_token__of_an_unknown_user_changes_nothing(
    client: GenesysClient, user_id: str, status: int
) -> None:
    assert (await client.request("DELETE", f"/api/v2/tokens/{user_id}"))[0] == status
    assert [user.sessions for user in client.genesys.users.values()] == [1, 3, 1]


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("DELETE", f"/api/v2/tokens/{JANE}", "oauth:token:delete"),
        ("POST", "/api/v2/users/search", "directory:user:view"),
        ("GET", f"/api/v2/users/{JANE}/roles", "authorization:grant:view"),
        ("GET", "/api/v2/authorization/roles", "authorization:role:view"),
    ],
)
async def test_permissions__missing_one_is_named_in_the_real_wording(method: str, path: str, permission: str) -> None:
    async with start_fake(clients=[FakeOAuthClient("id", "s", permissions=frozenset())]) as client:
        await client.login("id", "s")
        status, body, _ = await client.request(method, path)

        assert (status, body["code"]) == (403, "missing.any.permissions")
        assert body["message"].endswith(f"at least one of the following permissions assigned: {permission}")
        assert client.genesys.state.users[JANE].sessions == 1


async def test_authorization__lists_the_clients_divisions(client: GenesysClient) -> None:
    where = "/api/v2/authorization/divisionspermitted/paged/me?permission="
    everywhere = (await client.request("GET", f"{where}oauth:token:delete"))[1]
    nowhere = (await client.request("GET", f"{where}oauth:client:delete"))[1]
    client.genesys.state.clients[CLIENT.id].divisions = (EntityRef("d1", "Support"),)
    somewhere = (await client.request("GET", f"{where}oauth:token:delete"))[1]
    subject = (await client.request("GET", "/api/v2/authorization/subjects/me"))[1]

    assert [one["allDivsPermitted"] for one in (everywhere, nowhere, somewhere)] == [True, False, False]
    assert [one["entities"] for one in (nowhere, somewhere)] == [[], [{"id": "d1", "name": "Support"}]]
    assert [grant["division"]["id"] for grant in subject["grants"]] == ["d1"]


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=501", "pageNumber=0", "pageSize=x"])
async def test_listings__refuse_invalid_page_parameters(client: GenesysClient, query: str) -> None:
    assert (await client.request("GET", f"/api/v2/authorization/permissions?{query}"))[0] == 400


async def test_listings__are_paged(client: GenesysClient) -> None:
    pages = [
        (await client.request("GET", f"/api/v2/authorization/permissions?pageSize=2&pageNumber={number}"))[1]
        for number in (1, 2)
    ]

    domains = [one["domain"] for page in pages for one in page["entities"]]
    assert domains == [*PERMISSION_CATALOGUE][: len(domains)]
    assert (len(pages[0]["entities"]), len(domains)) == (2, min(4, len(PERMISSION_CATALOGUE)))
    assert {page["pageCount"] for page in pages} == {math.ceil(len(PERMISSION_CATALOGUE) / 2)}


async def test_search__is_exact_and_ignores_case(client: GenesysClient) -> None:
    status, body, _ = await client.search(email("JANE.DOE@acme.example"))

    assert status == 200
    assert [user["id"] for user in body["results"]] == [JANE]
    assert body["total"] == 1
    assert "results" not in (await client.search(email("jane.doe@acme")))[1]


async def test_search__finds_deleted_users_by_state_only(client: GenesysClient) -> None:
    assert (await client.search(email("omar@acme.example")))[1]["results"][0]["state"] == "inactive"
    assert "results" not in (await client.search(email("gone@acme.example")))[1]

    deleted = {"type": "EXACT", "fields": ["state"], "values": ["deleted"]}
    assert (await client.search(email("gone@acme.example"), deleted))[1]["results"][0]["id"] == DELETED


async def test_search__is_paged(client: GenesysClient) -> None:
    anyone = {"type": "EXACT", "fields": ["state"], "values": ["active", "inactive"]}
    body = (await client.search(anyone, pageSize=1, pageNumber=2))[1]

    assert body["pageCount"] == 2
    assert [user["id"] for user in body["results"]] == [OMAR]


@pytest.mark.parametrize(
    ("kwargs", "status"),
    [
        ({"json": {"query": [{"type": "CONTAINS", "fields": ["email"], "value": "a"}]}}, 400),
        ({"json": {"query": [], "pageSize": 501}}, 400),
        ({"json": []}, 400),
        ({"data": b"{", "headers": {}}, 415),
    ],
)
async def test_search__refuses_invalid_bodies(client: GenesysClient, kwargs: dict[str, Any], status: int) -> None:
    kwargs.pop("headers", None)
    assert (await client.request("POST", "/api/v2/users/search", **kwargs))[0] == status


async def test_get_user__returns_deleted_users_only_with_their_state(client: GenesysClient) -> None:
    assert (await client.request("GET", f"/api/v2/users/{JANE}"))[1]["email"] == "Jane.Doe@acme.example"
    assert (await client.request("GET", f"/api/v2/users/{DELETED}"))[1]["code"] == "not.found"
    assert (await client.request("GET", f"/api/v2/users/{DELETED}?state=deleted"))[1]["id"] == DELETED


async def test_get_user_roles__returns_roles_permissions_and_policies(client: GenesysClient) -> None:
    body = (await client.request("GET", f"/api/v2/users/{JANE}/roles"))[1]

    assert body["roles"] == [{"id": "r1", "name": "Supervisor"}]
    assert body["permissions"] == ["oauth:*:*"]
    assert body["permissionPolicies"][0]["entityName"] == "*"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/v2/nowhere", 404), ("PUT", "/oauth/token", 405)])
async def test_unknown_path__has_an_error_body(client: GenesysClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)

    assert answer[0] == status
    assert answer[1]["status"] == status
    assert answer[1]["contextId"] == answer[2]["ININ-Correlation-Id"]


async def test_fault__applies_to_its_number_of_calls_and_prevents_the_operation(client: GenesysClient) -> None:
    client.genesys.fault("delete_token", GenesysFault(status=503, headers={"Retry-After": "7"}, times=2))
    path = f"/api/v2/tokens/{OMAR}"

    status, body, headers = await client.request("DELETE", path)
    assert (status, body["code"], headers["Retry-After"]) == (503, "service.unavailable", "7")
    assert (await client.request("DELETE", path))[0] == 503
    assert client.genesys.state.users[OMAR].sessions == 3
    assert (await client.request("DELETE", path))[0] == 200
    assert client.genesys.state.users[OMAR].sessions == 0


async def test_fault__can_execute_the_operation_and_report_an_error(client: GenesysClient) -> None:
    client.genesys.fault("delete_token", GenesysFault(status=504, body="<h1>Gateway Timeout</h1>", executes=True))

    status, body, headers = await client.request("DELETE", f"/api/v2/tokens/{OMAR}")

    assert (status, body, headers["Content-Type"]) == (504, b"<h1>Gateway Timeout</h1>", "text/html; charset=utf-8")
    assert client.genesys.state.users[OMAR].sessions == 0


async def test_fault__can_return_an_empty_body(client: GenesysClient) -> None:
    client.genesys.fault("get_tokens_me", GenesysFault(status=202, body=""))

    assert (await client.request("GET", "/api/v2/tokens/me"))[:2] == (202, b"")


@pytest.mark.parametrize(("drop", "sessions"), [("before", 3), ("after", 0)])
async def test_fault__drops_the_connection_before_or_after_the_operation(
    client: GenesysClient, drop: Any, sessions: int
) -> None:
    client.genesys.fault("delete_token", GenesysFault(drop=drop, times=None))

    with pytest.raises(aiohttp.ClientConnectionError):
        await client.request("DELETE", f"/api/v2/tokens/{OMAR}")

    assert client.genesys.state.users[OMAR].sessions == sessions
    assert {entry.status for entry in client.genesys.received("delete_token")} == {None}


async def test_fault__delays_the_response_until_an_event(client: GenesysClient) -> None:
    event = asyncio.Event()
    client.genesys.fault("delete_token", GenesysFault(until=event))

    task = asyncio.create_task(client.request("DELETE", f"/api/v2/tokens/{OMAR}"))
    await client.genesys.wait_for_request("delete_token")
    assert client.genesys.state.users[OMAR].sessions == 3
    assert client.genesys.received("delete_token")[0].status is None

    event.set()
    assert (await task)[0] == 200


async def test_fault__without_times_stays_until_cleared(client: GenesysClient) -> None:
    client.genesys.fault("head_tokens_me", GenesysFault(status=500, times=None))
    client.genesys.fault("login", LOGIN_RATE_LIMITED)
    for _ in range(3):
        assert (await client.request("HEAD", "/api/v2/tokens/me"))[0] == 500

    client.genesys.faults.clear("head_tokens_me")
    assert (await client.request("HEAD", "/api/v2/tokens/me"))[0] == 200

    assert (await client.login())[1]["description"].startswith("rate limit exceeded")
    client.genesys.fault("login", LOGIN_RATE_LIMITED)
    client.genesys.faults.clear()
    assert (await client.login())[0] == 200


async def test_requests__are_recorded_without_secrets() -> None:
    async with start_fake(clock=FakeClock(NOON)) as client:
        await client.login()
        await client.request("DELETE", f"/api/v2/tokens/{JANE}")

        written = [(e.at, e.method, e.path, e.operation, e.generation, e.status) for e in client.genesys.requests]
        assert written == [
            (NOON, "POST", "/oauth/token", "login", None, 200),
            (NOON, "DELETE", f"/api/v2/tokens/{JANE}", "delete_token", 1, 200),
        ]
        everything = f"{client.genesys.requests} {client.genesys.state.clients} {client.genesys.state.issue(CLIENT)}"
        assert client.token not in everything
        assert CLIENT.secret not in everything


async def test_fakes__share_no_client_and_can_stop_before_start() -> None:
    one, other = FakeGenesys(), FakeGenesys()
    one.state.clients[CLIENT.id].permissions = frozenset()

    assert other.state.clients[CLIENT.id].permissions
    await one.stop()
