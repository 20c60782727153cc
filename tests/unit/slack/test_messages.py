"""Messages that arrive, and why others did not: the code, whether to try again, and when."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.requests import MessageRef
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.messages import DeliveryError
from tests.support.components import QUIET, Components, open_components

HELLO = {"text": "Hello", "blocks": []}


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


FAULTS = [
    (SlackFault(retry_after=30), "ratelimited", True, 30.0),
    (SlackFault(status=429), "ratelimited", True, 1.0),  # it did not say how long
    (SlackFault(status=429, retry_after=172800), "ratelimited", True, 86400.0),
    (SlackFault(error="internal_error"), "internal_error", True, 0.0),
    (SlackFault(html="<h1>Bad gateway</h1>", status=502), "http_502", True, 0.0),
    (SlackFault(drop=True), "ServerDisconnectedError", True, 0.0),
    (SlackFault(error="missing_scope"), "missing_scope", False, 0.0),
    (SlackFault(error="channel_not_found"), "channel_not_found", False, 0.0),
    (SlackFault(error="is_archived"), "is_archived", False, 0.0),
]


@pytest.mark.parametrize(("fault", "code", "passing", "wait"), FAULTS, ids=[one[1] for one in FAULTS])
async def test_post__what_slack_does_not_take_is_told(
    office: Components, fault: SlackFault, code: str, *, passing: bool, wait: float
) -> None:
    office.slack.fault("chat.postMessage", replace(fault))
    with pytest.raises(DeliveryError) as caught:
        await office.courier.post(personas.OPS, HELLO)
    assert (caught.value.slack_code, caught.value.passing, caught.value.wait) == (code, passing, wait)
    assert office.said_to(personas.OPS) == []
    assert office.calls[-1] == ("chat.postMessage", code)
    assert len(office.slack.calls_of("chat.postMessage")) == 1  # a post that may have arrived is not sent again


async def test_post__a_person_is_told_in_their_direct_messages(office: Components) -> None:
    place = await office.courier.post(personas.RAVI, HELLO)
    assert place.channel == office.slack.workspace.dm(personas.RAVI).id
    assert place.ts == office.slack.messages[-1].ts
    assert office.calls[-1] == ("chat.postMessage", "ok")


async def test_post__where_the_bot_is_not_it_cannot(office: Components) -> None:
    with pytest.raises(DeliveryError, match="not_in_channel") as caught:
        await office.courier.post(QUIET, HELLO)
    assert not caught.value.passing


async def test_update__edits_and_tells_what_cannot_be_edited(office: Components) -> None:
    place = await office.courier.post(personas.OPS, HELLO)
    await office.courier.update(place, {"text": "Goodbye", "blocks": []})
    assert office.said_to(personas.OPS) == ["Goodbye"]
    with pytest.raises(DeliveryError, match="message_not_found") as caught:
        await office.courier.update(MessageRef(personas.OPS, "1.2"), HELLO)
    assert not caught.value.passing


async def test_tell__one_person_or_everybody(office: Components) -> None:
    url = office.response_url(personas.RAVI)
    await office.courier.tell(url, {"text": "For you", "blocks": []})
    await office.courier.tell(url, {"text": "For all", "blocks": []}, everyone=True)
    seen = [office.slack.text_of(one) for one in office.slack.seen_by(personas.OLIVIA)]
    assert "For all" in seen
    assert "For you" not in seen
    assert "For you" in [office.slack.text_of(one) for one in office.slack.seen_by(personas.RAVI)]


@pytest.mark.parametrize(
    ("fault", "code", "passing"),
    [
        (SlackFault(html="expired_url", status=404), "http_404", False),
        (SlackFault(html="slow down", status=429), "http_429", True),
        (SlackFault(html="sorry", status=503), "http_503", True),
        (SlackFault(drop=True), "ServerDisconnectedError", True),
    ],
)
async def test_tell__an_address_that_does_not_take_it_is_never_named(
    office: Components, fault: SlackFault, code: str, *, passing: bool
) -> None:
    """A response_url is a capability: it must not reach a log by way of an error."""
    office.slack.fault("response_url", replace(fault))
    url = office.response_url(personas.RAVI)
    with pytest.raises(DeliveryError) as caught:
        await office.courier.tell(url, HELLO)
    assert (caught.value.slack_code, caught.value.passing) == (code, passing)
    assert caught.value.__cause__ is None
    assert url.rpartition("/")[2] not in str(caught.value)
    assert office.calls[-1][0] == "response_url"


async def test_tell__what_is_no_address_is_not_delivered(office: Components) -> None:
    with pytest.raises(DeliveryError):
        await office.courier.tell("no address", HELLO)


async def test_replace__edits_the_clicked_message(office: Components) -> None:
    place = await office.courier.post(personas.OPS, HELLO)
    message = next(one for one in office.slack.messages if one.ts == place.ts)
    url = office.slack.response_url_for_click(message, personas.OLIVIA)
    await office.courier.replace(url, {"text": "Done", "blocks": []})
    assert office.said_to(personas.OPS) == ["Done"]
