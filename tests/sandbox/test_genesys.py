"""The Genesys Cloud stand-in behaves as documented, fails as told, and writes down what came."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest

from bot.sandbox.genesys.server import CLIENT, LOGIN_RATE_LIMITED, EntityRef, FakeGenesys, FakeOAuthClient, GenesysFault
from tests.support.clock import FakeClock
from tests.support.genesys_client import GONE, JANE, NOBODY, NOON, OMAR, Guest, visit

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def guest() -> AsyncIterator[Guest]:
    async with visit() as guest:
        await guest.login()
        yield guest


def email(value: str) -> dict[str, Any]:
    return {"type": "EXACT", "fields": ["email"], "value": value}


async def test_login__each_one_gives_another_token_and_ends_none(guest: Guest) -> None:
    first = guest.token
    status, body = await guest.login()

    assert status == 200
    assert body["access_token"] != first
    assert body["expires_in"] == 86400
    assert guest.genesys.state.live_generations == [1, 2]


@pytest.mark.parametrize(
    ("client_id", "secret", "status", "description"),
    [("nobody", "x", 400, "client not found"), (CLIENT.id, "wrong", 401, "authentication failed")],
)
async def test_login__refuses_in_the_login_hosts_own_words(
    client_id: str, secret: str, status: int, description: str
) -> None:
    async with visit() as guest:
        answer = await guest.login(client_id, secret)

        assert answer[0] == status
        assert answer[1]["error"] == "invalid_client"
        assert answer[1]["description"] == description
        assert guest.genesys.state.live_generations == []


@pytest.mark.parametrize("header", ["", "Basic !!!", "Basic /w==", "Bearer x"])
async def test_login__unreadable_credentials_are_an_unknown_client(header: str) -> None:
    async with visit() as guest, guest.session.post(f"{guest.url}/oauth/token", headers={"Authorization": header}) as r:
        assert r.status == 400
        assert (await r.json())["description"] == "client not found"


async def test_login__knows_no_other_grant(guest: Guest) -> None:
    headers = {"Authorization": aiohttp.encode_basic_auth(CLIENT.id, CLIENT.secret)}
    form = {"grant_type": "password"}
    async with guest.session.post(f"{guest.url}/oauth/token", data=form, headers=headers) as response:
        assert response.status == 400
    assert guest.genesys.state.live_generations == [1]


async def test_tokens_me__tells_of_the_client_and_of_no_person(guest: Guest) -> None:
    status, body, headers = await guest.ask("GET", "/api/v2/tokens/me")

    assert status == 200
    assert body["OAuthClient"]["id"] == CLIENT.id
    assert body["OAuthClient"]["authorizedGrantType"] == "CLIENT-CREDENTIALS"
    assert "userId" not in body
    assert CLIENT.secret not in str(body)
    assert headers["inin-ratelimit-count"] == "1"
    assert headers["ININ-Correlation-Id"]


async def test_tokens_me__a_deleted_token_is_bad_credentials_and_the_next_one_is_good(guest: Guest) -> None:
    assert (await guest.ask("DELETE", "/api/v2/tokens/me"))[:2] == (200, b"")

    status, body, headers = await guest.ask("GET", "/api/v2/tokens/me")
    assert (status, body["code"]) == (401, "bad.credentials")
    assert body["contextId"] == headers["ININ-Correlation-Id"]

    await guest.login()
    assert (await guest.ask("HEAD", "/api/v2/tokens/me"))[:2] == (200, b"")


async def test_tokens_me__without_a_token_authentication_is_required() -> None:
    async with visit() as guest:
        status, body, _ = await guest.ask("GET", "/api/v2/tokens/me")

    assert (status, body["code"]) == (401, "authentication.required")


async def test_tokens_me__an_administrator_ends_all_tokens(guest: Guest) -> None:
    guest.genesys.state.revoke_all_tokens()

    assert (await guest.ask("HEAD", "/api/v2/tokens/me"))[0] == 401


async def test_tokens_me__a_token_idles_out_unless_it_is_used() -> None:
    clock = FakeClock(NOON)
    async with visit(clients=[FakeOAuthClient("id", "s", idle_timeout=600)], clock=clock) as guest:
        await guest.login("id", "s")
        clock.now += 500
        _, body, _ = await guest.ask("GET", "/api/v2/tokens/me?preserveIdleTTL=true")
        assert body["dateTokenIdles"] == "2026-01-01T12:10:00.000Z"
        assert (await guest.ask("GET", "/api/v2/tokens/me"))[1]["dateTokenIdles"] == "2026-01-01T12:18:20.000Z"
        clock.now += 600
        assert (await guest.ask("GET", "/api/v2/tokens/me"))[0] == 401


async def test_tokens_me__a_token_expires() -> None:
    clock = FakeClock(NOON)
    async with visit(clients=[FakeOAuthClient("id", "s", token_lifetime=300)], clock=clock) as guest:
        await guest.login("id", "s")
        clock.now += 300
        assert (await guest.ask("HEAD", "/api/v2/tokens/me"))[0] == 401


async def test_delete_token__ends_the_sessions_of_one_person_alone(guest: Guest) -> None:
    assert (await guest.ask("DELETE", f"/api/v2/tokens/{OMAR.upper()}"))[:2] == (200, b"")

    assert guest.genesys.state.users[OMAR].sessions == 0
    assert guest.genesys.state.users[JANE].sessions == 1
    assert guest.genesys.state.live_generations == [1]


@pytest.mark.parametrize(("user_id", "status"), [(NOBODY, 404), (GONE, 404), ("timeout", 400)])
async def test_delete_token__of_nobody_ends_nothing(guest: Guest, user_id: str, status: int) -> None:
    assert (await guest.ask("DELETE", f"/api/v2/tokens/{user_id}"))[0] == status
    assert [person.sessions for person in guest.genesys.users.values()] == [1, 3, 1]


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("DELETE", f"/api/v2/tokens/{JANE}", "oauth:token:delete"),
        ("POST", "/api/v2/users/search", "directory:user:view"),
        ("GET", f"/api/v2/users/{JANE}/roles", "authorization:grant:view"),
        ("GET", "/api/v2/authorization/roles", "authorization:role:view"),
    ],
)
async def test_permissions__a_lacking_one_is_named_in_the_real_wording(method: str, path: str, permission: str) -> None:
    async with visit(clients=[FakeOAuthClient("id", "s", permissions=frozenset())]) as guest:
        await guest.login("id", "s")
        status, body, _ = await guest.ask(method, path)

        assert (status, body["code"]) == (403, "missing.any.permissions")
        assert body["message"].endswith(f"at least one of the following permissions assigned: {permission}")
        assert guest.genesys.state.users[JANE].sessions == 1


async def test_client__is_told_its_own_rights_by_division(guest: Guest) -> None:
    where = "/api/v2/authorization/divisionspermitted/paged/me?permission="
    everywhere = (await guest.ask("GET", f"{where}oauth:token:delete"))[1]
    nowhere = (await guest.ask("GET", f"{where}oauth:client:delete"))[1]
    guest.genesys.state.clients[CLIENT.id].divisions = (EntityRef("d1", "Support"),)
    somewhere = (await guest.ask("GET", f"{where}oauth:token:delete"))[1]
    subject = (await guest.ask("GET", "/api/v2/authorization/subjects/me"))[1]

    assert [one["allDivsPermitted"] for one in (everywhere, nowhere, somewhere)] == [True, False, False]
    assert [one["entities"] for one in (nowhere, somewhere)] == [[], [{"id": "d1", "name": "Support"}]]
    assert [grant["division"]["id"] for grant in subject["grants"]] == ["d1"]


@pytest.mark.parametrize("query", ["pageSize=0", "pageSize=501", "pageNumber=0", "pageSize=x"])
async def test_listings__refuse_pages_that_cannot_be(guest: Guest, query: str) -> None:
    assert (await guest.ask("GET", f"/api/v2/authorization/permissions?{query}"))[0] == 400


async def test_listings__come_by_the_page(guest: Guest) -> None:
    pages = [
        (await guest.ask("GET", f"/api/v2/authorization/permissions?pageSize=2&pageNumber={number}"))[1]
        for number in (1, 2)
    ]

    assert [[one["domain"] for one in page["entities"]] for page in pages] == [
        ["authorization", "directory"],
        ["oauth"],
    ]
    assert {page["pageCount"] for page in pages} == {2}


async def test_search__is_exact_and_blind_to_case(guest: Guest) -> None:
    status, body, _ = await guest.search(email("JANE.DOE@acme.example"))

    assert status == 200
    assert [user["id"] for user in body["results"]] == [JANE]
    assert body["total"] == 1
    assert "results" not in (await guest.search(email("jane.doe@acme")))[1]


async def test_search__finds_the_inactive_and_the_deleted_only_if_asked(guest: Guest) -> None:
    assert (await guest.search(email("omar@acme.example")))[1]["results"][0]["state"] == "inactive"
    assert "results" not in (await guest.search(email("gone@acme.example")))[1]

    deleted = {"type": "EXACT", "fields": ["state"], "values": ["deleted"]}
    assert (await guest.search(email("gone@acme.example"), deleted))[1]["results"][0]["id"] == GONE


async def test_search__has_pages(guest: Guest) -> None:
    anyone = {"type": "EXACT", "fields": ["state"], "values": ["active", "inactive"]}
    body = (await guest.search(anyone, pageSize=1, pageNumber=2))[1]

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
async def test_search__refuses_what_it_cannot_read(guest: Guest, kwargs: dict[str, Any], status: int) -> None:
    kwargs.pop("headers", None)
    assert (await guest.ask("POST", "/api/v2/users/search", **kwargs))[0] == status


async def test_users__are_read_by_id_and_the_deleted_only_if_asked(guest: Guest) -> None:
    assert (await guest.ask("GET", f"/api/v2/users/{JANE}"))[1]["email"] == "Jane.Doe@acme.example"
    assert (await guest.ask("GET", f"/api/v2/users/{GONE}"))[1]["code"] == "not.found"
    assert (await guest.ask("GET", f"/api/v2/users/{GONE}?state=deleted"))[1]["id"] == GONE


async def test_users__have_roles_permissions_and_policies(guest: Guest) -> None:
    body = (await guest.ask("GET", f"/api/v2/users/{JANE}/roles"))[1]

    assert body["roles"] == [{"id": "r1", "name": "Supervisor"}]
    assert body["permissions"] == ["oauth:*:*"]
    assert body["permissionPolicies"][0]["entityName"] == "*"


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/api/v2/nowhere", 404), ("PUT", "/oauth/token", 405)])
async def test_anything_else__is_an_error_body_too(guest: Guest, method: str, path: str, status: int) -> None:
    answer = await guest.ask(method, path)

    assert answer[0] == status
    assert answer[1]["status"] == status
    assert answer[1]["contextId"] == answer[2]["ININ-Correlation-Id"]


async def test_fault__is_met_as_often_as_told_and_nothing_is_carried_out(guest: Guest) -> None:
    guest.genesys.fault("delete_token", GenesysFault(status=503, headers={"Retry-After": "7"}, times=2))
    path = f"/api/v2/tokens/{OMAR}"

    status, body, headers = await guest.ask("DELETE", path)
    assert (status, body["code"], headers["Retry-After"]) == (503, "service.unavailable", "7")
    assert (await guest.ask("DELETE", path))[0] == 503
    assert guest.genesys.state.users[OMAR].sessions == 3
    assert (await guest.ask("DELETE", path))[0] == 200
    assert guest.genesys.state.users[OMAR].sessions == 0


async def test_fault__can_act_and_still_say_no(guest: Guest) -> None:
    guest.genesys.fault("delete_token", GenesysFault(status=504, body="<h1>Gateway Timeout</h1>", executes=True))

    status, body, headers = await guest.ask("DELETE", f"/api/v2/tokens/{OMAR}")

    assert (status, body, headers["Content-Type"]) == (504, b"<h1>Gateway Timeout</h1>", "text/html; charset=utf-8")
    assert guest.genesys.state.users[OMAR].sessions == 0


async def test_fault__can_answer_with_nothing_at_all(guest: Guest) -> None:
    guest.genesys.fault("get_tokens_me", GenesysFault(status=202, body=""))

    assert (await guest.ask("GET", "/api/v2/tokens/me"))[:2] == (202, b"")


@pytest.mark.parametrize(("drop", "sessions"), [("before", 3), ("after", 0)])
async def test_fault__cuts_the_connection_before_or_after_the_work(guest: Guest, drop: Any, sessions: int) -> None:
    guest.genesys.fault("delete_token", GenesysFault(drop=drop, times=None))

    with pytest.raises(aiohttp.ClientConnectionError):
        await guest.ask("DELETE", f"/api/v2/tokens/{OMAR}")

    assert guest.genesys.state.users[OMAR].sessions == sessions
    assert {entry.status for entry in guest.genesys.received("delete_token")} == {None}


async def test_fault__holds_an_answer_back_until_told(guest: Guest) -> None:
    event = asyncio.Event()
    guest.genesys.fault("delete_token", GenesysFault(until=event))

    asking = asyncio.create_task(guest.ask("DELETE", f"/api/v2/tokens/{OMAR}"))
    await guest.genesys.wait_for_request("delete_token")
    assert guest.genesys.state.users[OMAR].sessions == 3
    assert guest.genesys.received("delete_token")[0].status is None

    event.set()
    assert (await asking)[0] == 200


async def test_fault__stays_until_healed(guest: Guest) -> None:
    guest.genesys.fault("head_tokens_me", GenesysFault(status=500, times=None))
    guest.genesys.fault("login", LOGIN_RATE_LIMITED)
    for _ in range(3):
        assert (await guest.ask("HEAD", "/api/v2/tokens/me"))[0] == 500

    guest.genesys.faults.clear("head_tokens_me")
    assert (await guest.ask("HEAD", "/api/v2/tokens/me"))[0] == 200

    assert (await guest.login())[1]["description"].startswith("rate limit exceeded")
    guest.genesys.fault("login", LOGIN_RATE_LIMITED)
    guest.genesys.faults.clear()
    assert (await guest.login())[0] == 200


async def test_journal__tells_who_asked_what_and_holds_no_secret() -> None:
    async with visit(clock=FakeClock(NOON)) as guest:
        await guest.login()
        await guest.ask("DELETE", f"/api/v2/tokens/{JANE}")

        written = [(e.at, e.method, e.path, e.operation, e.generation, e.status) for e in guest.genesys.requests]
        assert written == [
            (NOON, "POST", "/oauth/token", "login", None, 200),
            (NOON, "DELETE", f"/api/v2/tokens/{JANE}", "delete_token", 1, 200),
        ]
        everything = f"{guest.genesys.requests} {guest.genesys.state.clients} {guest.genesys.state.issue(CLIENT)}"
        assert guest.token not in everything
        assert CLIENT.secret not in everything


async def test_stand_ins__share_no_client_and_stop_before_they_start() -> None:
    one, other = FakeGenesys(), FakeGenesys()
    one.state.clients[CLIENT.id].permissions = frozenset()

    assert other.state.clients[CLIENT.id].permissions
    await one.stop()
