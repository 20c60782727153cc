"""A running bot whose clock is behind the time in its database."""

from __future__ import annotations

from bot.db.clock import MAX_LAG, STORE
from bot.db.transaction import Transaction
from bot.sandbox import personas
from tests.support.replicas import Replicas


async def test_bot__whose_clock_is_behind_approves_nothing_and_is_not_ready(bot: Replicas) -> None:
    card = await bot.request_card(personas.RAVI, "revoke @tom")
    await bot.wait_until_idle()

    def store_later_time(tx: Transaction) -> None:
        tx.execute(STORE, value=repr(tx.now + 2 * MAX_LAG))

    await bot.store.database.write(store_later_time)
    missing = await bot.wait_for_readyz(503)
    assert (await bot.click(personas.OLIVIA, card, 0)).status == 200
    reply = await bot.wait_for_message("My clock is behind")
    await bot.wait_until_idle()

    assert list(missing) == ["clock"]
    assert reply.only_for == personas.OLIVIA
    assert bot.slack.buttons(card)
    assert bot.deletes == []
    async with bot.session.get(f"{bot.url(0)}/metrics") as response:
        lag = next(line for line in (await response.text()).splitlines() if line.startswith("purecloud_bot_clock_lag"))
    assert float(lag.split()[1]) > MAX_LAG

    assert (await bot.click(personas.RAVI, card, 0, "cancel")).status == 200
    await bot.wait_for_message("Cancelled", personas.AUDIT)
