"""Check that every principal in the settings exists."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from slack_sdk.web.async_client import AsyncWebClient

from bot.checks.errors import RETRY_HINT
from bot.checks.result import CheckResult, failed, ok, undetermined
from bot.checks.slack import call_slack
from bot.domain.denials import DenialCode
from bot.domain.people import Member, Workspace, read_member
from bot.domain.policy import covers, ineligibility
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SlackUnavailable
from bot.purecloud import AuthorizationApi, DomainPermissionCollection, GenesysForbidden
from bot.services.slack_principals import MAX_GROUP_SIZE
from bot.settings import Settings

_INELIGIBILITY: Final[Mapping[DenialCode, str]] = {
    DenialCode.OUTSIDER: "belongs to another workspace",
    DenialCode.DEACTIVATED: "is deactivated",
    DenialCode.BOT: "is a bot",
    DenialCode.GUEST: "is a guest",
}
_OTHERS: Final[Mapping[DenialCode, tuple[str, str]]] = {
    DenialCode.GUEST: ("guest", "guests"),
    DenialCode.DEACTIVATED: ("deactivated user", "deactivated users"),
    DenialCode.BOT: ("bot", "bots"),
    DenialCode.OUTSIDER: ("person of another workspace", "people of other workspaces"),
}
"""Members of a user group who have no rights, in the singular and in the plural."""

MAX_CONCURRENT_LOOKUPS: Final = 10
"""Lookups of users at the same time, so that a large group does not meet a rate limit at once."""

_EDITABLE: Final = "; Slack decides who may edit the group"
"""A reminder, because who may edit a group decides who has its rights."""

_NOT_FOUND: Final = frozenset({"user_not_found", "users_not_found", "user_not_visible", "no_such_subteam"})
_PROTECTED: Final = "PROTECTED"
"""The setting whose principals need no permission, so that any existing user is valid."""


def principals_in(settings: Settings) -> dict[Principal, tuple[str, ...]]:
    """Return every principal once, with the settings that name it."""
    lists = {
        "APPROVERS": settings.approvers,
        "REQUESTERS": settings.requesters,
        "ADMINS": settings.admins,
        "BREAK_GLASS": settings.break_glass,
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
        self._lookups = asyncio.Semaphore(MAX_CONCURRENT_LOOKUPS)
        self.members: dict[Principal, list[Member]] = {}
        """The full, active, human members whom each principal names, as far as they could be read."""

    async def check(self, principal: Principal, settings: tuple[str, ...]) -> CheckResult:
        """Check that a principal exists and can have an effect; raise SlackUnavailable."""
        name = check_name(principal, settings)
        check = self._check_group if principal.kind is PrincipalKind.GROUP else self._check_user
        try:
            return await check(name, principal, settings)
        except SlackUnavailable as error:
            if error.slack_code == "plan_upgrade_required":
                message = "the plan of this workspace does not include user groups"
                return failed(name, message, "Name users or Genesys Cloud roles instead.")
            if error.slack_code not in _NOT_FOUND:
                raise
            return _not_found(name, principal, settings)

    async def _check_user(self, name: str, principal: Principal, settings: tuple[str, ...]) -> CheckResult:
        member = await self._member(principal.value)
        denial = ineligibility(member, self._workspace)
        self.members[principal] = [] if denial else [member]
        if denial and _acts(settings):
            message = f"{member.name} {_INELIGIBILITY[denial]} and therefore has no permission"
            return failed(name, message, "Name a full, active member of this workspace.")
        if _PROTECTED in settings and not member.email and not member.bot:
            message = f"{member.name} has no email address in Slack, so people without a Slack user count as protected"
            return undetermined(name, message, "Add the address in Slack, or list a Genesys Cloud role instead.")
        return ok(name, f"Slack user {member.name}" + (f", who {_INELIGIBILITY[denial]}" if denial else ""))

    async def _check_group(self, name: str, principal: Principal, settings: tuple[str, ...]) -> CheckResult:
        group = principal.value
        found = await call_slack("usergroups.users.list", self._client.usergroups_users_list, usergroup=group)
        ids = [str(one) for one in found.get("users") or ()]
        if not ids:
            hint = "Add members to the group in Slack, or name another principal."
            return failed(name, f"the user group has no members{_consequence(settings)}", hint)
        if len(ids) > MAX_GROUP_SIZE:
            return _large_group(name, len(ids), settings)
        try:
            members = [one for one in await asyncio.gather(*map(self._known_member, ids)) if one]
        except SlackUnavailable as error:
            message = f"user group with {len(ids)} members, who could not all be looked up ({error.slack_code})"
            return undetermined(name, message, RETRY_HINT)
        return self._group_result(name, principal, settings, members)

    def _group_result(
        self, name: str, principal: Principal, settings: tuple[str, ...], members: Sequence[Member]
    ) -> CheckResult:
        """Return the result for a group whose members are known: how many of them the rules let act."""
        denials = [ineligibility(one, self._workspace) for one in members]
        full = [one for one, denial in zip(members, denials, strict=True) if denial is None]
        self.members[principal] = full
        others = [_counted(denials.count(code), *words) for code, words in _OTHERS.items() if code in denials]
        message = f"user group with {_counted(len(full), 'full member', 'full members')}"
        if not _acts(settings):
            return ok(name, f"{', '.join((message, *others))}{_EDITABLE}")
        if others:
            message += f"; not counted: {', '.join(others)}"
        if full:
            return ok(name, f"{message}{_EDITABLE}")
        return failed(name, message, "Add full, active members of this workspace to the group in Slack.")

    async def _known_member(self, user_id: str) -> Member | None:
        try:
            return await self._member(user_id)
        except SlackUnavailable as error:
            if error.slack_code in _NOT_FOUND:
                return None
            raise

    async def _member(self, user_id: str) -> Member:
        async with self._lookups:
            found = await call_slack("users.info", self._client.users_info, user=user_id)
        return read_member(found.get("user") or {})


def _counted(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def _acts(settings: tuple[str, ...]) -> bool:
    """Return whether one of the settings grants rights."""
    return any(setting != _PROTECTED for setting in settings)


def _consequence(settings: tuple[str, ...]) -> str:
    """Return what follows from a principal that names no one, if something unexpected does."""
    return ", so everyone counts as protected" if _PROTECTED in settings else ""


def _not_found(name: str, principal: Principal, settings: tuple[str, ...]) -> CheckResult:
    if principal.kind is PrincipalKind.GROUP:
        message = f"Slack has no such user group, or it is disabled{_consequence(settings)}"
        return failed(name, message, f"Correct {settings[0]}, or enable the user group in Slack.")
    hint = f"Correct {settings[0]}. Copy the id from the user's profile in Slack (Copy member ID)."
    return failed(name, f"Slack has no such user{_consequence(settings)}", hint)


def _large_group(name: str, count: int, settings: tuple[str, ...]) -> CheckResult:
    message = f"user group with {count} members, too many to look each of them up"
    if _PROTECTED not in settings:
        return ok(name, f"{message}{_EDITABLE}")
    hint = f"Name a group of {MAX_GROUP_SIZE} members at most, users, or a Genesys Cloud role."
    return undetermined(name, f"{message}, so people without a Slack user count as protected", hint)


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
