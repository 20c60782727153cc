"""A made-up Genesys Cloud organization: its people with their sessions, its OAuth clients and the tokens given out."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BOT_PERMISSIONS: Final = frozenset({"oauth:token:delete", "directory:user:view", "authorization:grant:view"})
"""All that a client needs for what the bot does."""

CATALOGUE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "authorization": {"grant": ("add", "delete", "view"), "role": ("add", "delete", "edit", "view")},
    "directory": {"organization": ("admin",), "user": ("add", "delete", "edit", "view")},
    "oauth": {"client": ("add", "delete", "edit", "view"), "token": ("delete",)},
}
"""Some of what Genesys Cloud lets one permit: domain, entity, actions."""


@dataclass(frozen=True, slots=True)
class Named:
    """An id with its name."""

    id: str
    name: str


HOME_DIVISION: Final = Named("8c3b1f0a-7d52-4f0e-9a86-0d3f5a1c2b70", "Home")
ORGANIZATION: Final = Named("2f6d8a54-9c1e-4b7a-8e3d-51c0b9f7a6e2", "Acme Contact Center")


@dataclass(slots=True)
class Person:
    """A user; `sessions` counts the tokens they are logged in with, `state` is active, inactive or deleted."""

    id: str
    name: str
    email: str
    state: str = "active"
    division: Named = HOME_DIVISION
    title: str | None = None
    department: str | None = None
    roles: tuple[Named, ...] = ()
    permissions: tuple[str, ...] = ()
    policies: tuple[Mapping[str, Any], ...] = ()
    """Permission policies as the API writes them: `domain`, `entityName`, `actionSet`, `resourceConditionNode`."""
    sessions: int = 1


@dataclass(slots=True)
class OAuthClient:
    """A client of the client credentials grant; lifetimes in seconds, None: its tokens never idle out.

    It holds its permissions by one role, in the divisions named; none named: in all.
    """

    id: str
    secret: str = field(repr=False)
    name: str = "Slack revoke bot"
    permissions: frozenset[str] = BOT_PERMISSIONS
    divisions: tuple[Named, ...] = ()
    token_lifetime: int = 86400
    idle_timeout: int | None = None


@dataclass(slots=True)
class IssuedToken:
    """A token given out; `generation` counts all of them from 1, moments are those of the clock."""

    value: str = field(repr=False)
    generation: int
    client: OAuthClient
    expires_at: float
    idles_at: float | None
    requests: int = 0


class GenesysState:
    """What the organization knows, and what changes in it."""

    def __init__(
        self,
        people: Iterable[Person],
        clients: Iterable[OAuthClient],
        *,
        organization: Named,
        clock: Callable[[], float],
    ) -> None:
        self.organization = organization
        self.roles: list[Named] = []
        """The roles there are, besides those that people hold."""
        self.people: dict[str, Person] = {}
        for person in people:
            self.add(person)
        self.clients = {client.id: client for client in clients}
        self.clock = clock
        self.issued = 0
        self._live: dict[str, IssuedToken] = {}

    @property
    def live_generations(self) -> list[int]:
        """The generations of the clients' tokens that are accepted now."""
        return [token.generation for token in self._live.values() if self._alive(token)]

    @property
    def all_roles(self) -> list[Named]:
        """Every role of the organization, each once."""
        return list(dict.fromkeys([*self.roles, *(role for person in self.people.values() for role in person.roles)]))

    def add(self, person: Person) -> None:
        """One more person."""
        self.people[person.id.lower()] = person

    def issue(self, client: OAuthClient) -> IssuedToken:
        """One more token for the client; the ones before stay alive."""
        self.issued += 1
        now = self.clock()
        idles_at = now + client.idle_timeout if client.idle_timeout else None
        token = IssuedToken(secrets.token_urlsafe(64), self.issued, client, now + client.token_lifetime, idles_at)
        self._live[token.value] = token
        return token

    def live(self, value: str | None) -> IssuedToken | None:
        """The token of that value if it is accepted now; asking leaves no trace."""
        token = self._live.get(value) if value else None
        return token if token and self._alive(token) else None

    def accepted(self, value: str, *, keep_idle: bool = False) -> IssuedToken | None:
        """The live token of that value; using it puts off its idling out, unless told to keep that."""
        token = self.live(value)
        if token is None:
            return None
        token.requests += 1
        if token.client.idle_timeout and not keep_idle:
            token.idles_at = self.clock() + token.client.idle_timeout
        return token

    def end(self, token: IssuedToken) -> None:
        """Accept the token no more."""
        self._live.pop(token.value, None)

    def end_all(self) -> None:
        """Accept none of the tokens given out so far, as after an administrator's intervention."""
        self._live.clear()

    def _alive(self, token: IssuedToken) -> bool:
        now = self.clock()
        return now < token.expires_at and (token.idles_at is None or now < token.idles_at)
