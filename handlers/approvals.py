"""A press of a card's button: written down, then acknowledged; judged after that."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from slack_bolt.response import BoltResponse

from bot.domain.requests import APPROVE, CANCEL
from bot.services.requesting import Service
from handlers.payloads import Body, read_click

DECISIONS = frozenset({APPROVE, CANCEL})

log = structlog.get_logger()


async def click(body: Body, service: Service) -> BoltResponse:
    """Answer 200 only when the click is on disk; otherwise 503, which Slack shows to the person as a failure."""
    try:
        for action in body["actions"]:
            if action.get("action_id") in DECISIONS:
                await service.click(read_click(body, action))
    except Exception:
        log.exception("a click could not be written down; it is answered 503 and changes nothing")
        return BoltResponse(
            status=HTTPStatus.SERVICE_UNAVAILABLE,
            body="The click could not be written down. Nothing was changed; try again.",
        )
    return BoltResponse(status=HTTPStatus.OK)
