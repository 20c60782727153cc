"""Models accept incomplete and unknown fields, and show no secret."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from pydantic import ValidationError

from bot.purecloud.models import (
    ErrorBody,
    OAuthErrorResponse,
    OAuthTokenResponse,
    TokenInfo,
    User,
    UserAuthorization,
    UsersSearchResponse,
)

MODELS = [TokenInfo, User, UsersSearchResponse, UserAuthorization, ErrorBody, OAuthErrorResponse]


@pytest.mark.parametrize("model", MODELS)
def test_models__accept_an_empty_response_and_unknown_fields(model: Any) -> None:
    assert model.model_validate({}) == model.model_validate({"somethingNew": {"in": ["2027"]}})


@pytest.mark.parametrize("model", MODELS)
def test_models__accept_null_in_every_field(model: Any) -> None:
    nothing = {info.alias or name: None for name, info in model.model_fields.items()}

    assert model.model_validate(nothing) == model()


def test_token_info__reads_the_client_from_its_pascal_case_key() -> None:
    info = TokenInfo.model_validate({"OAuthClient": {"id": "purecloud-builtin", "authorizedGrantType": "CODE_PKCE"}})

    assert info.oauth_client
    assert info.oauth_client.id == "purecloud-builtin"
    assert info.oauth_client.authorized_grant_type == "CODE_PKCE"
    assert TokenInfo.model_validate({"oauthClient": {"id": "x"}}).oauth_client is None


def test_token_info__separates_the_home_organization() -> None:
    info = TokenInfo.model_validate(
        {
            "organization": {"id": "1", "name": "Trustor"},
            "homeOrganization": {"id": "2", "name": "Trustee"},
            "authorizedScope": ["users", None, "authorization"],
        }
    )

    assert info.organization
    assert info.home_organization
    assert (info.organization.name, info.home_organization.name) == ("Trustor", "Trustee")
    assert info.authorized_scope == ("users", "authorization")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ("2026-08-01T09:30:00.000Z", datetime(2026, 8, 1, 9, 30, tzinfo=UTC)),
        ("2026-08-01T09:30:00+0200", datetime(2026, 8, 1, 9, 30, tzinfo=timezone(timedelta(hours=2)))),
        ("2026-08-01T09:30:00", datetime(2026, 8, 1, 9, 30, tzinfo=UTC)),
        ("soon", None),
        ("", None),
        (None, None),
        ({}, None),
    ],
)
def test_token_info__date_has_a_time_zone_or_is_none_if_unreadable(sent: Any, read: datetime | None) -> None:
    assert TokenInfo.model_validate({"dateTokenIdles": sent}).date_token_idles == read


@pytest.mark.parametrize(
    ("state", "active"), [("active", True), ("ACTIVE", True), ("inactive", False), ("paused", False), (None, True)]
)
def test_user__is_active_only_with_state_active_or_none(state: str | None, active: bool) -> None:
    assert User.model_validate({"state": state}).active is active


@pytest.mark.parametrize(("sent", "read"), [("u-1", "u-1"), (7, "7"), (None, ""), ("", "")])
def test_user__missing_id_is_empty(sent: Any, read: str) -> None:
    assert User.model_validate({"id": sent}).id == read


@pytest.mark.parametrize("answer", [{}, {"results": None}, {"results": []}, {"total": 0, "results": [None]}])
def test_users_search__missing_null_or_empty_results_are_empty(answer: dict[str, Any]) -> None:
    assert UsersSearchResponse.model_validate(answer).results == ()


def test_user_authorization__keeps_wildcards_and_conditions() -> None:
    policy = {
        "domain": "oauth",
        "entityName": "*",
        "actionSet": ["*"],
        "allowConditions": True,
        "resourceCondition": "x",
        "resourceConditionNode": {"conjunction": "AND", "terms": []},
        "namedResources": None,
    }
    granted = UserAuthorization.model_validate({"permissions": ["oauth:*:*"], "permissionPolicies": [policy]})

    (read,) = granted.permission_policies
    assert (read.domain, read.entity_name, read.action_set) == ("oauth", "*", ("*",))
    assert read.allow_conditions
    assert read.resource_condition == "x"
    assert read.resource_condition_node == {"conjunction": "AND", "terms": []}
    assert read.named_resources == ()


def test_list_field__rejects_a_string() -> None:
    with pytest.raises(ValidationError):
        UserAuthorization.model_validate({"permissions": "oauth:token:delete"})


def test_oauth_token__is_hidden_in_every_representation() -> None:
    token = OAuthTokenResponse.model_validate({"access_token": "top-secret", "token_type": "bearer", "expires_in": 60})

    assert token.access_token.get_secret_value() == "top-secret"
    assert "top-secret" not in f"{token} {token!r} {token.model_dump()} {token.model_dump_json()}"


@pytest.mark.parametrize("body", ['{"access_token": ["top-secret"]}', '{"access_token": ""}', '{"expires_in": 60}'])
def test_oauth_token__invalid_body_is_rejected_without_quoting_it(body: str) -> None:
    with pytest.raises(ValidationError) as raised:
        OAuthTokenResponse.model_validate_json(body)

    assert "top-secret" not in str(raised.value)
