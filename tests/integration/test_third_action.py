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
    "free-station.title": "Free the station of {target}?",
    "free-station.subject": "the station of {target}",
    "free-station.button": "Free the station",
    "free-station.dialog.title": "Free the station?",
    "free-station.dialog.text": "The phone of {target} is disconnected.",
    "free-station.dialog.approve": "Free",
    "free-station.effects": "The phone is disconnected.",
    "free-station.limits": "They can choose another one.",
    "free-station.headline.revoked": "Freed: the station of {target}",
    "free-station.can_request": "free a station",
    "free-station.can_approve": "approve that a station is freed",
    "free-station.help": "`/purecloud free-station @user`: frees a station",
}


async def test_third_action__is_requested_approved_and_executed_once(tmp_path: Path) -> None:
    freed: list[str] = []

    async def free_station(_genesys: GenesysApi, request: Request) -> Response:
        assert request.target
        freed.append(request.target.name or "")
        return Done(200, "correlation-id")

    actions = Actions([REVOKE, ROTATE, Action("free-station", execute=free_station)])
    async with start_app(tmp_path, actions=actions, catalog=Catalog(SENTENCES | TEXTS)) as app:
        card = await app.request_card(personas.OLIVIA, "free-station @tom wrong desk")
        assert "Free the station of Tom Target?" in app.slack.text_of(card)
        assert freed == []

        await app.slack.click(personas.OLIVIA, card, "approve")
        outcome = await app.wait_for_message("Freed: the station of Tom Target")
        await app.wait_until_idle()

        assert freed == ["Tom Target"]
        assert not app.slack.buttons(outcome)
        assert app.deletes == []
        assert (await app.audit_tags())[-1] == "token:revoked"
