"""The example in the package's docstring runs against a server, with the client alone."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, Any

from bot import purecloud
from bot.purecloud import region
from bot.sandbox.genesys.server import CLIENT
from tests.unit.purecloud.conftest import JANE, OMAR

if TYPE_CHECKING:
    from tests.unit.purecloud.conftest import ClientHarness


def example() -> dict[str, Any]:
    lines = (purecloud.__doc__ or "").splitlines()
    code = textwrap.dedent("\n".join(line for line in lines if line.startswith("    ") or not line))
    names: dict[str, Any] = {}
    exec(compile(code, "the example", "exec"), names)  # noqa: S102 - our own code
    return names


async def test_example__deletes_the_tokens_of_exactly_one_user(harness: ClientHarness) -> None:
    here = region("mypurecloud.ie", api_url=harness.url, login_url=harness.url)
    revoke_sessions = example()["revoke_sessions"]

    message = await revoke_sessions(here, CLIENT.id, CLIENT.secret, "jane.doe@acme.example")
    assert message == "All tokens of Jane Doe were deleted (HTTP 200)."
    assert (harness.sessions(JANE), harness.sessions(OMAR)) == (0, 1)

    message = await revoke_sessions(here, CLIENT.id, CLIENT.secret, "unknown@acme.example")
    assert message.startswith("0 users")
    assert len(harness.statuses("delete_token")) == 1
