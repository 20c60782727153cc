"""Check Genesys Cloud: the OAuth client, its permissions and the rate limit. No token is revoked."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final

from bot.checks.errors import PERMISSION_HINT, run_check
from bot.checks.headers import ResponseHeaders
from bot.checks.result import CheckResult, all_ok, failed, ok, skipped, undetermined
from bot.domain.actions import ACTIONS, Action
from bot.domain.policy import covers
from bot.purecloud import (
    AuthorizationApi,
    GenesysError,
    GenesysForbidden,
    GenesysNotFound,
    GenesysRejected,
    PureCloud,
)
from bot.services.live_state import EXPANSIONS, conversations_of, live_state_of

CLIENT: Final = "PURECLOUD_CLIENT_ID, PURECLOUD_SECRET"
VIEW_USERS: Final = "directory:user:view"
VIEW_GRANTS: Final = "authorization:grant:view"
VIEW_QUEUES: Final = "routing:queue:view"
RATE_LIMIT: Final = "rate limit"
CLIENT_CHECK_FAILED: Final = "the check of the OAuth client failed"


def action_permissions(actions: Iterable[Action]) -> dict[str, str]:
    """Return the permissions that the actions need, each with the names of its actions."""
    names: dict[str, list[str]] = {}
    for action in actions:
        if action.permission:
            names.setdefault(action.permission, []).append(f"`{action.name}`")
    return {permission: " and every ".join(named) for permission, named in names.items()}


ACTION_PERMISSIONS: Final[Mapping[str, str]] = action_permissions(ACTIONS.values())
"""The permissions that the bot's own actions need."""

_CONSEQUENCES: Final[Mapping[str, str]] = {
    VIEW_USERS: "the bot cannot find people by email",
    VIEW_GRANTS: "principals that name roles or permissions match no one",
    **{needed: f"Genesys Cloud would refuse every {named}" for needed, named in ACTION_PERMISSIONS.items()},
}
"""What fails if the client lacks a permission."""

ALL_DIVISIONS: Final = ("*",)
LIVE_STATE: Final = "live state"
LIST_CALLS: Final = "calls of many people"
_LIVE_PARTS: Final[Mapping[str, str]] = {
    "conversations": "conversations",
    "on_queue": "queue",
    "presence": "presence",
    "last_login": "last login",
}
"""The parts of the live state by the names under which they are stored."""
_LIVE_CONSEQUENCE: Final = 'cards say "not known" there. Without the last login, no new login is seen either'
_LIVE_HINT: Final = "Nothing else depends on it. The client may need a role in the division of its users."
_LIST_CONSEQUENCE: Final = "so the card of a bulk request says that it is not known who is in a call"
_MAX_USERS: Final = 3
"""Maximum number of users of whom the live state is read."""
_UNKNOWN_USER_ID: Final = "00000000-0000-4000-8000-000000000000"
_UNKNOWN_QUEUE: Final = "unknown queue of the check"
_QUEUES_CONSEQUENCE: Final = "not granted, and optional: without it, a bulk request cannot name a queue"
_UNKNOWN_EMAIL: Final = "unknown@check.invalid"
_MAX_DIVISIONS: Final = 5
"""Maximum number of divisions that a message names, so that it stays readable."""


