"""The Platform API, grouped as in its documentation: tokens, users, authorization.

Each method is one operation (developer.genesys.cloud, API Explorer). It raises a subclass of
bot.purecloud.GenesysError, or ValueError for an invalid argument before it sends anything.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from bot.purecloud import requests
from bot.purecloud.allowance import Allowance
from bot.purecloud.auth import Auth
from bot.purecloud.caller import Caller
from bot.purecloud.errors import GenesysNoResponse
from bot.purecloud.members import MembersApi
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
from bot.purecloud.paging import pages
from bot.purecloud.responses import confirm, parse_body, unreadable
from bot.purecloud.retry import Limits
from bot.purecloud.transport import HttpAttempt, Transport

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    import aiohttp

    from bot.purecloud.auth import Token
    from bot.purecloud.regions import Region
    from bot.purecloud.requests import ApiRequest
    from bot.purecloud.responses import ApiResponse

MAX_PAGES = 10
"""Pages of a search that are read, so that a wrong page count cannot keep the client busy."""


@dataclass(frozen=True, slots=True)
class Done:
    """A confirmed write. Genesys support asks for the `correlation_id`.

    `answered_at` is the `Date` of the response, by Genesys Cloud's clock in epoch seconds, and `sent_at` that minus the
    time that the client waited. Both are None without a valid `Date`.
    """

    status: int
    correlation_id: str | None
    answered_at: float | None = None
    sent_at: float | None = None


class TokensApi:
    """The Tokens API."""

    def __init__(self, caller: Caller, auth: Auth) -> None:
        self._caller = caller
        self._auth = auth
        self._lock = asyncio.Lock()
        self._replaced: list[Token] = []

    async def get_tokens_me(self) -> TokenInfo:
        """Return what Genesys Cloud knows about the client's token, without resetting its idle timeout."""
        return parse_body(TokenInfo, await self._caller.call(requests.get_tokens_me()))

    async def head_tokens_me(self) -> None:
        """Check that Genesys Cloud accepts the client's token; raises GenesysError if not."""
        await self._caller.call(requests.head_tokens_me())

    async def delete_token(self, user_id: str) -> Done:
        """Delete all tokens of a user, in all OAuth clients.

        `user_id` is a UUID. Permission: `oauth:token:delete`.
        """
        return _done(await self._caller.call(requests.delete_token(user_id)))

    async def delete_tokens_me(self) -> Done:
        """Delete the client's token; the next call requests a new one.

        The status is 401 if the token was no longer valid.
        """
        async with self._lock:
            token = await self._auth.token()
            try:
                response = await self._caller.delete_own_token(token)
            except GenesysNoResponse:
                self._auth.discard(token.generation)
                raise
            self._auth.discard(token.generation)
            return _done(response)

    async def rotate(self) -> Done:
        """Request a new token, use it from now on, and delete the old one.

        If the login fails, no token is deleted. An old token that cannot be deleted is kept for the next rotation,
        which deletes it as well.
        """
        async with self._lock:
            old = await self._auth.token()
            await self._auth.renew(old.generation)
            self._replaced.append(old)
            while True:
                done = _done(await self._caller.delete_own_token(self._replaced[0]))
                del self._replaced[0]
                if not self._replaced:
                    return done


