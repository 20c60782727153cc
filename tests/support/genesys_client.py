"""A plain HTTP client of the fake Genesys Cloud, and the users it finds there."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import aiohttp

from bot.sandbox.genesys.server import CLIENT, EntityRef, FakeGenesys, GenesysUser

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

JANE = "0f1e2d3c-4b5a-4697-8877-665544332211"
OMAR = "1a2b3c4d-5e6f-4a0b-9c8d-7e6f5a4b3c2d"
DELETED = "9e8d7c6b-5a49-4837-a615-04f3e2d1c0b9"
UNKNOWN = "ffffffff-ffff-4fff-8fff-ffffffffffff"
NOON = 1_767_268_800.0


class GenesysClient:
    """Sends requests with the last token that `login` returned."""

    def __init__(self, session: aiohttp.ClientSession, url: str, genesys: FakeGenesys) -> None:
        self.session = session
        self.url = url
        self.genesys = genesys
        self.token = ""

    async def login(self, client_id: str = CLIENT.id, secret: str = CLIENT.secret) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": aiohttp.encode_basic_auth(client_id, secret)}
        form = {"grant_type": "client_credentials"}
        async with self.session.post(f"{self.url}/oauth/token", data=form, headers=headers) as response:
            body: dict[str, Any] = await response.json()
            self.token = body.get("access_token", self.token)
            return response.status, body

    async def request(self, method: str, path: str, **kwargs: Any) -> tuple[int, Any, Any]:
        headers = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        async with self.session.request(method, self.url + path, headers=headers, **kwargs) as response:
            body = await response.read()
            readable = body and response.content_type == "application/json"
            return response.status, (await response.json() if readable else body), response.headers

    async def search(self, *criteria: dict[str, Any], **more: Any) -> tuple[int, Any, Any]:
        return await self.request("POST", "/api/v2/users/search", json={"query": list(criteria), **more})


def users() -> list[GenesysUser]:
    jane = GenesysUser(JANE, "Jane Doe", "Jane.Doe@acme.example", title="Agent", permissions=("oauth:*:*",))
    jane.roles = (EntityRef("r1", "Supervisor"),)
    jane.policies = ({"domain": "oauth", "entityName": "*", "actionSet": ["*"]},)
    omar = GenesysUser(OMAR, "Omar Haddad", "omar@acme.example", state="inactive", sessions=3)
    return [jane, omar, GenesysUser(DELETED, "Former Agent", "gone@acme.example", state="deleted")]


@asynccontextmanager
async def start_fake(**kwargs: Any) -> AsyncIterator[GenesysClient]:
    genesys = FakeGenesys(users=users(), **kwargs)
    url = await genesys.start()
    try:
        async with aiohttp.ClientSession() as session:
            yield GenesysClient(session, url, genesys)
    finally:
        await genesys.stop()


async def first_page(pages: AsyncIterator[list[str]]) -> list[str]:
    """Return the ids of the first page of a listing, which may have no end."""
    async for page in pages:
        return page
    return []


async def all_ids(pages: AsyncIterator[list[str]]) -> list[str]:
    """Return the ids of all pages of a listing."""
    return [one async for page in pages for one in page]
