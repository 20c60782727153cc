"""An action that only a test registers: requested, approved, executed and shown like the bot's own."""

from __future__ import annotations

from pathlib import Path

from bot.domain.actions import REVOKE, ROTATE, Action, Actions, GenesysApi, Response
from bot.domain.requests import Request
from bot.purecloud import Done
from bot.sandbox import personas
from handlers.messages import Catalog
from handlers.messages.en import SENTENCES
from tests.support.app_harness import start_app

TEXTS = {
    "reset-pin.title": "Reset the PIN of {target}?",
    "reset-pin.subject": "the PIN of {target}",
    "reset-pin.button": "Reset the PIN",
    "reset-pin.dialog.title": "Reset the PIN?",
    "reset-pin.dialog.text": "{target} gets a new PIN.",
    "reset-pin.dialog.approve": "Reset",
    "reset-pin.effects": "The old PIN stops working.",
    "reset-pin.headline.revoked": "Reset: the PIN of {target}",
    "reset-pin.can_request": "Reset a PIN",
    "reset-pin.can_approve": "Approve that a PIN is reset",
    "reset-pin.help": "`/purecloud reset-pin @user`: resets a PIN",
}


async def test_third_action__is_requested_approved_and_executed_once(tmp_path: Path) -> None:
    executed: list[str] = []

    async def reset_pin(_genesys: GenesysApi, request: Request) -> Response:
        assert request.target
        executed.append(request.target.name or "")
        return Done(200, "correlation-id")

    actions = Actions([REVOKE, ROTATE, Action("reset-pin", execute=reset_pin)])
    async with start_app(tmp_path, actions=actions, catalog=Catalog(SENTENCES | TEXTS)) as app:
        card = await app.request_card(personas.OLIVIA, "reset-pin @tom PIN was seen")
        assert "Reset the PIN of Tom Target?" in app.slack.text_of(card)
        assert executed == []

        await app.slack.click(personas.OLIVIA, card, "approve")
        outcome = await app.wait_for_message("Reset: the PIN of Tom Target")
        await app.wait_until_idle()

        assert executed == ["Tom Target"]
        assert not app.slack.buttons(outcome)
        assert app.writes == []
        assert (await app.audit_tags())[-1] == "token:revoked"