class GenesysChecks:
    """Checks of Genesys Cloud, except for the principals (see `principals`)."""

    def __init__(self, purecloud: PureCloud, headers: ResponseHeaders, *, reads_roles: bool, time_limit: float) -> None:
        self._purecloud = purecloud
        self._headers = headers
        self._reads_roles = reads_roles
        self._time_limit = time_limit

    async def check_client(self) -> list[CheckResult]:
        """Check the client id and secret. Run it first, because the other checks depend on it."""
        return await run_check(CLIENT, self._check_client(), self._time_limit)

    async def check_others(self, *, accepted: bool) -> list[CheckResult]:
        """Check the permissions and the rate limit, or skip them if the client was not `accepted`."""
        needed = [VIEW_USERS, *ACTION_PERMISSIONS, *([VIEW_GRANTS] if self._reads_roles else [])]
        if not accepted:
            names = [*map(_check_name, [*needed, VIEW_QUEUES]), LIVE_STATE, LIST_CALLS, RATE_LIMIT]
            return [skipped(name, CLIENT_CHECK_FAILED) for name in names]
        view_users = await run_check(_check_name(VIEW_USERS), self._check_view_users(), self._time_limit)
        own = ClientPermissions(self._purecloud.authorization, views_users=all_ok(view_users))
        others = await asyncio.gather(
            *(
                run_check(_check_name(permission), self._check_permission(permission, own), self._time_limit)
                for permission in needed[1:]
            )
        )
        permissions = [*view_users, *(result for part in others for result in part)]
        queues = await run_check(_check_name(VIEW_QUEUES), self._check_view_queues(), self._time_limit)
        live_state = await run_check(LIVE_STATE, self._check_live_state(), self._time_limit)
        list_calls = await run_check(LIST_CALLS, self._check_list_calls(), self._time_limit)
        return [*permissions, *queues, *live_state, *list_calls, self._check_rate_limit()]

    async def _check_client(self) -> CheckResult:
        info = await self._purecloud.tokens.get_tokens_me()
        client, organization = info.oauth_client, info.organization
        name = (client.name or client.id) if client else "an unnamed client"
        where = (organization.name or organization.id) if organization else "an unnamed organization"
        return ok(CLIENT, f"authenticated as {name} in {where}")

    async def _check_view_users(self) -> CheckResult:
        name = _check_name(VIEW_USERS)
        try:
            await self._purecloud.users.search_by_email(_UNKNOWN_EMAIL)
        except GenesysForbidden as error:
            return _missing(VIEW_USERS, error)
        return ok(name, "granted; the search for an unknown email address was allowed")

    async def _check_view_queues(self) -> CheckResult:
        """Try the permission for lists such as `queue:Billing`, which is optional."""
        name = _check_name(VIEW_QUEUES)
        try:
            await self._purecloud.members.get_routing_queues(_UNKNOWN_QUEUE)
        except GenesysForbidden:
            return undetermined(name, _QUEUES_CONSEQUENCE, f"Add {VIEW_QUEUES} to the role if admins name queues.")
        return ok(name, "granted; admins can name a queue as a list of people")

    async def _check_permission(self, permission: str, own: ClientPermissions) -> CheckResult:
        divisions = await own.divisions(permission)
        if divisions is None:
            return await self._try_permission(permission)
        if not divisions:
            return _missing(permission)
        return ok(_check_name(permission), f"granted {_divisions_text(divisions)}")

    async def _try_permission(self, permission: str) -> CheckResult:
        """Try a permission that Genesys Cloud does not show; only a read can be tried."""
        name = _check_name(permission)
        if permission in ACTION_PERMISSIONS:
            message = (
                "Genesys Cloud does not show the client its own roles, and a trial would change something. If the "
                f"permission is missing, the first {ACTION_PERMISSIONS[permission]} reports it and changes nothing"
            )
            return undetermined(name, message, "Check the roles of the client under Admin > Integrations > OAuth.")
        try:
            await self._purecloud.authorization.get_user_roles(_UNKNOWN_USER_ID)
        except GenesysForbidden as error:
            return _missing(permission, error)
        except GenesysNotFound:
            pass  # Genesys Cloud looked for the user, so it allowed the request
        return ok(name, "granted; reading the roles of an unknown user was allowed")

    async def _check_live_state(self) -> CheckResult:
        """Report which parts of the live state Genesys Cloud shows of some users.

        A user may lack a part, for example if they have never logged in, so several are read.
        """
        missing = dict(_LIVE_PARTS)
        try:
            for user in await self._purecloud.users.search_active(_MAX_USERS):
                found = await self._purecloud.users.get_user_once(user.id, EXPANSIONS)
                shown = live_state_of(found, 0.0).codes
                missing = {name: words for name, words in missing.items() if name not in shown}
                if not missing:
                    break
        except (GenesysError, ValueError) as error:
            return undetermined(LIVE_STATE, f"Genesys Cloud did not show a user ({error}); {_LIVE_CONSEQUENCE}")
        if not missing:
            return ok(LIVE_STATE, f"Genesys Cloud shows the client {', '.join(_LIVE_PARTS.values())}")
        message = f"Genesys Cloud does not show the client {', '.join(missing.values())}; {_LIVE_CONSEQUENCE}"
        return undetermined(LIVE_STATE, message, _LIVE_HINT)

    async def _check_list_calls(self) -> CheckResult:
        """Report whether a search for users adds their conversations, which is not documented."""
        try:
            ids = [user.id for user in await self._purecloud.users.search_active(1)]
            found = await self._purecloud.users.search_by_ids(ids, with_conversations=True) if ids else []
        except (GenesysError, ValueError) as error:
            message = f"Genesys Cloud did not search for a user with conversations ({error}), {_LIST_CONSEQUENCE}"
            return undetermined(LIST_CALLS, message, _LIVE_HINT)
        if all(conversations_of(user) is None for user in found):
            message = f"Genesys Cloud does not add conversations to a search for users, {_LIST_CONSEQUENCE}"
            return undetermined(LIST_CALLS, message, _LIVE_HINT)
        return ok(LIST_CALLS, "Genesys Cloud adds conversations to a search for users")

    def _check_rate_limit(self) -> CheckResult:
        names = ("inin-ratelimit-allowed", "inin-ratelimit-count", "inin-ratelimit-reset")
        allowed, used, reset = (self._headers.get_int(name) for name in names)
        if allowed is None or used is None:
            return undetermined(RATE_LIMIT, "Genesys Cloud's responses have no rate limit headers")
        suffix = "" if reset is None else f"; the count restarts in {reset} seconds"
        return ok(RATE_LIMIT, f"{used} of {allowed} requests used{suffix}")


