"""The Platform API as its own documentation groups it: tokens, users, authorization; one method an operation.

Every method raises a subclass of bot.purecloud.GenesysError, or ValueError for an invalid argument, before anything is
sent. Operations: developer.genesys.cloud, API Explorer.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from bot.purecloud import requests as wire
from bot.purecloud.auth import Auth
from bot.purecloud.caller import Caller
from bot.purecloud.errors import GenesysNoResponse
from bot.purecloud.models import (
    AuthzSubject,
    DivsPermittedEntityListing,
    DomainPermissionCollection,
    NamedEntity,
    OrganizationRoleEntityListing,
    PermissionCollectionEntityListing,
    TokenInfo,
    User,
    UserAuthorization,
    UsersSearchResponse,
)
from bot.purecloud.responses import parsed
from bot.purecloud.retry import Limits
from bot.purecloud.transport import Call, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    import aiohttp

    from bot.purecloud.auth import Token
    from bot.purecloud.regions import Region
    from bot.purecloud.responses import Answer

_Listing = TypeVar("_Listing", OrganizationRoleEntityListing, PermissionCollectionEntityListing)


@dataclass(frozen=True, slots=True)
class Done:
    """It was carried out; `correlation_id` is what Genesys support asks for."""

    status: int
    correlation_id: str | None


class TokensApi:
    """Who the token is, and the end of tokens."""

    def __init__(self, caller: Caller, auth: Auth) -> None:
        self._caller = caller
        self._auth = auth
        self._one_at_a_time = asyncio.Lock()
        self._replaced: list[Token] = []

    async def get_tokens_me(self) -> TokenInfo:
        """What Genesys Cloud knows of the client's token; asking does not keep it from idling out."""
        return parsed(TokenInfo, await self._caller.call(wire.get_tokens_me()))

    async def head_tokens_me(self) -> None:
        """Nothing, if the client's token is accepted."""
        await self._caller.call(wire.head_tokens_me())

    async def delete_token(self, user_id: str) -> Done:
        """End every token of a person, in all clients; needs `oauth:token:delete`. `user_id` is a UUID."""
        return _done(await self._caller.call(wire.delete_token(user_id)))

    async def delete_tokens_me(self) -> Done:
        """End the token the client is using; its next call takes a new one. Status 401: it was dead already."""
        async with self._one_at_a_time:
            token = await self._auth.token()
            try:
                answer = await self._caller.end(token)
            except GenesysNoResponse:
                self._auth.forget(token.generation)
                raise
            self._auth.forget(token.generation)
            return _done(answer)

    async def rotate(self) -> Done:
        """Take a new token, use it from now on, end the old one; without a new token nothing is ended.

        An old token that could not be ended is remembered, and the next rotation ends it too.
        """
        async with self._one_at_a_time:
            old = await self._auth.token()
            await self._auth.renewed(old.generation)
            self._replaced.append(old)
            while True:
                answer = await self._caller.end(self._replaced[0])
                del self._replaced[0]
                if not self._replaced:
                    return _done(answer)


class UsersApi:
    """Who the people of the organization are."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def search_by_email(self, email: str) -> list[User]:
        """Everyone with exactly this e-mail address (case aside), active or inactive, nobody deleted.

        Nobody and several are answers like any other. Needs `directory:user:view`; a person created seconds ago may not
        be found yet.
        """
        found = parsed(UsersSearchResponse, await self._caller.call(wire.search_by_email(email)))
        wanted = email.strip().casefold()
        return [user for user in found.results if (user.email or "").casefold() == wanted and user.state != "deleted"]

    async def get_user(self, user_id: str) -> User:
        """The person with this id; GenesysNotFound where nobody has it, or nobody any more."""
        return parsed(User, await self._caller.call(wire.get_user(user_id)))


class AuthorizationApi:
    """What people of the organization may do."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get_user_roles(self, user_id: str) -> UserAuthorization:
        """The roles, permissions and policies of a person; needs `authorization:grant:view`."""
        return parsed(UserAuthorization, await self._caller.call(wire.get_user_roles(user_id)))

    async def get_authorization_divisionspermitted_paged_me(self, permission: str) -> DivsPermittedEntityListing:
        """The divisions (the first hundred) in which the client itself holds a permission."""
        request = wire.get_authorization_divisionspermitted_paged_me(permission)
        return parsed(DivsPermittedEntityListing, await self._caller.call(request))

    async def get_authorization_subjects_me(self) -> AuthzSubject:
        """The roles of the client itself."""
        return parsed(AuthzSubject, await self._caller.call(wire.get_authorization_subjects_me()))

    async def get_authorization_roles(self, named: str) -> list[NamedEntity]:
        """The organization's roles with this id or name, case aside; needs `authorization:role:view`."""
        listings = self._pages(OrganizationRoleEntityListing, partial(wire.get_authorization_roles, named))
        found = [role async for listing in listings for role in listing.entities]
        wanted = named.casefold()
        return [role for role in found if wanted in ((role.id or "").casefold(), (role.name or "").casefold())]

    async def get_authorization_permissions(self) -> list[DomainPermissionCollection]:
        """Everything that can be permitted, a domain an entry."""
        listings = self._pages(PermissionCollectionEntityListing, wire.get_authorization_permissions)
        return [domain async for listing in listings for domain in listing.entities]

    async def _pages(self, model: type[_Listing], page: Callable[[int], wire.Request]) -> AsyncIterator[_Listing]:
        number, last = 1, 1
        while number <= last:
            listing = parsed(model, await self._caller.call(page(number)))
            yield listing
            number, last = number + 1, listing.page_count or 1


class PureCloud:
    """One OAuth client of one organization, on an HTTP session that belongs to whoever made it.

    `clock` counts seconds and never goes back, `sleep` waits for seconds, `jitter` gives numbers from 0 to 1; `observe`
    hears of every attempt.
    """

    def __init__(
        self,
        session: aiohttp.ClientSession,
        region: Region,
        client_id: str,
        client_secret: str,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
        observe: Callable[[Call], None] | None = None,
    ) -> None:
        limits = limits or Limits()
        transport = Transport(session, limits, clock=clock, observe=observe)
        self.region = region
        self.auth = Auth(transport, region.login_url, client_id, client_secret, limits=limits, clock=clock, sleep=sleep)
        caller = Caller(transport, self.auth, region.api_url, limits=limits, clock=clock, sleep=sleep, jitter=jitter)
        self.tokens = TokensApi(caller, self.auth)
        self.users = UsersApi(caller)
        self.authorization = AuthorizationApi(caller)


def _done(answer: Answer) -> Done:
    return Done(answer.status, answer.correlation_id)
