"""Decoding: what counts as a text, a number or a date, and what makes a response unreadable."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.purecloud.decoding import decode_body
from bot.purecloud.errors import GenesysRejected
from bot.purecloud.models import (
    DivsPermittedEntityListing,
    DomainPermission,
    DomainPermissionCollection,
    ErrorBody,
    MediaSummaryDetail,
    NamedEntity,
    OAuthTokenResponse,
    ResourcePermissionPolicy,
    TokenInfo,
    User,
)
from bot.purecloud.responses import ApiResponse, parse_body


@pytest.mark.parametrize(
    ("sent", "read"), [("a", "a"), (7, "7"), (10**400, str(10**400)), ("zoë\u202e", "zoë\u202e"), ("", "")]
)
def test_text__is_a_string_or_a_number(sent: Any, read: str) -> None:
    assert NamedEntity.decode({"name": sent}).name == read


@pytest.mark.parametrize("sent", [True, [], ["a"], {}, {"a": 1}, "\ud800", "a\udfff"])
def test_text__rejects_everything_else_and_what_no_database_stores(sent: Any) -> None:
    with pytest.raises(ValueError, match=r"text|surrogates"):
        NamedEntity.decode({"name": sent})


@pytest.mark.parametrize(("sent", "read"), [(86399, 86399), (3.5, 3.5), ("300", 300), (0, 0), (-1, -1)])
def test_number__may_be_a_string(sent: Any, read: float) -> None:
    assert OAuthTokenResponse.decode({"access_token": "t", "expires_in": sent}).expires_in == read


@pytest.mark.parametrize("sent", [True, "soon", "nan", float("inf"), 10**400, [], {}])
def test_number__is_finite(sent: Any) -> None:
    with pytest.raises(ValueError, match=r"number|could not convert"):
        OAuthTokenResponse.decode({"access_token": "t", "expires_in": sent})


@pytest.mark.parametrize(("sent", "read"), [(404, 404), ("404", 404), (404.0, 404)])
def test_whole_number__may_be_written_in_several_ways(sent: Any, read: int) -> None:
    assert ErrorBody.decode({"status": sent}).status == read


@pytest.mark.parametrize("sent", [404.5, "404.5", "x", False])
def test_whole_number__has_no_fraction(sent: Any) -> None:
    with pytest.raises(ValueError, match=r"number|could not convert"):
        ErrorBody.decode({"status": sent})


@pytest.mark.parametrize("sent", [0, 1, "true", "false", "", []])
def test_flag__is_true_or_false_and_nothing_like_it(sent: Any) -> None:
    with pytest.raises(ValueError, match="flag"):
        DivsPermittedEntityListing.decode({"allDivsPermitted": sent})


@pytest.mark.parametrize(
    ("sent", "read"), [(0, 0), (9999, 9999), (10_000, None), (-1, None), (True, None), ("3", None), (3.0, None)]
)
def test_count__is_none_unless_it_is_certain(sent: Any, read: int | None) -> None:
    assert MediaSummaryDetail.decode({"active": sent}).active == read


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-08-01T09:30:00.123456789Z", datetime(2026, 8, 1, 9, 30, 0, 123456, tzinfo=UTC)),
        ("2026-08-01T09:30:00+00:00", datetime(2026, 8, 1, 9, 30, tzinfo=UTC)),
        ("2026-02-30T00:00:00Z", None),
        (20260801, None),
        (True, None),
        ("\ud800", None),
    ],
)
def test_datetime__is_a_text_in_the_format_of_the_api(sent: Any, read: datetime | None) -> None:
    assert TokenInfo.decode({"dateTokenIdles": sent}).date_token_idles == read


def test_object__keeps_what_is_null_so_that_a_condition_stays_one() -> None:
    policy = ResourcePermissionPolicy.decode({"resourceConditionNode": {"terms": None}})

    assert policy.resource_condition_node == {"terms": None}


def test_mapping__leaves_out_what_is_null() -> None:
    read = DomainPermissionCollection.decode({"permissionMap": {"token": [{"action": "delete"}, None], "other": None}})

    assert read.permission_map == {"token": (DomainPermission(action="delete"),)}


def test_lenient_part__is_none_while_the_rest_is_read() -> None:
    user = User.decode({"id": "u-1", "presence": ["?"], "routingStatus": {"status": "IDLE"}})

    assert user.presence is None
    assert user.routing_status
    assert (user.id, user.routing_status.status) == ("u-1", "IDLE")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"id"',
        b"{",
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        "{}".encode("utf-16"),
        b"[" * 100_000,
        b'{"id":',
    ],
    ids=lambda body: repr(body[:8]),
)
def test_body__that_is_no_object_in_utf_8_is_rejected(body: bytes) -> None:
    with pytest.raises(GenesysRejected, match="unreadable_response"):
        parse_body(NamedEntity, ApiResponse(200, None, body))


def test_body__with_a_long_number_or_a_lone_surrogate_is_rejected() -> None:
    for value in ("9" * 5000, '"\\ud800"'):
        with pytest.raises(ValueError, match=r"digits|surrogates"):
            decode_body(NamedEntity, b'{"id": %s}' % value.encode())


def test_models__are_equal_by_value_and_cannot_be_changed() -> None:
    one = NamedEntity(id="1", name=None)

    assert one == NamedEntity(id="1")
    assert hash(one) == hash(NamedEntity(id="1"))
    assert one not in (NamedEntity(id="2"), TokenInfo(), "1")
    assert repr(one) == "NamedEntity(id='1', name=None)"
    with pytest.raises(AttributeError, match=r"NamedEntity\.id"):
        setattr(one, "id", "2")  # noqa: B010 - mypy refuses the assignment


def test_models__have_no_other_fields() -> None:
    values: Any = {"id": "1", "nmae": "One"}
    with pytest.raises(TypeError, match="NamedEntity has no nmae"):
        NamedEntity(**values)


def test_models__decode_what_they_were_made_from() -> None:
    sent = {"id": "u-1", "name": "Jane", "division": {"id": "d-1", "name": "Home"}, "state": "inactive"}

    assert decode_body(User, json.dumps(sent).encode()) == User(
        id="u-1", name="Jane", division=NamedEntity(id="d-1", name="Home"), state="inactive"
    )
