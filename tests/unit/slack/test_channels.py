"""Who sees a channel, and what the bot does not post there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.domain.denials import DenialCode
from bot.errors import SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.api import SlackCallError
from bot.slack.channels import ANSWER_AGE, MAX_ANSWER_AGE, Audience, Channels, read_audience
from tests.support.components import Components, open_components

CHANNEL = {"id": personas.OPS, "is_channel": True, "is_ext_shared": False, "is_shared": False}
SECRET = "C0SECRET01"


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    "difference",
    [
        {"is_ext_shared": True},
        {"is_ext_shared": True, "is_org_shared": True, "is_shared": True},
        {"is_pending_ext_shared": True},
        {"pending_shared": ["T0PARTNER1"]},
        {"pending_connected_team_ids": ["T0PARTNER1"]},
        {"is_shared": True},
    ],
    ids=str,
)
def test_audience__with_another_organization_is_shared(difference: dict[str, Any]) -> None:
    assert read_audience(CHANNEL | difference) is Audience.SHARED


@pytest.mark.parametrize("difference", [{}, {"is_shared": True, "is_org_shared": True}, {"pending_shared": []}])
def test_audience__of_one_organization_is_its_own(difference: dict[str, Any]) -> None:
    assert read_audience(CHANNEL | difference) is Audience.OWN


@pytest.mark.parametrize(
    ("private", "audience"), [(True, Audience.PRIVATE), (False, Audience.OWN), ("yes", Audience.OWN)]
)
def test_audience__of_a_private_channel_is_private(private: Any, audience: Audience) -> None:
    assert read_audience(CHANNEL | {"is_private": private}) is audience
    assert read_audience(CHANNEL | {"is_private": private, "is_ext_shared": True}) is Audience.SHARED


@pytest.mark.parametrize("found", [None, "C1", {}, {"id": "C1"}, CHANNEL | {"is_ext_shared": None}], ids=str)
def test_audience__of_what_is_no_channel_is_unknown(found: Any) -> None:
    assert read_audience(found) is Audience.UNKNOWN


async def test_is_private__asks_slack_once_a_minute_and_is_false_without_an_answer(components: Components) -> None:
    assert await components.channels.is_private(personas.APPROVALS)
    assert not await components.channels.is_private(personas.OPS)
    components.slack.fault("conversations.info", SlackFault(error="internal_error", times=None))
    assert await components.channels.is_private(personas.APPROVALS)
    assert reads(components) == 2
    components.clock.advance(MAX_ANSWER_AGE + 1)
    assert not await components.channels.is_private(personas.APPROVALS)
    components.slack.clear_faults()
    components.slack.channels[personas.APPROVALS].is_private = False
    assert not await components.channels.is_private(personas.APPROVALS)


def reads(components: Components) -> int:
    return len(components.slack.calls_of("conversations.info"))


@pytest.mark.parametrize(
    ("channel", "objection"),
    [
        (personas.OPS, None),
        (personas.SHARED, DenialCode.CHANNEL_SHARED),
        (SECRET, DenialCode.CHANNEL_UNREADABLE),
    ],
)
async def test_objection__depends_on_the_audience(
    components: Components, channel: str, objection: DenialCode | None
) -> None:
    assert await components.channels.objection(channel) is objection


async def test_objection__to_a_direct_message_needs_no_call(components: Components) -> None:
    for conversation in (personas.OLIVIA, "W0GRID0001", components.slack.workspace.dm(personas.OLIVIA).id):
        assert await components.channels.objection(conversation) is None
    assert reads(components) == 0


async def test_objection__is_asked_again_after_seconds(components: Components) -> None:
    assert await components.channels.objection(personas.OPS) is None
    components.slack.channels[personas.OPS].is_ext_shared = True
    assert await components.channels.objection(personas.OPS) is None
    assert reads(components) == 1

    components.clock.now += ANSWER_AGE

    assert await components.channels.objection(personas.OPS) is DenialCode.CHANNEL_SHARED
    assert reads(components) == 2


@pytest.mark.parametrize(
    ("channel", "shared", "objection"),
    [
        (personas.OPS, False, DenialCode.CHANNEL_UNREADABLE),
        (personas.APPROVALS, False, None),
        (personas.APPROVALS, True, None),
    ],
)
async def test_objection__without_the_scopes_trusts_only_a_configured_channel(
    components: Components, channel: str, shared: bool, objection: DenialCode | None
) -> None:
    """`check` fails for the missing scope, and an upgrade must not end all approvals."""
    components.slack.channels[channel].is_ext_shared = shared
    components.slack.api.scopes -= {"channels:read", "groups:read"}
    assert await components.channels.objection(channel) is objection


async def test_objection__to_a_configured_channel_that_is_shared(components: Components) -> None:
    components.slack.channels[personas.AUDIT].is_pending_ext_shared = True
    assert await components.channels.objection(personas.AUDIT) is DenialCode.CHANNEL_SHARED


async def test_objection__during_an_outage_is_the_last_one_for_ten_minutes(components: Components) -> None:
    channels = Channels(components.api, clock=components.clock)
    assert await channels.objection(personas.SHARED) is DenialCode.CHANNEL_SHARED
    assert await channels.objection(personas.OPS) is None
    components.slack.fault("conversations.info", SlackFault(error="internal_error", times=None))

    components.clock.now += MAX_ANSWER_AGE
    assert await channels.objection(personas.SHARED) is DenialCode.CHANNEL_SHARED
    assert await channels.objection(personas.OPS) is None
    components.clock.now += ANSWER_AGE + 1
    for channel in (personas.SHARED, personas.OPS):
        with pytest.raises(SlackUnavailable):
            await channels.objection(channel)

    components.slack.clear_faults()
    assert await channels.objection(personas.OPS) is None


async def test_post__to_a_shared_channel_or_its_threads_is_never_sent(components: Components) -> None:
    for thread in ({}, {"thread_ts": "1.0"}):
        with pytest.raises(SlackCallError) as error:
            await components.messenger.post(personas.SHARED, {"text": "about Tom"}, **thread)
        assert (error.value.slack_code, error.value.retryable) == ("channel_shared", False)
    assert components.slack.calls_of("chat.postMessage") == []


async def test_post__during_an_outage_is_retryable_and_not_sent(components: Components) -> None:
    components.slack.fault("conversations.info", SlackFault(retry_after=30, times=None))
    with pytest.raises(SlackCallError) as error:
        await components.messenger.post(personas.OPS, {"text": "about Tom"})
    assert (error.value.retryable, error.value.retry_after) == (True, 30)
    assert components.slack.messages == []
