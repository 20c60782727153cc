"""A database belongs to one workspace, app and organization."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.db import metadata
from bot.errors import SettingsError
from bot.sandbox.genesys.server import GenesysFault
from bot.services.binding import APP, CLIENT, ORGANIZATION, WORKSPACE, Binding
from tests.support.components import Components, open_components


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        await opened.database.run("DELETE FROM metadata")
        yield opened


def binding(components: Components, client: str = "client@mypurecloud.ie") -> Binding:
    return Binding(
        components.database.database, components.workspace, components.purecloud.tokens, client,
        sleep=components.clock.sleep,
    )  # fmt: skip


async def facts(components: Components) -> dict[str, str]:
    return await components.database.database.read(metadata.read)


async def test_first_start__binds_the_database(components: Components) -> None:
    await binding(components).confirm()

    assert await facts(components) == {
        WORKSPACE: components.slack.team_id,
        APP: components.slack.app_id,
        ORGANIZATION: components.genesys.state.organization.id,
        CLIENT: "client@mypurecloud.ie",
    }


async def test_next_start__with_the_same_client_does_not_ask_genesys_cloud(components: Components) -> None:
    await binding(components).confirm()
    before = len(components.genesys.requests)

    await binding(components).confirm()

    assert len(components.genesys.requests) == before


async def test_new_client__of_the_same_organization_is_accepted(components: Components) -> None:
    await binding(components).confirm()

    await binding(components, "other@mypurecloud.ie").confirm()

    assert (await facts(components))[CLIENT] == "other@mypurecloud.ie"


@pytest.mark.parametrize("name", [WORKSPACE, APP, ORGANIZATION])
async def test_database__of_others_is_refused(components: Components, name: str) -> None:
    await components.database.database.write(lambda tx: metadata.put(tx, name, "another one"))

    with pytest.raises(SettingsError) as refused:
        await binding(components).confirm()

    (problem,) = refused.value.problems
    assert problem.startswith(f"DATABASE_URL: this database belongs to the {name} another one")
    assert CLIENT not in await facts(components)


async def test_confirmation__waits_for_genesys_cloud(components: Components) -> None:
    components.genesys.fault("get_tokens_me", GenesysFault(status=500, times=2))

    await binding(components).confirm()

    assert components.clock.slept.count(5.0) == 2
    assert ORGANIZATION in await facts(components)
