"""Reads of Genesys Cloud for commands: cached, and only within a share of the rate allowance.

Anyone in the workspace can type commands, and the remainder of the allowance must be enough for the DELETEs.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from bot.domain.failed_checks import Cause, CheckUnavailable, FailedCheck, Subject
from bot.purecloud import GenesysError, GenesysRateLimited, TokenInfo, User, UserAuthorization, is_transient

PERSON_TTL = 60.0
"""Seconds for which a person, or a person's roles, serve further commands."""

TOKEN_TTL = 30.0
"""Seconds for which the facts about the bot's token serve further commands."""

MAX_SHARE = 0.7
"""Used share of the allowance from which read-only commands read nothing."""

MAX_REQUESTER_SHARE = 0.95
"""Used share of the allowance from which the bot does not read who may request something."""

MAX_CACHED = 1000
"""Maximum number of cached answers."""

RESERVED = "reserved"
"""The problem of a read that was not sent, because the rest of the allowance is for more important calls."""

Result = TypeVar("Result")


class Users(Protocol):
    """The calls of the Users API; each raises GenesysError."""

    async def search_by_email(self, email: str) -> list[User]:
        """Return the users with exactly this email address."""

    async def get_user(self, user_id: str) -> User:
        """Return the user with this id."""

    async def get_user_once(self, user_id: str, expand: Sequence[str], *, login: bool = True) -> User:
        """Return the user with this id and further fields, after one request at most."""


class Roles(Protocol):
    """The call of the Authorization API; raises GenesysError."""

    async def get_user_roles(self, user_id: str) -> UserAuthorization:
        """Return the roles and permissions of a user."""


class Tokens(Protocol):
    """The call of the Tokens API; raises GenesysError."""

    async def get_tokens_me(self) -> TokenInfo:
        """Return what Genesys Cloud knows of the bot's token."""


class Allowance(Protocol):
    """How much of the rate allowance is used."""

    @property
    def used(self) -> float:
        """The used share, from 0 to 1."""

    @property
    def resets_in(self) -> float:
        """The seconds until the allowance is whole again."""


def require_requester_share(allowance: Allowance) -> None:
    """Raise CheckUnavailable once the requests have used their share, so that a DELETE always fits."""
    if allowance.used >= MAX_REQUESTER_SHARE:
        failed = FailedCheck(Subject.GENESYS_PEOPLE, Cause.RATE_ALLOWANCE)
        raise CheckUnavailable(failed, retry_after=allowance.resets_in)


@contextmanager
def transient_as_unavailable() -> Iterator[None]:
    """Raise CheckUnavailable in place of a GenesysError that may pass."""
    try:
        yield
    except GenesysError as error:
        if is_transient(error):
            failed = FailedCheck(Subject.GENESYS_PEOPLE, error.code, correlation_id=error.correlation_id)
            raise CheckUnavailable(failed, retry_after=error.retry_after or 0.0) from error
        raise


class GenesysReads:
    """The cached reads. Each raises GenesysError, and GenesysRateLimited without a call above `max_share`."""

    def __init__(
        self,
        users: Users,
        roles: Roles,
        tokens: Tokens,
        allowance: Allowance,
        *,
        clock: Callable[[], float],
        max_share: float = MAX_SHARE,
    ) -> None:
        self._users = users
        self._roles = roles
        self._tokens = tokens
        self._allowance = allowance
        self._clock = clock
        self._max_share = max_share
        self._answers: dict[tuple[str, str], tuple[float, Any]] = {}

    async def search_by_email(self, email: str) -> list[User]:
        """Return the users with exactly this email address."""
        return await self._read(("email", email.casefold()), PERSON_TTL, lambda: self._users.search_by_email(email))

    async def get_user(self, user_id: str) -> User:
        """Return the user with this id."""
        return await self._read(("user", user_id), PERSON_TTL, lambda: self._users.get_user(user_id))

    async def get_user_roles(self, user_id: str) -> UserAuthorization:
        """Return the roles and permissions of a user."""
        return await self._read(("roles", user_id), PERSON_TTL, lambda: self._roles.get_user_roles(user_id))

    async def get_tokens_me(self) -> TokenInfo:
        """Return what Genesys Cloud knows of the bot's token."""
        return await self._read(("token", "me"), TOKEN_TTL, self._tokens.get_tokens_me)

    async def get_user_now(self, user_id: str, expand: Sequence[str], *, login: bool = True) -> User:
        """Return the user with this id and further fields: uncached, after one request at most.

        Without `login`, no request is sent unless the client has a token.
        """
        self._require_allowance()
        return await self._users.get_user_once(user_id, expand, login=login)

    async def _read(self, key: tuple[str, str], ttl: float, call: Callable[[], Awaitable[Result]]) -> Result:
        read_at, answer = self._answers.get(key, (float("-inf"), None))
        if self._clock() - read_at < ttl:
            found: Result = answer
            return found
        self._require_allowance()
        result = await call()
        if len(self._answers) >= MAX_CACHED:
            self._answers.clear()
        self._answers[key] = (self._clock(), result)
        return result

    def _require_allowance(self) -> None:
        """Raise GenesysRateLimited if the rest of the allowance is reserved."""
        if self._allowance.used >= self._max_share:
            error = GenesysRateLimited(problem=RESERVED)
            error.retry_after = self._allowance.resets_in
            raise error
