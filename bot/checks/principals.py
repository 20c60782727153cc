"""Check that every principal in REQUESTERS, APPROVERS, ADMINS and PROTECTED exists."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.checks.result import CheckResult, failed, ok, undetermined
from bot.checks.slack import call_slack
from bot.domain.denials import DenialCode
from bot.domain.people import Workspace, read_member
from bot.domain.policy import covers, ineligibility
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SlackUnavailable
from bot.purecloud import AuthorizationApi, DomainPermissionCollection, GenesysForbidden
from bot.settings import Settings

_INELIGIBILITY: Final[Mapping[DenialCode, str]] = {
    DenialCode.OUTSIDER: "belongs to another workspace",
    DenialCode.DEACTIVATED: "is deactivated",
    DenialCode.BOT: "is a bot",
    DenialCode.GUEST: "is a guest",
}
_NOT_FOUND: Final = frozenset({"user_not_found", "users_not_found", "user_not_visible", "no_such_subteam"})
_PROTECTED: Final = "PROTECTED"
"""The setting whose principals need no permission, so that any existing user is valid."""


def principals_in(settings: Settings) -> dict[Principal, tuple[str, ...]]:
    """Return every principal once, with the settings that name it."""
    lists = {
        "APPROVERS": settings.approvers,
        "REQUESTERS": settings.requesters,
        "ADMINS": settings.admins,
        _PROTECTED: settings.protected,
    }
    found: dict[Principal, tuple[str, ...]] = {}
    for setting, principals in lists.items():
        for principal in principals:
            found[principal] = (*found.get(principal, ()), setting)
    return found


def is_genesys_principal(principal: Principal) -> bool:
    """Return whether Genesys Cloud and not Slack knows the principal."""
    return principal.kind in (PrincipalKind.ROLE, PrincipalKind.PERMISSION)


def check_name(principal: Principal, settings: tuple[str, ...]) -> str:
    """Return the name of a principal's check: the settings that name it, and the principal."""
    return f"{', '.join(settings)} {principal}"


class SlackPrincipals:
    """Checks of Slack users and user groups."""

    def __init__(self, client: AsyncWebClient, workspace: Workspace) -> None:
        self._client = client
        self._workspace = workspace

    async def check(self, principal: Principal, settings: tuple[str, ...]) -> CheckResult:
        """Check that a principal exists and can have an effect; raise SlackUnavailable."""
        name = check_name(principal, settings)
        acts = any(setting != _PROTECTED for setting in settings)
        is_group = principal.kind is PrincipalKind.GROUP
        try:
            if is_group:
                return await self._check_group(name, principal.value, acts=acts)
            return await self._check_user(name, principal.value, acts=acts)
        except SlackUnavailable as error:
            if error.slack_code == "plan_upgrade_required":
                message = "the plan of this workspace does not include user groups"
                return failed(name, message, "Name users or Genesys Cloud roles instead.")
            if error.slack_code not in _NOT_FOUND:
                raise
            if is_group:
                hint = f"Correct {settings[0]}, or enable the user group in Slack."
                return failed(name, "Slack has no such user group, or it is disabled", hint)
            hint = f"Correct {settings[0]}. Copy the id from the user's profile in Slack (Copy member ID)."
            return failed(name, "Slack has no such user", hint)

    async def _check_user(self, name: str, user_id: str, *, acts: bool) -> CheckResult:
        found = await call_slack("users.info", self._client.users_info, user=user_id)
        member = read_member(found.get("user") or {})
        denial = ineligibility(member, self._workspace)
        if denial and acts:
            message = f"{member.name} {_INELIGIBILITY[denial]} and therefore has no permission"
            return failed(name, message, "Name a full, active member of this workspace.")
        return ok(name, f"Slack user {member.name}" + (f", who {_INELIGIBILITY[denial]}" if denial else ""))

    async def _check_group(self, name: str, group: str, *, acts: bool) -> CheckResult:
        found = await call_slack("usergroups.users.list", self._client.usergroups_users_list, usergroup=group)
        count = len(found.get("users") or ())
        if acts and not count:
            hint = "Add members to the group in Slack, or name another principal."
            return failed(name, "the user group has no members", hint)
        return ok(name, f"user group with {count} member{'' if count == 1 else 's'}")


class GenesysPrincipals:
    """Checks of Genesys Cloud roles and permissions."""

    def __init__(self, authorization: AuthorizationApi) -> None:
        self._authorization = authorization

    async def check(self, principal: Principal, settings: tuple[str, ...]) -> CheckResult:
        """Check that a role or permission exists; raise GenesysError."""
        name = check_name(principal, settings)
        if principal.kind is PrincipalKind.PERMISSION:
            return await self._check_permission(name, principal.value)
        return await self._check_role(name, principal.value)

    async def _check_role(self, name: str, role: str) -> CheckResult:
        try:
            found = await self._authorization.get_authorization_roles(role)
        except GenesysForbidden as error:
            message = "listing roles requires authorization:role:view, which the bot does not need otherwise"
            hint = (
                "Compare the role with Admin > People & Permissions > Roles / Permissions, or grant the permission "
                "temporarily."
            )
            return undetermined(name, message, hint, error.correlation_id)
        if not found:
            hint = "Correct it. Admin > People & Permissions > Roles / Permissions lists the roles."
            return failed(name, "Genesys Cloud has no role with this id or name", hint)
        return ok(name, f"role {found[0].name} ({found[0].id})")

    async def _check_permission(self, name: str, value: str) -> CheckResult:
        domain, entity, action = value.split(":")
        catalogue = await self._authorization.get_authorization_permissions()
        if any(covers((domain, entity, action), permission) for permission in _permissions_in(catalogue)):
            return ok(name, "the permission exists in Genesys Cloud")
        hint = "Write it as domain:entity:action in lower case, for example oauth:token:delete."
        return failed(name, "Genesys Cloud has no such permission", hint)


def _permissions_in(catalogue: list[DomainPermissionCollection]) -> list[tuple[str, str, str]]:
    return [
        ((collection.domain or "").lower(), entity.lower(), (permission.action or "").lower())
        for collection in catalogue
        for entity, permissions in collection.permission_map.items()
        for permission in permissions
    ]
