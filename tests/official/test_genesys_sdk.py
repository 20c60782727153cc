"""The official SDK can use the fake Genesys Cloud, and our client sends the same requests."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import aiohttp
import pytest

from bot.purecloud import PureCloud, region
from bot.sandbox.genesys.server import CLIENT, LOGIN_RATE_LIMITED, EntityRef, FakeGenesys, GenesysFault
from tests.official.conftest import INSTALLED, OfficialSdk, RecordedRequest
from tests.official.operations import OPERATIONS
from tests.support.genesys_client import DELETED, JANE, OMAR, UNKNOWN

if not (INSTALLED / ".ready").exists():
    pytest.skip("the official SDK is not installed; run `make official`", allow_module_level=True)


def comparable(value: Any) -> Any:
    """Return the value with every date-time as a number, so that formats do not matter."""
    if isinstance(value, dict):
        return {key: comparable(part) for key, part in value.items()}
    if isinstance(value, list):
        return [comparable(part) for part in value]
    try:
        return datetime.fromisoformat(value).timestamp() if isinstance(value, str) and "T" in value else value
    except ValueError:
        return value


@pytest.mark.parametrize("name", OPERATIONS)
async def test_operation__official_sdk_reads_every_field_of_the_response(
    genesys: FakeGenesys, sdk: OfficialSdk, name: str
) -> None:
    result = await OPERATIONS[name].call(sdk)

    assert result["model"] == OPERATIONS[name].model
    assert comparable(result["written"]) == comparable(result["body"]), (
        "the SDK knows every field by this name and type"
    )
    assert [(entry.operation, entry.status) for entry in genesys.requests[1:]] == [(name, 200)]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_operation__our_client_sends_the_same_request_as_the_official_sdk(
    sdk: OfficialSdk, recorded: list[RecordedRequest], name: str
) -> None:
    await OPERATIONS[name].call(sdk)
    by_the_sdk = list(recorded)
    recorded.clear()
    async with aiohttp.ClientSession() as session:
        here = region("mypurecloud.com", api_url=sdk.host, login_url=sdk.host)
        await OPERATIONS[name].our_call(PureCloud(session, here, CLIENT.id, CLIENT.secret))

    assert recorded == by_the_sdk


async def test_login__error_body_distinguishes_the_causes(genesys: FakeGenesys, sdk: OfficialSdk) -> None:
    unknown = (await sdk.login(client_id=UNKNOWN))["error"]
    wrong = (await sdk.login(secret="made-up"))["error"]
    genesys.fault("login", LOGIN_RATE_LIMITED)
    rate_limited = (await sdk.login())["error"]

    errors = [
        (one["status"], one["body"]["error"], one["body"]["description"]) for one in (unknown, wrong, rate_limited)
    ]
    assert errors[:2] == [
        (400, "invalid_client", "client not found"),
        (401, "invalid_client", "authentication failed"),
    ]
    assert errors[2][:2] == (400, "invalid_request")
    assert errors[2][2].startswith("rate limit exceeded")


async def test_delete_token__deletes_only_that_users_sessions(genesys: FakeGenesys, sdk: OfficialSdk) -> None:
    await OPERATIONS["delete_token"].call(sdk)

    assert {user.id: user.sessions for user in genesys.users.values()} == {JANE: 0, OMAR: 3, DELETED: 1}


async def test_delete_tokens_me__invalidates_the_callers_token(genesys: FakeGenesys, sdk: OfficialSdk) -> None:
    await OPERATIONS["delete_tokens_me"].call(sdk)
    error = (await OPERATIONS["get_tokens_me"].call(sdk))["error"]

    assert (error["status"], error["body"]["code"]) == (401, "bad.credentials")
    assert genesys.state.live_generations == []


@pytest.mark.parametrize(
    ("name", "permission"),
    [
        ("delete_token", "oauth:token:delete"),
        ("search_by_email", "directory:user:view"),
        ("get_user_roles", "authorization:grant:view"),
        ("get_authorization_roles", "authorization:role:view"),
    ],
)
async def test_operation__missing_permission_is_named_in_the_error(
    genesys: FakeGenesys, sdk: OfficialSdk, name: str, permission: str
) -> None:
    genesys.state.clients[CLIENT.id].permissions -= {permission}

    error = (await OPERATIONS[name].call(sdk))["error"]

    assert (error["status"], error["body"]["code"]) == (403, "missing.any.permissions")
    assert error["body"]["messageParams"] == {"permissions": permission}
    assert error["body"]["contextId"] == error["correlation_id"]
    assert [user.sessions for user in genesys.users.values()] == [1, 3, 1]


@pytest.mark.parametrize(("user_id", "status"), [(UNKNOWN, 404), (DELETED, 404), ("jane", 400)])
async def test_get_user__unknown_deleted_or_invalid_id_is_an_error(sdk: OfficialSdk, user_id: str, status: int) -> None:
    error = (await sdk.call("UsersApi", "get_user", user_id=user_id))["error"]

    assert (error["status"], error["body"]["status"]) == (status, status)


async def test_get_user__returns_a_deleted_user_on_request(sdk: OfficialSdk) -> None:
    result = await sdk.call("UsersApi", "get_user", user_id=DELETED, state="deleted")

    assert result["written"]["state"] == "deleted"


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ([{"fields": ["email"], "value": "JANE.DOE@ACME.EXAMPLE"}], [JANE]),
        ([{"fields": ["email"], "value": "unknown@acme.example"}], []),
        ([{"fields": ["email"], "value": "gone@acme.example"}], []),
        (
            [{"fields": ["email"], "value": "gone@acme.example"}, {"fields": ["state"], "values": ["deleted"]}],
            [DELETED],
        ),
    ],
)
async def test_search__returns_the_matching_users(
    sdk: OfficialSdk, criteria: list[dict[str, Any]], found: list[str]
) -> None:
    query = [{"type": "EXACT", **criterion} for criterion in criteria]

    result = await sdk.call("SearchApi", "post_users_search", body={"query": query})

    assert [user["id"] for user in result["written"].get("results", [])] == found
    assert result["written"]["total"] == len(found)


async def test_roles__are_filtered_by_several_ids(sdk: OfficialSdk) -> None:
    result = await sdk.call("AuthorizationApi", "get_authorization_roles", id=["r2", "r3"])

    assert [role["name"] for role in result["written"]["entities"]] == ["Super user", "Team lead"]


async def test_subjects_me__has_policies_only_with_include_full_roles(sdk: OfficialSdk) -> None:
    full = (await OPERATIONS["get_authorization_subjects_me"].call(sdk))["written"]
    brief = (await sdk.call("AuthorizationApi", "get_authorization_subjects_me"))["written"]

    assert [bool(grant["role"].get("policies")) for one in (full, brief) for grant in one["grants"]] == [True, False]


async def test_divisions_permitted__are_paged(genesys: FakeGenesys, sdk: OfficialSdk) -> None:
    genesys.state.clients[CLIENT.id].divisions = tuple(
        EntityRef(f"d{number}", f"Division {number}") for number in range(3)
    )
    method = "get_authorization_divisionspermitted_paged_me"
    arguments = {"permission": "oauth:token:delete", "page_size": 2, "page_number": 2}

    result = (await sdk.call("AuthorizationApi", method, **arguments))["written"]

    assert [one["name"] for one in result["entities"]] == ["Division 2"]
    assert (result["total"], result["pageCount"], result["pageNumber"], result["allDivsPermitted"]) == (3, 2, 2, False)


async def test_operation__rate_limit_is_a_429_with_an_error_code(genesys: FakeGenesys, sdk: OfficialSdk) -> None:
    genesys.fault("delete_token", GenesysFault(status=429))

    error = (await OPERATIONS["delete_token"].call(sdk))["error"]

    assert (error["status"], error["body"]["code"]) == (429, "too.many.requests")
    assert [user.sessions for user in genesys.users.values()] == [1, 3, 1]
