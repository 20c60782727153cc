"""Who a Slack user is right now: `users.info`, user groups, and the Genesys Cloud person with the same e-mail."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.domain.people import (
    Actor,
    Grants,
    Member,
    Permission,
    Person,
    Principal,
    PrincipalKind,
    Workspace,
    read_member,
)
from bot.domain.policy import DenialCode, Denied, rule_for
from bot.errors import BotError, SlackUnavailable
from bot.purecloud import AuthorizationApi, GenesysError, GenesysNotFound, User, UserAuthorization, UsersApi
from bot.services.error_text import error_text
from bot.slack.messages import Observe, delivery_error_from

GROUP_CACHE = 60.0
"""Seconds a user group's members are remembered where nothing is decided by them; a click never uses it."""

Question = Callable[..., Awaitable[AsyncSlackResponse]]
"""A method of the Web API client that changes nothing."""

_UNKNOWN_MEMBER = frozenset({"user_not_found", "user_not_visible", "users_not_found"})


class Directory:
    """Looks people up. Every error is raised or counted as "no", never taken for "yes"."""

    def __init__(
        self,
        client: AsyncWebClient,
        users: UsersApi,
        authorization: AuthorizationApi,
        observe: Observe,
        *,
        clock: Callable[[], float],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._users = users
        self._authorization = authorization
        self._observe = observe
        self._clock = clock
        self._sleep = sleep
        self._workspace: Workspace | None = None
        self.known = asyncio.Event()
        """Set once Slack has told which workspace this is."""
        self._groups: dict[str, tuple[float, frozenset[str]]] = {}
        self._flights: dict[str, asyncio.Task[frozenset[str]]] = {}

    @property
    def workspace(self) -> Workspace:
        """The workspace of the bot's token; raises SlackUnavailable until `identify` has passed."""
        if self._workspace is None:
            raise SlackUnavailable("auth.test", "not asked yet")
        return self._workspace

    async def identify(self) -> Workspace:
        """Ask Slack whose token this is (`auth.test`; the app's id from `bots.info` where it is not told)."""
        me = await self._ask("auth.test", self._client.auth_test)
        app_id = me.get("app_id") or await self._app_id(me.get("bot_id"))
        if not me.get("team_id"):
            raise SlackUnavailable("auth.test", "no_team_id")
        self._workspace = Workspace(
            team_id=str(me["team_id"]),
            name=str(me.get("team") or me["team_id"]),
            bot_user_id=str(me.get("user_id") or ""),
            enterprise_id=me.get("enterprise_id") or None,
            app_id=app_id,
        )
        self.known.set()
        return self._workspace

    async def _app_id(self, bot_id: str | None) -> str | None:
        """Without it the signature alone tells the app: a signing secret belongs to one app."""
        if not bot_id:
            return None
        try:
            found = await self._ask("bots.info", self._client.bots_info, bot=bot_id)
        except SlackUnavailable:
            return None
        return (found.get("bot") or {}).get("app_id") or None

    async def member(self, user_id: str) -> Member | None:
        """Look a Slack user up, uncached; None for an id Slack does not know (or does not show)."""
        try:
            found = await self._ask("users.info", self._client.users_info, user=user_id)
        except SlackUnavailable as error:
            if error.slack_code in _UNKNOWN_MEMBER:
                return None
            raise
        return read_member(found.get("user") or {})

    async def member_by_email(self, email: str) -> Member | None:
        """Find the Slack user with an e-mail; None when nobody has it."""
        try:
            found = await self._ask("users.lookupByEmail", self._client.users_lookupByEmail, email=email)
        except SlackUnavailable as error:
            if error.slack_code in _UNKNOWN_MEMBER:
                return None
            raise
        return read_member(found.get("user") or {})

    async def actor(self, member: Member, principals: Sequence[Principal], *, fresh: bool) -> Actor:
        """Read what is needed to tell whether one of the principals means this member.

        `fresh` asks Slack anew, as a decision must. What cannot be read is named in `unread` and counts as "no".
        """
        return await self._read(Actor(member), principals, fresh=fresh)

    async def target(self, member_id: str | None, person: Person, principals: Sequence[Principal]) -> Actor:
        """Read whether one of the principals means a target: a known person, whose Slack user may be unknown."""
        nobody = Member(id="", team_id="", name=person.name)
        member = replace(nobody, id=member_id) if member_id else nobody
        return await self._read(Actor(member, person), principals, fresh=True)

    async def _read(self, actor: Actor, principals: Sequence[Principal], *, fresh: bool) -> Actor:
        """Ask Slack before Genesys Cloud, and neither when the answer is known already."""
        if rule_for(actor, principals):
            return actor
        groups, unread = await self._groups_of(actor.member.id, principals, fresh=fresh)
        actor = replace(actor, groups=groups, unread=unread)
        asks_genesys = any(one.kind in (PrincipalKind.ROLE, PrincipalKind.PERMISSION) for one in principals)
        if rule_for(actor, principals) or not asks_genesys:
            return actor
        try:
            person = actor.person or await self.person_of(actor.member)
            grants = read_grants(await self._authorization.get_user_roles(person.id))
        except (Denied, GenesysError, ValueError) as error:  # ValueError: a person without a usable id
            return replace(actor, unread=(*unread, f"Genesys Cloud roles ({_why(error)})"))
        return replace(actor, person=person, grants=grants)

    async def person_of(self, member: Member) -> Person:
        """Find the one active Genesys Cloud person with a member's e-mail; raises Denied or GenesysError."""
        if not member.email:
            raise Denied(DenialCode.NO_EMAIL, member=member.id)
        if not member.email_confirmed:
            raise Denied(DenialCode.EMAIL_UNCONFIRMED, member=member.id)
        return await self.person_by_email(member.email)

    async def person_by_email(self, email: str) -> Person:
        """Find the one active Genesys Cloud person with an e-mail; raises Denied or GenesysError."""
        found = [user for user in await self._users.search_by_email(email) if (user.state or "") != "deleted"]
        active = [user for user in found if user.active]
        if len(active) > 1:
            raise Denied(DenialCode.SEVERAL_IN_GENESYS, email=email, count=str(len(active)))
        if not active:
            raise Denied(DenialCode.INACTIVE_IN_GENESYS if found else DenialCode.UNKNOWN_IN_GENESYS, named=email)
        return person_from(active[0])

    async def person_by_id(self, user_id: str) -> Person:
        """Find a Genesys Cloud person by id; raises Denied or GenesysError."""
        try:
            user = await self._users.get_user(user_id)
        except GenesysNotFound:
            raise Denied(DenialCode.UNKNOWN_IN_GENESYS, named=user_id) from None
        if not user.active:
            raise Denied(DenialCode.INACTIVE_IN_GENESYS, named=user_id)
        return person_from(user)

    async def _groups_of(
        self, user_id: str, principals: Sequence[Principal], *, fresh: bool
    ) -> tuple[frozenset[str], tuple[str, ...]]:
        wanted = [one.value for one in principals if one.kind is PrincipalKind.GROUP]
        found = await asyncio.gather(*(self._members(group, fresh=fresh) for group in wanted), return_exceptions=True)
        mine, unread = set(), []
        for group, members in zip(wanted, found, strict=True):
            if isinstance(members, SlackUnavailable):
                unread.append(f"user group {group} ({members.slack_code})")
            elif isinstance(members, BaseException):
                raise members
            elif user_id in members:
                mine.add(group)
        return frozenset(mine), tuple(unread)

    async def _members(self, group: str, *, fresh: bool) -> frozenset[str]:
        """Read a user group's members; those who ask at the same moment share one call (20 a minute are allowed)."""
        at, members = self._groups.get(group, (float("-inf"), frozenset()))
        if not fresh and self._clock() - at < GROUP_CACHE:
            return members
        flight = self._flights.get(group)
        if flight is None:
            flight = asyncio.create_task(self._read_group(group))
            self._flights[group] = flight
            flight.add_done_callback(lambda _: self._flights.pop(group, None))
        return await asyncio.shield(flight)

    async def _read_group(self, group: str) -> frozenset[str]:
        found = await self._ask("usergroups.users.list", self._client.usergroups_users_list, usergroup=group)
        members = frozenset(str(user) for user in found.get("users") or ())
        self._groups[group] = (self._clock(), members)
        return members

    async def _ask(self, method: str, call: Question, **arguments: str) -> Mapping[str, Any]:
        """Ask the Web API a question, once more after a passing fault; raises SlackUnavailable with Slack's code."""
        for last in (False, True):
            try:
                answer = await call(**arguments)
            except Exception as error:
                problem = delivery_error_from(error)
                self._observe(method, problem.slack_code)
                if last or not problem.passing or problem.wait > 1:
                    raise SlackUnavailable(method, problem.slack_code) from error
                await self._sleep(problem.wait)
            else:
                self._observe(method, "ok")
                return answer.data if isinstance(answer.data, Mapping) else {}
        raise SlackUnavailable(method, "unreadable")


def _why(error: Exception) -> str:
    """Say what kept something from being read, with what Genesys support asks for."""
    if isinstance(error, Denied):
        return error.reason
    number = error.correlation_id if isinstance(error, GenesysError) else None
    text = error_text(error) if isinstance(error, BotError) else str(error)
    return f"{text} Correlation id {number}" if number else text


def person_from(user: User) -> Person:
    """Reduce a Genesys Cloud user to what the bot shows and acts on."""
    return Person(
        id=_kept(user.id) or "",
        name=_kept(user.name) or "",
        email=_kept(user.email),
        division=_kept(user.division.name) if user.division else None,
        state=_kept(user.state),
    )


def _kept(text: str | None) -> str | None:
    """Leave out what PostgreSQL takes in no text."""
    return text and text.replace("\0", "")


def read_grants(authorization: UserAuthorization) -> Grants:
    """Read `GET /api/v2/users/{subjectId}/roles`; a policy with any condition is set apart."""
    roles = {word.casefold() for role in authorization.roles for word in (role.id, role.name) if word}
    free: set[Permission] = set()
    conditional: set[Permission] = set()
    for policy in authorization.permission_policies:
        bound = policy.allow_conditions or policy.resource_condition or policy.resource_condition_node
        into = conditional if bound or policy.named_resources else free
        into.update(
            ((policy.domain or "").lower(), (policy.entity_name or "").lower(), action.lower())
            for action in policy.action_set
        )
    listed = {_three(text) for text in authorization.permissions if text.count(":") == 2}  # noqa: PLR2004 - d:e:a
    return Grants(frozenset(roles), frozenset(listed), frozenset(free), frozenset(conditional))


def _three(text: str) -> Permission:
    domain, entity, action = text.lower().split(":")
    return domain, entity, action
