"""Genesys Cloud: the region, the OAuth client, each permission it needs, the rate limit; no token is ended."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from bot.checks.errors import GRANT, looked
from bot.checks.headers import Overheard
from bot.checks.result import Finding, all_well, not_tried, unknown, well, wrong
from bot.domain.policy import covers
from bot.purecloud import AuthorizationApi, GenesysForbidden, GenesysNotFound, GenesysRejected, PureCloud

CLIENT: Final = "PURECLOUD_CLIENT_ID, PURECLOUD_SECRET"
SEARCH: Final = "directory:user:view"
DELETE: Final = "oauth:token:delete"
ROLES: Final = "authorization:grant:view"

_WITHOUT: Final[Mapping[str, str]] = {
    SEARCH: "nobody can be found by e-mail",
    DELETE: "every revocation would be refused",
    ROLES: "principals that name roles or permissions mean nobody",
}
EVERYWHERE: Final = ("*",)
_NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_NO_ADDRESS: Final = "nobody@check.invalid"
_DIVISIONS_SHOWN: Final = 5

Source = Callable[[str], Awaitable[tuple[str, ...]]]
"""In which divisions the client holds a permission: their names, EVERYWHERE, or none."""


class GenesysChecks:
    """Everything about Genesys Cloud but the principals."""

    def __init__(self, purecloud: PureCloud, overheard: Overheard, *, reads_roles: bool, seconds: float) -> None:
        self._purecloud = purecloud
        self._overheard = overheard
        self._reads_roles = reads_roles
        self._seconds = seconds

    async def client(self) -> list[Finding]:
        """Whether there is a token to be had, and whose it is; what hangs on it waits for this."""
        return await looked(CLIENT, self._client(), self._seconds)

    async def rest(self, *, accepted: bool) -> list[Finding]:
        """The permissions and the rate limit, once the client is known."""
        needed = [SEARCH, DELETE, *([ROLES] if self._reads_roles else [])]
        if not accepted:
            names = [*(f"permission {one}" for one in needed), "rate limit"]
            return [not_tried(name, "the client failed its check") for name in names]
        searched = await looked(f"permission {SEARCH}", self._search(), self._seconds)
        holds = Rights(self._purecloud.authorization, searched=all_well(searched))
        others = await asyncio.gather(
            *(looked(f"permission {one}", self._permission(one, holds), self._seconds) for one in needed[1:])
        )
        return [*searched, *(finding for part in others for finding in part), self._rate_limit()]

    async def _client(self) -> Finding:
        info = await self._purecloud.tokens.get_tokens_me()
        client, organization = info.oauth_client, info.organization
        name = (client.name or client.id) if client else "unnamed"
        where = (organization.name or organization.id) if organization else "an organization without a name"
        return well(CLIENT, f"the client is {name} of {where}")

    async def _search(self) -> Finding:
        check = f"permission {SEARCH}"
        try:
            await self._purecloud.users.search_by_email(_NO_ADDRESS)
        except GenesysForbidden as error:
            return _lacking(check, SEARCH, error)
        return well(check, "the client has it: a search for an address that nobody has was answered")

    async def _permission(self, permission: str, holds: Rights) -> Finding:
        check = f"permission {permission}"
        where = await holds.where(permission)
        if where == ():
            return _lacking(check, permission)
        if where is not None:
            return well(check, f"the client's roles hold it {_divisions(where)}")
        return await self._tried(check, permission)

    async def _tried(self, check: str, permission: str) -> Finding:
        """Try a permission where Genesys Cloud does not tell the client its own; only what reads is tried."""
        if permission == DELETE:
            says = (
                "Genesys Cloud does not tell the client its own roles, and trying it would end somebody's sessions; "
                "if it is missing, the first revocation says so and changes nothing"
            )
            return unknown(check, says, "Look at the client's roles under Admin > Integrations > OAuth.")
        try:
            await self._purecloud.authorization.get_user_roles(_NOBODY)
        except GenesysForbidden as error:
            return _lacking(check, permission, error)
        except GenesysNotFound:
            pass  # it was let through, and nobody has that id
        return well(check, "the client has it: a question for the roles of nobody was answered")

    def _rate_limit(self) -> Finding:
        names = ("inin-ratelimit-allowed", "inin-ratelimit-count", "inin-ratelimit-reset")
        allowed, used, reset = (self._overheard.number(name) for name in names)
        if allowed is None or used is None:
            return unknown("rate limit", "the answers' headers name none")
        until = "" if reset is None else f", counted anew in {reset} seconds"
        return well("rate limit", f"{used} of {allowed} requests are used{until}")


class Rights:
    """What the client itself may do, as Genesys Cloud tells it; a source is believed that knows what was seen to work.

    Neither is documented to answer a client that is no person, so an empty answer of one proves nothing by itself.
    """

    def __init__(self, authorization: AuthorizationApi, *, searched: bool) -> None:
        self._authorization = authorization
        self._searched = searched

    async def where(self, permission: str) -> tuple[str, ...] | None:
        """In which divisions; None where Genesys Cloud does not tell."""
        for source in (self._by_division, self._by_role):
            try:
                if self._searched and not await source(SEARCH):
                    continue
                return await source(permission)
            except (GenesysForbidden, GenesysNotFound, GenesysRejected):
                continue
        return None

    async def _by_division(self, permission: str) -> tuple[str, ...]:
        told = await self._authorization.get_authorization_divisionspermitted_paged_me(permission)
        return EVERYWHERE if told.all_divs_permitted else tuple(one.name or one.id or "?" for one in told.entities)

    async def _by_role(self, permission: str) -> tuple[str, ...]:
        domain, entity, action = permission.split(":")
        found: list[str] = []
        for grant in (await self._authorization.get_authorization_subjects_me()).grants:
            policies = grant.role.policies if grant.role else ()
            free = [
                ((one.domain or "").lower(), (one.entity_name or "").lower(), each.lower())
                for one in policies
                if not one.condition
                for each in one.actions
            ]
            if any(covers(one, (domain, entity, action)) for one in free):
                found.append((grant.division.name or grant.division.id or "?") if grant.division else "?")
        return EVERYWHERE if "*" in found else tuple(dict.fromkeys(found))


def _lacking(check: str, permission: str, error: GenesysForbidden | None = None) -> Finding:
    named = ", ".join(error.permissions) if error and error.permissions else permission
    says = f"the client's roles lack {named}, so {_WITHOUT[permission]}"
    return wrong(check, says, GRANT, error.correlation_id if error else None)


def _divisions(names: tuple[str, ...]) -> str:
    if names == EVERYWHERE:
        return "in every division"
    more = f" and {len(names) - _DIVISIONS_SHOWN} more" if len(names) > _DIVISIONS_SHOWN else ""
    return f"in {', '.join(names[:_DIVISIONS_SHOWN])}{more}; people of other divisions cannot be revoked"
