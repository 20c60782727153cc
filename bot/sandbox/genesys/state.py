"""The state of a fake Genesys Cloud organization: users, sessions, OAuth clients and tokens."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from bot.domain.actions import ACTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

BOT_PERMISSIONS: Final = frozenset({
    "directory:user:view", "authorization:grant:view", "routing:queue:view",
    *(one.permission for one in ACTIONS.values() if one.permission),
})  # fmt: skip
"""The permissions that the bot's OAuth client needs."""

PERMISSION_CATALOGUE: Final[Mapping[str, Mapping[str, tuple[str, ...]]]] = {
    "authorization": {"grant": ("add", "delete", "view"), "role": ("add", "delete", "edit", "view")},
    "directory": {"organization": ("admin",), "user": ("add", "delete", "edit", "view")},
    "oauth": {"client": ("add", "delete", "edit", "view"), "token": ("delete",)},
    "routing": {"queue": ("add", "delete", "edit", "view")},
}
"""A part of the permissions that Genesys Cloud knows: domain, entity, actions."""


@dataclass(frozen=True, slots=True)
class EntityRef:
    """The id and name of a division, a role or an organization."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class UserSet:
    """A group or a queue, with the ids of its members."""

    id: str
    name: str
    members: tuple[str, ...] = ()


HOME_DIVISION: Final = EntityRef("8c3b1f0a-7d52-4f0e-9a86-0d3f5a1c2b70", "Home")
ORGANIZATION: Final = EntityRef("2f6d8a54-9c1e-4b7a-8e3d-51c0b9f7a6e2", "Acme Contact Center")


@dataclass(slots=True)
class GenesysUser:
    """A user of the organization.

    `sessions` is the number of tokens that the user is logged in with; `state` is active, inactive or deleted.
    """

    id: str
    name: str
    email: str
    state: str = "active"
    division: EntityRef = HOME_DIVISION
    title: str | None = None
    department: str | None = None
    roles: tuple[EntityRef, ...] = ()
    permissions: tuple[str, ...] = ()
    policies: tuple[Mapping[str, Any], ...] = ()
    """Permission policies as the API writes them: `domain`, `entityName`, `actionSet`, `resourceConditionNode`."""
    sessions: int = 1
    presence: str | None = "Available"
    routing_status: str | None = "OFF_QUEUE"
    conversations: Mapping[str, int] = field(default_factory=dict)
    """How many conversations of each kind, by its name in a UserConversationSummary."""
    last_token_issued: float | None = None
    """When the user last logged in, a reading of the clock."""


@dataclass(slots=True)
class FakeOAuthClient:
    """An OAuth client of the client credentials grant, with one role that holds `permissions`.

    `divisions` limits the role; empty means all divisions. `token_lifetime` and `idle_timeout` are in seconds; without
    an idle timeout, tokens do not idle out.
    """

    id: str
    secret: str = field(repr=False)
    name: str = "Slack revoke bot"
    permissions: frozenset[str] = BOT_PERMISSIONS
    divisions: tuple[EntityRef, ...] = ()
    token_lifetime: int = 86400
    idle_timeout: int | None = None


@dataclass(slots=True)
class IssuedToken:
    """An access token. `generation` counts all issued tokens from 1; times are readings of the clock."""

    value: str = field(repr=False)
    generation: int
    client: FakeOAuthClient
    expires_at: float
    idles_at: float | None
    requests: int = 0


class GenesysState:
    """The users, clients and tokens of one organization."""

    def __init__(
        self,
        users: Iterable[GenesysUser],
        clients: Iterable[FakeOAuthClient],
        *,
        organization: EntityRef,
        clock: Callable[[], float],
    ) -> None:
        self.organization = organization
        self.roles: list[EntityRef] = []
        """Roles that exist in addition to those of the users."""
        self.groups: list[UserSet] = []
        self.queues: list[UserSet] = []
        self.users: dict[str, GenesysUser] = {}
        for user in users:
            self.add(user)
        self.clients = {client.id: client for client in clients}
        self.clock = clock
        self.on_logged_out: list[Callable[[GenesysUser], None]] = []
        """Called when all tokens of a user were deleted."""
        self.refuses_expanded_search: int | None = None
        """The status with which a search for users is refused that expands fields, None if it is not."""
        self.issued = 0
        self._tokens: dict[str, IssuedToken] = {}

    @property
    def live_tokens(self) -> list[IssuedToken]:
        """The tokens that are valid now, oldest first."""
        return [token for token in self._tokens.values() if self._is_live(token)]

    @property
    def live_generations(self) -> list[int]:
        """The generations of the tokens that are valid now."""
        return [token.generation for token in self.live_tokens]

    @property
    def all_roles(self) -> list[EntityRef]:
        """Every role of the organization once."""
        return list(dict.fromkeys([*self.roles, *(role for user in self.users.values() for role in user.roles)]))

    @property
    def divisions(self) -> list[EntityRef]:
        """Every division that has a user once."""
        return list(dict.fromkeys(user.division for user in self.users.values()))

    def add(self, user: GenesysUser) -> None:
        """Add a user."""
        self.users[user.id.lower()] = user

    def log_out(self, user: GenesysUser) -> None:
        """Delete all tokens of a user."""
        user.sessions = 0
        for listener in self.on_logged_out:
            listener(user)

    def log_in(self, user: GenesysUser) -> None:
        """Issue a token to a user."""
        user.sessions += 1
        user.last_token_issued = self.clock()

    def issue(self, client: FakeOAuthClient) -> IssuedToken:
        """Issue a token to the client; its earlier tokens stay valid."""
        self.issued += 1
        now = self.clock()
        idles_at = now + client.idle_timeout if client.idle_timeout else None
        token = IssuedToken(secrets.token_urlsafe(64), self.issued, client, now + client.token_lifetime, idles_at)
        self._tokens[token.value] = token
        return token

    def find_live(self, value: str | None) -> IssuedToken | None:
        """Return the valid token with this value, without counting as its use."""
        token = self._tokens.get(value) if value else None
        return token if token and self._is_live(token) else None

    def use(self, value: str, *, keep_idle: bool = False) -> IssuedToken | None:
        """Return the valid token with this value and restart its idle timeout, unless `keep_idle` is set."""
        token = self.find_live(value)
        if token is None:
            return None
        token.requests += 1
        if token.client.idle_timeout and not keep_idle:
            token.idles_at = self.clock() + token.client.idle_timeout
        return token

    def revoke(self, token: IssuedToken) -> None:
        """Revoke one token."""
        self._tokens.pop(token.value, None)

    def revoke_all_tokens(self) -> None:
        """Revoke every token issued so far, as an administrator may do."""
        self._tokens.clear()

    def _is_live(self, token: IssuedToken) -> bool:
        now = self.clock()
        return now < token.expires_at and (token.idles_at is None or now < token.idles_at)
