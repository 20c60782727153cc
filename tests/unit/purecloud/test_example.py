"""The example in the client's own docstring does what it says, against a server, with nothing but the client."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from bot import purecloud
from bot.purecloud import region
from bot.sandbox.genesys.server import CLIENT
from tests.unit.purecloud.conftest import JANE, OMAR

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import AppHarness


def example() -> dict[str, Any]:
    lines = (purecloud.__doc__ or "").splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ") or not line))
    names: dict[str, Any] = {}
    exec(compile(code, "the example", "exec"), names)  # noqa: S102 - it is our own
    return names


async def test_example__ends_the_sessions_of_one_person(world: AppHarness) -> None:
    place = region("mypurecloud.ie", api_url=world.url, login_url=world.url)
    end_sessions = example()["end_sessions"]

    said = await end_sessions(place, CLIENT.id, CLIENT.secret, "jane.doe@acme.example")
    assert said == "Every token of Jane Doe was deleted (HTTP 200)."
    assert (world.sessions(JANE), world.sessions(OMAR)) == (0, 1)

    said = await end_sessions(place, CLIENT.id, CLIENT.secret, "nobody@acme.example")
    assert said.startswith("0 people")
    assert len(world.asked("delete_token")) == 1
