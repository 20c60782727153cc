"""Permissions that the actions need in Genesys Cloud."""

from __future__ import annotations

from dataclasses import replace

from bot.checks.genesys import action_permissions
from bot.domain.actions import REVOKE, ROTATE


def test_action_permissions__names_every_action_that_needs_one() -> None:
    other = replace(REVOKE, name="suspend")
    more = replace(REVOKE, name="unlock", permission="directory:user:edit")
    assert action_permissions([REVOKE, ROTATE, other, more]) == {
        "oauth:token:delete": "`revoke` and every `suspend`",
        "directory:user:edit": "`unlock`",
    }
