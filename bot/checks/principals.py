"""Whether everybody exists whom REQUESTERS, APPROVERS, ADMINS and PROTECTED name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.checks.result import Finding, unknown, well, wrong
from bot.checks.slack import ask
from bot.domain.people import Principal, PrincipalKind, Workspace, read_member
from bot.domain.policy import DenialCode, covers, standing
from bot.errors import SlackUnavailable
from bot.purecloud import AuthorizationApi, DomainPermissionCollection, GenesysForbidden
from bot.settings import Settings

_STANDING: Final[Mapping[DenialCode, str]] = {
    DenialCode.OUTSIDER: "belongs to another workspace",
    DenialCode.DEACTIVATED: "is deactivated",
    DenialCode.BOT: "is a bot",
    DenialCode.GUEST: "is a guest",
}
_NO_SUCH: Final = frozenset({"user_not_found", "users_not_found", "user_not_visible", "no_such_subteam"})
PROTECTED: Final = "PROTECTED"


def named_in(settings: Settings) -> dict[Principal, tuple[str, ...]]:
    """Every principal once, with the settings that name it."""
    lists = {
        "APPROVERS": settings.approvers,
        "REQUESTERS": settings.requesters,
        "ADMINS": settings.admins,
        PROTECTED: settings.protected,
    }
    found: dict[Principal, tuple[str, ...]] = {}
    for setting, principals in lists.items():
        for principal in principals:
            found[principal] = (*found.get(principal, ()), setting)
    return found


def asks_genesys(principal: Principal) -> bool:
    """Whether Genesys Cloud knows it, not Slack."""
    return principal.kind in (PrincipalKind.ROLE, PrincipalKind.PERMISSION)


def check_of(principal: Principal, settings: tuple[str, ...]) -> str:
    """Name the check of a principal: where it is written, and what."""
    return f"{', '.join(settings)} {principal}"


class SlackPrincipals:
    """Slack users and user groups."""

    def __init__(self, client: AsyncWebClient, workspace: Workspace) -> None:
        self._client = client
        self._workspace = workspace

    async def look_up(self, principal: Principal, settings: tuple[str, ...]) -> Finding:
        """Whether it exists and can mean anybody; raises SlackUnavailable."""
        check = check_of(principal, settings)
        acts = any(setting != PROTECTED for setting in settings)
        try:
            if principal.kind is PrincipalKind.GROUP:
                return await self._group(check, principal.value, acts=acts)
            return await self._user(check, principal.value, acts=acts)
        except SlackUnavailable as error:
            if error.slack_code == "plan_upgrade_required":
                return wrong(check, "this workspace's plan has no user groups", "Name people or Genesys Cloud roles.")
            if error.slack_code not in _NO_SUCH:
                raise
            what = "user group that is switched on" if principal.kind is PrincipalKind.GROUP else "user"
            return wrong(check, f"Slack knows no such {what}", f"Correct {settings[0]}: ids stand in Slack's profiles.")

    async def _user(self, check: str, user_id: str, *, acts: bool) -> Finding:
        found = await ask("users.info", self._client.users_info, user=user_id)
        member = read_member(found.get("user") or {})
        against = standing(member, self._workspace)
        if against and acts:
            says = f"{member.name} {_STANDING[against]} and so may do nothing"
            return wrong(check, says, "Name a full, active member of this workspace.")
        return well(check, f"it is {member.name}" + (f", who {_STANDING[against]}" if against else ""))

    async def _group(self, check: str, group: str, *, acts: bool) -> Finding:
        found = await ask("usergroups.users.list", self._client.usergroups_users_list, usergroup=group)
        count = len(found.get("users") or ())
        if acts and not count:
            return wrong(check, "nobody is in this user group", "Add people to it in Slack, or name another.")
        return well(check, f"the user group has {count} member{'' if count == 1 else 's'}")


class GenesysPrincipals:
    """Genesys Cloud roles and permissions."""

    def __init__(self, authorization: AuthorizationApi) -> None:
        self._authorization = authorization

    async def look_up(self, principal: Principal, settings: tuple[str, ...]) -> Finding:
        """Whether there is such a role or permission; raises GenesysError."""
        check = check_of(principal, settings)
        if principal.kind is PrincipalKind.PERMISSION:
            return await self._permission(check, principal.value)
        return await self._role(check, principal.value)

    async def _role(self, check: str, named: str) -> Finding:
        try:
            found = await self._authorization.get_authorization_roles(named)
        except GenesysForbidden as error:
            says = "roles cannot be listed without authorization:role:view, which the bot needs for nothing else"
            advice = "Compare it with Admin > People & Permissions > Roles / Permissions, or grant that for a moment."
            return unknown(check, says, advice, error.correlation_id)
        if not found:
            says = "Genesys Cloud has no role of that id or name"
            return wrong(check, says, "Correct it: roles stand under Admin > People & Permissions.")
        return well(check, f"it is the role {found[0].name} ({found[0].id})")

    async def _permission(self, check: str, value: str) -> Finding:
        domain, entity, action = value.split(":")
        catalogue = await self._authorization.get_authorization_permissions()
        if any(covers((domain, entity, action), one) for one in _all(catalogue)):
            return well(check, "there is such a permission")
        return wrong(check, "Genesys Cloud has no such permission", "Write it as domain:entity:action, in lower case.")


def _all(catalogue: list[DomainPermissionCollection]) -> list[tuple[str, str, str]]:
    return [
        ((one.domain or "").lower(), entity.lower(), (permission.action or "").lower())
        for one in catalogue
        for entity, permissions in one.permission_map.items()
        for permission in permissions
    ]