class UsersApi:
    """The Users API."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def search_by_email(self, email: str) -> list[User]:
        """Return the active and inactive users with exactly this e-mail address, in any letter case.

        Genesys Cloud may not find a user that was created seconds ago. Raises GenesysRejected if one of them has no id
        that a DELETE could name. Permission: `directory:user:view`.
        """
        response = await self._caller.call(requests.search_by_email(email))
        found, address = parse_body(UsersSearchResponse, response), email.strip().casefold()
        users = [user for user in found.results if (user.email or "").casefold() == address and not user.deleted]
        if not all(requests.is_user_id(user.id) for user in users):
            raise unreadable(UsersSearchResponse, response)
        return list({user.id: user for user in users}.values())

    async def search_active(self, limit: int) -> list[User]:
        """Return some active users, `limit` at most.

        Permission: `directory:user:view`.
        """
        found = parse_body(UsersSearchResponse, await self._caller.call(requests.search_active(limit)))
        return list(found.results)

    async def search_by_emails(self, emails: Sequence[str], *, with_conversations: bool = False) -> list[User]:
        """Return the active and inactive users with exactly one of these e-mail addresses, in any letter case.

        At most `requests.MAX_SEARCHED` addresses. The documentation does not say whether this search accepts
        `with_conversations`, so Genesys Cloud may refuse it. Permission: `directory:user:view`.
        """
        wanted = {one.strip().casefold() for one in emails}
        build = partial(requests.search_by_emails, emails, with_conversations=with_conversations)
        return [user for user in await self._search(build) if (user.email or "").casefold() in wanted]

    async def search_by_ids(self, user_ids: Sequence[str], *, with_conversations: bool = False) -> list[User]:
        """Return the active and inactive users with one of these ids.

        At most `requests.MAX_SEARCHED` ids. Genesys Cloud may refuse `with_conversations`. Permission:
        `directory:user:view`.
        """
        wanted = {one.lower() for one in user_ids}
        build = partial(requests.search_by_ids, user_ids, with_conversations=with_conversations)
        return [user for user in await self._search(build) if user.id in wanted]

    async def _search(self, build: Callable[[int], ApiRequest]) -> list[User]:
        """Return the users of the first pages of a search: no deleted ones, and none without a usable id."""
        found = pages(self._caller, UsersSearchResponse, build, limit=MAX_PAGES)
        users = [user async for page in found for user in page.results if not user.deleted]
        return [user for user in users if requests.is_user_id(user.id)]

    async def get_user(self, user_id: str) -> User:
        """Return the user with this id; raises GenesysNotFound for an unknown or deleted user.

        Raises GenesysRejected if the response has another id.
        """
        response = await self._caller.call(requests.get_user(user_id))
        user = parse_body(User, response)
        if user.id.lower() != user_id.lower():
            raise unreadable(User, response)
        return user

    async def get_user_once(self, user_id: str, expand: Sequence[str], *, login: bool = True) -> User:
        """Return the user with this id after one request at most.

        `expand` names further fields, which Genesys Cloud returns with best effort. Without `login`, no request is
        sent unless the client has a token.
        """
        return parse_body(User, await self._caller.call_once(requests.get_user(user_id, expand), login=login))


class AuthorizationApi:
    """The Authorization API."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def get_user_roles(self, user_id: str) -> UserAuthorization:
        """Return a user's roles, permissions and policies.

        Permission: `authorization:grant:view`.
        """
        return parse_body(UserAuthorization, await self._caller.call(requests.get_user_roles(user_id)))

    async def get_authorization_divisionspermitted_paged_me(self, permission: str) -> DivsPermittedEntityListing:
        """Return the first hundred divisions in which the client itself has a permission."""
        request = requests.get_authorization_divisionspermitted_paged_me(permission)
        return parse_body(DivsPermittedEntityListing, await self._caller.call(request))

    async def get_authorization_subjects_me(self) -> AuthzSubject:
        """Return the client's own roles."""
        return parse_body(AuthzSubject, await self._caller.call(requests.get_authorization_subjects_me()))

    async def get_authorization_roles(self, id_or_name: str) -> list[NamedEntity]:
        """Return the organization's roles with exactly this id or name, in any letter case.

        Permission: `authorization:role:view`.
        """
        found = pages(
            self._caller, OrganizationRoleEntityListing, partial(requests.get_authorization_roles, id_or_name)
        )
        roles = [role async for page in found for role in page.entities]
        wanted = id_or_name.casefold()
        return [role for role in roles if wanted in ((role.id or "").casefold(), (role.name or "").casefold())]

    async def get_authorization_permissions(self) -> list[DomainPermissionCollection]:
        """Return all existing permissions, one collection per domain."""
        found = pages(self._caller, PermissionCollectionEntityListing, requests.get_authorization_permissions)
        return [domain async for page in found for domain in page.entities]


class PureCloud:
    """A client of one organization, with one OAuth client.

    The caller owns the HTTP session. `clock` returns monotonic seconds, `sleep` waits for seconds, and `jitter` returns
    numbers from 0 to 1. The client calls `observe` after each HTTP attempt. `proxy_for` returns the URL of the
    proxy for an address, None for a direct connection.
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
        observe: Callable[[HttpAttempt], None] | None = None,
        proxy_for: Callable[[str], str | None] = lambda _url: None,
    ) -> None:
        limits = limits or Limits()
        transport = Transport(session, limits, clock=clock, observe=observe, proxy_for=proxy_for)
        self.region = region
        self.auth = Auth(transport, region.login_url, client_id, client_secret, limits=limits, clock=clock, sleep=sleep)
        self.allowance = Allowance(clock)
        caller = Caller(
            transport, self.auth, region.api_url, limits=limits, clock=clock, sleep=sleep, jitter=jitter,
            allowance=self.allowance,
        )  # fmt: skip
        self.tokens = TokensApi(caller, self.auth)
        self.users = UsersApi(caller)
        self.members = MembersApi(caller)
        self.authorization = AuthorizationApi(caller)


def _done(response: ApiResponse) -> Done:
    confirm(response)
    sent_at = None if response.date is None else response.date - response.seconds
    return Done(response.status, response.correlation_id, response.date, sent_at)
