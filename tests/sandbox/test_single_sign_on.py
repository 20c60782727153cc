"""Single sign-on logs a person in again, if it is on."""

from __future__ import annotations

import asyncio

from bot.sandbox.genesys.server import ORGANIZATION, GenesysUser
from bot.sandbox.genesys.state import GenesysState
from bot.sandbox.single_sign_on import LOG_IN_DELAY, SingleSignOn
from tests.support.virtual_time import run


def state(*users: GenesysUser) -> GenesysState:
    return GenesysState(users, [], organization=ORGANIZATION, clock=lambda: asyncio.get_running_loop().time())


def test_revocation__is_followed_by_a_new_token_after_five_seconds() -> None:
    async def main() -> None:
        tom = GenesysUser(id="tom", name="Tom", email="tom@example.com")
        genesys, seen = state(tom), []
        switch = SingleSignOn(genesys)
        switch.on_log_in = lambda: seen.append(asyncio.get_running_loop().time())
        genesys.log_out(tom)
        await asyncio.sleep(60)
        assert (tom.sessions, tom.last_token_issued, seen) == (0, None, [])

        switch.on = True
        genesys.log_out(tom)
        await asyncio.sleep(LOG_IN_DELAY - 0.1)
        assert tom.sessions == 0
        await asyncio.sleep(0.2)
        assert (tom.sessions, tom.last_token_issued, seen) == (1, 60 + LOG_IN_DELAY, [60 + LOG_IN_DELAY])

    run(main())


def test_stop__logs_no_one_in_any_more() -> None:
    async def main() -> None:
        tom = GenesysUser(id="tom", name="Tom", email="tom@example.com")
        genesys = state(tom)
        switch = SingleSignOn(genesys)
        switch.on = True
        genesys.log_out(tom)
        switch.stop()
        await asyncio.sleep(60)
        assert tom.sessions == 0

    run(main())
