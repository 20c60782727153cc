"""Messages: what Slack takes, and the code and retry advice for what it does not take."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.requests import MessageRef
from bot.errors import SlackUnavailable
from bot.sandbox import personas
from bot.sandbox.slack.faults import SlackFault
from bot.slack.api import TOKEN_ENDED, SlackCallError
from tests.support.components import NOT_INVITED, Components, open_components

HELLO = {"text": "Hello", "blocks": []}


@pytest.fixture
async def components(tmp_path: Path) -> AsyncIterator[Components]:
    async with open_components(tmp_path) as opened:
        yield opened


FAULTS = [
    (SlackFault(retry_after=30), "ratelimited", True, 30.0),
    (SlackFault(status=429), "ratelimited", True, 1.0),  # without a delay
    (SlackFault(status=429, retry_after=172800), "ratelimited", True, 86400.0),
    (SlackFault(error="internal_error"), "internal_error", True, 0.0),
    (SlackFault(html="<h1>Bad gateway</h1>", status=502), "http_502", True, 0.0),
    (SlackFault(drop=True), "connection_lost", True, 0.0),
    (SlackFault(error="missing_scope"), "missing_scope", False, 0.0),
    (SlackFault(error="channel_not_found"), "channel_not_found", False, 0.0),
    (SlackFault(error="is_archived"), "is_archived", False, 0.0),
]


@pytest.mark.parametrize(("fault", "code", "retryable", "retry_after"), FAULTS, ids=[one[1] for one in FAULTS])
async def test_post__error_names_slacks_code_and_when_to_retry(
    components: Components, fault: SlackFault, code: str, *, retryable: bool, retry_after: float
) -> None:
    components.slack.fault("chat.postMessage", replace(fault))
    with pytest.raises(SlackCallError) as caught:
        await components.messenger.post(personas.OPS, HELLO)
    assert (caught.value.slack_code, caught.value.retryable, caught.value.retry_after) == (code, retryable, retry_after)
    assert components.texts_in(personas.OPS) == []
    assert components.calls[-1] == ("chat.postMessage", code)
    assert len(components.slack.calls_of("chat.postMessage")) == 1  # a post that may have arrived is not repeated


async def test_post__to_a_user_is_a_direct_message(components: Components) -> None:
    ref = await components.messenger.post(personas.RAVI, HELLO)
    assert ref.channel == components.slack.workspace.dm(personas.RAVI).id
    assert ref.ts == components.slack.messages[-1].ts
    assert components.calls[-1] == ("chat.postMessage", "ok")


async def test_post__fails_in_a_channel_without_the_bot(components: Components) -> None:
    with pytest.raises(SlackCallError, match="not_in_channel") as caught:
        await components.messenger.post(NOT_INVITED, HELLO)
    assert not caught.value.retryable


async def test_update__edits_a_message_or_names_the_error(components: Components) -> None:
    ref = await components.messenger.post(personas.OPS, HELLO)
    await components.messenger.update(ref, {"text": "Goodbye", "blocks": []})
    assert components.texts_in(personas.OPS) == ["Goodbye"]
    with pytest.raises(SlackCallError, match="message_not_found") as caught:
        await components.messenger.update(MessageRef(personas.OPS, "1.2"), HELLO)
    assert not caught.value.retryable


async def test_respond__reaches_one_person_or_the_channel(components: Components) -> None:
    url = components.response_url(personas.RAVI)
    await components.messenger.respond(url, {"text": "For you", "blocks": []})
    await components.messenger.respond(url, {"text": "For all", "blocks": []}, in_channel=True)
    seen = [components.slack.text_of(one) for one in components.slack.seen_by(personas.OLIVIA)]
    assert "For all" in seen
    assert "For you" not in seen
    assert "For you" in [components.slack.text_of(one) for one in components.slack.seen_by(personas.RAVI)]


@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        (SlackFault(html="expired_url", status=404), "http_404", False),
        (SlackFault(html="slow down", status=429), "http_429", True),
        (SlackFault(html="sorry", status=503), "http_503", True),
        (SlackFault(drop=True), "connection_lost", True),
    ],
)
async def test_respond__error_never_contains_the_url(
    components: Components, fault: SlackFault, code: str, *, retryable: bool
) -> None:
    """A `response_url` is a credential, so an error must not carry it into a log."""
    components.slack.fault("response_url", replace(fault))
    url = components.response_url(personas.RAVI)
    with pytest.raises(SlackCallError) as caught:
        await components.messenger.respond(url, HELLO)
    assert (caught.value.slack_code, caught.value.retryable) == (code, retryable)
    assert caught.value.__cause__ is None
    assert url.rpartition("/")[2] not in str(caught.value)
    assert components.calls[-1][0] == "response_url"


async def test_respond__malformed_url_is_an_error(components: Components) -> None:
    with pytest.raises(SlackCallError):
        await components.messenger.respond("no url", HELLO)


async def test_replace_original__edits_the_clicked_message(components: Components) -> None:
    ref = await components.messenger.post(personas.OPS, HELLO)
    message = next(one for one in components.slack.messages if one.ts == ref.ts)
    url = components.slack.response_url_for_click(message, personas.OLIVIA)
    await components.messenger.replace_original(url, {"text": "Done", "blocks": []})
    assert components.texts_in(personas.OPS) == ["Done"]


@pytest.mark.parametrize("code", sorted(TOKEN_ENDED))
async def test_token_refused__by_any_call_holds_until_a_later_call_succeeds(components: Components, code: str) -> None:
    api = components.messenger._api
    components.slack.fault("chat.postMessage", SlackFault(error=code))

    with pytest.raises(SlackCallError):
        await components.messenger.post(personas.OPS, {"text": "hello"})
    assert api.token_refused == code
    components.slack.fault("auth.test", SlackFault(error="internal_error", times=2))
    with pytest.raises(SlackUnavailable):
        await api.read("auth.test")
    assert api.token_refused == code
    await api.read("auth.test")

    assert api.token_refused is None
