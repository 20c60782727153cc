"""A stored state is read as far as this version understands it."""

from __future__ import annotations

from typing import Any

import pytest

from bot.domain.live_state import MAX_CONVERSATIONS, MEDIA, PRESENCES, LiveState, read_live_state
from tests.support.examples import NOON, request

FULL = LiveState(NOON, {"call": 1, "video": MAX_CONVERSATIONS}, on_queue=True, presence="meal", last_login=NOON - 5.5)


@pytest.mark.parametrize(
    "state",
    [
        FULL,
        LiveState(NOON),
        LiveState(NOON, conversations={}),
        LiveState(NOON, dict.fromkeys(MEDIA, 1)),
        LiveState(NOON, on_queue=False),
        *(LiveState(NOON, presence=one) for one in sorted(PRESENCES)),
        LiveState(NOON, last_login=0.0),
    ],
    ids=str,
)
def test_read__returns_what_was_stored(state: LiveState) -> None:
    assert read_live_state(state.codes) == state


def test_codes__leave_out_what_is_not_known() -> None:
    assert LiveState(NOON).codes == {"at": NOON}
    assert LiveState(NOON, {}, on_queue=False).codes == {"at": NOON, "conversations": {}, "on_queue": False}


def test_words__are_those_of_genesys_cloud() -> None:
    assert MEDIA == ("call", "callback", "chat", "email", "message", "social", "video")
    assert sorted(PRESENCES) == [
        "available", "away", "break", "busy", "idle", "meal", "meeting", "offline", "on_queue", "training",
    ]  # fmt: skip
    assert MAX_CONVERSATIONS == 9999


@pytest.mark.parametrize(
    "stored", [None, "", [], 1, {}, {"at": None}, {"at": "noon"}, {"at": True}, {"presence": "busy"}], ids=str
)
def test_read__of_what_is_no_state_is_none(stored: Any) -> None:
    assert read_live_state(stored) is None


NOT_UNDERSTOOD: dict[str, list[Any]] = {
    "conversations": [None, [], 1, {"call": 0}, {"call": -1}, {"call": True}, {"call": 1.0}, {"call": 1, "hologram": 1},
                      {"call": MAX_CONVERSATIONS + 1}],
    "on_queue": [None, 0, 1, "yes"],
    "presence": [None, 1, [], "", "levitating"],
    "last_login": [None, "noon", True, []],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "value"), [(name, one) for name, values in NOT_UNDERSTOOD.items() for one in values], ids=str
)
def test_read__takes_what_it_does_not_understand_as_not_known(name: str, value: Any) -> None:
    found = read_live_state(FULL.codes | {name: value})
    assert found is not None
    assert getattr(found, name) is None
    assert found.codes == {key: one for key, one in FULL.codes.items() if key != name}


def test_is_known__if_one_part_is() -> None:
    assert not LiveState(NOON).is_known
    parts: list[dict[str, Any]] = [
        {"conversations": {}},
        {"on_queue": False},
        {"presence": "busy"},
        {"last_login": 0.0},
    ]
    for part in parts:
        assert LiveState(NOON, **part).is_known


def test_request__has_the_state_just_before_its_call_in_its_outcome() -> None:
    assert request().live_before is None
    assert request(outcome={"live": FULL.codes}).live_before == FULL