class ClientPermissions:
    """The permissions of the OAuth client, as Genesys Cloud shows them to the client itself.

    Neither source is documented to answer a client that acts for no user, so an empty response proves nothing. A
    source is trusted only if it contains the permission that a search has just proved (`views_users`).
    """

    def __init__(self, authorization: AuthorizationApi, *, views_users: bool) -> None:
        self._authorization = authorization
        self._views_users = views_users

    async def divisions(self, permission: str) -> tuple[str, ...] | None:
        """Return the divisions in which the client has a permission, None if they are not shown."""
        for source in (self._by_division, self._by_role):
            try:
                if self._views_users and not await source(VIEW_USERS):
                    continue
                return await source(permission)
            except (GenesysForbidden, GenesysNotFound, GenesysRejected):
                continue
        return None

    async def _by_division(self, permission: str) -> tuple[str, ...]:
        found = await self._authorization.get_authorization_divisionspermitted_paged_me(permission)
        if found.all_divs_permitted:
            return ALL_DIVISIONS
        return tuple(division.name or division.id or "?" for division in found.entities)

    async def _by_role(self, permission: str) -> tuple[str, ...]:
        domain, entity, action = permission.split(":")
        divisions: list[str] = []
        for grant in (await self._authorization.get_authorization_subjects_me()).grants:
            policies = grant.role.policies if grant.role else ()
            unconditional = [
                ((policy.domain or "").lower(), (policy.entity_name or "").lower(), granted.lower())
                for policy in policies
                if not policy.condition
                for granted in policy.actions
            ]
            if any(covers(granted, (domain, entity, action)) for granted in unconditional):
                divisions.append((grant.division.name or grant.division.id or "?") if grant.division else "?")
        return ALL_DIVISIONS if "*" in divisions else tuple(dict.fromkeys(divisions))


def _check_name(permission: str) -> str:
    return f"permission {permission}"


def _missing(permission: str, error: GenesysForbidden | None = None) -> CheckResult:
    named = ", ".join(error.permissions) if error and error.permissions else permission
    message = f"the client's roles lack {named}, so {_CONSEQUENCES[permission]}"
    return failed(_check_name(permission), message, PERMISSION_HINT, error.correlation_id if error else None)


def _divisions_text(divisions: tuple[str, ...]) -> str:
    if divisions == ALL_DIVISIONS:
        return "in every division"
    more = f" and {len(divisions) - _MAX_DIVISIONS} more" if len(divisions) > _MAX_DIVISIONS else ""
    return f"in {', '.join(divisions[:_MAX_DIVISIONS])}{more}; people in other divisions cannot be revoked"
