"""Find out who a person is right now, in Slack and in Genesys Cloud, and what they hold there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from bot.domain.denials import DenialCode, Denied
from bot.domain.failed_checks import Cause, FailedCheck, Subject
from bot.domain.identifiers import GENESYS_ID
from bot.domain.people import Actor, Grants, Member, Permission, Person, Workspace, comparable_email, other_spelling
from bot.domain.policy import rule_for
from bot.domain.principals import Principal, PrincipalKind
from bot.purecloud import GenesysError, GenesysNotFound, User, UserAuthorization, is_transient
from bot.services.slack_principals import SlackPrincipals, groups_among, longest
from bot.slack.shared_reads import SharedReads
from bot.slack.users import SlackUsers
from bot.slack.workspace import WorkspaceIdentity
from bot.visible_text import storable_text

CACHE_TTL = 60.0
"""Seconds for which an answer serves a command. A click needs one that Slack began to give after the click."""


class GenesysUsers(Protocol):
    """The calls of the Users API that identify a person; each raises GenesysError."""

    async def search_by_email(self, email: str) -> list[User]:
        """Return the users with exactly this email address."""

    async def get_user(self, user_id: str) -> User:
        """Return the user with this id."""


class GenesysRoles(Protocol):
    """The call of the Authorization API that reads a person's roles; raises GenesysError."""

    async def get_user_roles(self, user_id: str) -> UserAuthorization:
        """Return the roles and permissions of a user."""


class Identity:
    """Looks people up. Every error is raised or counts as "no", never as "yes"."""

    def __init__(
        self, workspace: WorkspaceIdentity, slack_users: SlackUsers, genesys_users: GenesysUsers, roles: GenesysRoles
    ) -> None:
        self._workspace = workspace
        self._slack_users = slack_users
        self._slack_principals = SlackPrincipals(slack_users)
        self._genesys_users = genesys_users
        self._searches = SharedReads(genesys_users.search_by_email, clock=slack_users.clock)
        self._roles = SharedReads(roles.get_user_roles, clock=slack_users.clock)

    def clock(self) -> float:
        """Return the time of the clock by which answers are old, in monotonic seconds."""
        return self._slack_users.clock()

    @property
    def recently(self) -> float:
        """When an answer for a command may have begun at the earliest."""
        return self.clock() - CACHE_TTL

    @property
    def workspace(self) -> Workspace:
        """The workspace of the bot's token; raises SlackUnavailable until it is known."""
        return self._workspace.current

    async def member(self, user_id: str, *, since: float | None = None) -> Member | None:
        """Look a Slack user up; None for an id that Slack does not know. Raises SlackUnavailable."""
        return await self._slack_users.get(user_id, since=since)

    async def own_member(self, user_id: str, team_id: str | None) -> Member:
        """Return a member of this workspace; raises Denied for any other user, and SlackUnavailable."""
        if is_other_workspace(team_id, self.workspace):
            raise Denied(DenialCode.OUTSIDER)
        member = await self.member(user_id, since=self.recently)
        if member is None or not member.belongs_to(self.workspace):
            raise Denied(DenialCode.OUTSIDER)
        return member

    async def prefetch_groups(
        self, user_id: str, principals: Sequence[Principal], *, since: float | None = None
    ) -> None:
        """Read the principals' user groups for a user, unless the user is named without them."""
        if rule_for(Actor(Member(id=user_id, team_id="", name="")), principals):
            return
        await self._slack_users.membership(frozenset({user_id}), groups_among(principals), since=since)

    async def listed_members(self, principals: Sequence[Principal]) -> list[str] | None:
        """Return the ids of everyone whom principals name; None if only Genesys Cloud knows some of them.

        Raises SlackUnavailable.
        """
        if any(one.kind in (PrincipalKind.ROLE, PrincipalKind.PERMISSION) for one in principals):
            return None
        return await self._slack_principals.listed_members(principals, since=self.recently)

    async def actor(self, member: Member, principals: Sequence[Principal], *, since: float | None) -> Actor:
        """Read what decides whether one of the principals names this member, under any id.

        `since` is when an answer may have begun at the earliest, in monotonic seconds; None reads again. What cannot be
        read is in `unverified` and counts as "no".
        """
        actor = Actor(member)
        if not rule_for(actor, principals):
            actor = await self._slack_principals.read(actor, principals, since=since, on_grid=self._on_grid)
        return await self._with_grants(actor, principals, since)

    async def target_actor(
        self, slack_user_id: str | None, person: Person, principals: Sequence[Principal], *, since: float | None = None
    ) -> Actor:
        """Read what decides whether one of the principals protects a target, under any id or email address.

        If the principals name Slack users, the target's Slack user is looked up, by email address if its id is
        unknown. What cannot be compared is in `unverified`. Raises SlackUnavailable.
        """
        actor = Actor(Member(id=slack_user_id or "", team_id="", name=person.name), person)
        if any(one.kind in (PrincipalKind.USER, PrincipalKind.GROUP) for one in principals):
            actor = replace(actor, member=await self.slack_user_of(slack_user_id, person) or actor.member)
            if not rule_for(actor, principals):
                read = self._slack_principals.read_protection
                actor = await read(actor, principals, since=since, on_grid=self._on_grid)
        return await self._with_grants(actor, principals, None)

    @property
    def _on_grid(self) -> bool:
        return self.workspace.enterprise_id is not None

    async def slack_user_of(self, slack_user_id: str | None, person: Person) -> Member | None:
        """Return a person's Slack user, by email address if the id is unknown. Raises SlackUnavailable."""
        if slack_user_id:
            return await self.member(slack_user_id, since=self.recently)
        return await self._slack_users.get_by_email(person.email) if person.email else None

    async def _with_grants(self, actor: Actor, principals: Sequence[Principal], since: float | None) -> Actor:
        """Add the roles in Genesys Cloud, unless the answer is known without them."""
        asks_genesys = any(one.kind in (PrincipalKind.ROLE, PrincipalKind.PERMISSION) for one in principals)
        if rule_for(actor, principals) or not asks_genesys:
            return actor
        try:
            person = actor.person or await self._active_person_of(actor.member, since)
            grants = read_grants(await self._roles.get(person.id, since=since))
        except (Denied, GenesysError, ValueError) as error:  # ValueError: a person without a usable id
            unverified = (*actor.unverified, _failed_check(error))
            return replace(actor, unverified=unverified, retry_after=longest(actor.retry_after, _delay(error)))
        return replace(actor, person=person, grants=grants)

    async def _active_person_of(self, member: Member, since: float | None) -> Person:
        """Return the person whose roles a member has. The roles of an inactive person grant nothing."""
        person = await self.person_of(member, since=since)
        if not person.active:
            raise Denied(DenialCode.INACTIVE_IN_GENESYS, named=person.email or person.id)
        return person

    async def person_of(self, member: Member, *, since: float | None = None) -> Person:
        """Return the one Genesys Cloud person with a member's email address.

        Raises Denied and GenesysError.
        """
        if not member.email:
            raise Denied(DenialCode.NO_EMAIL, member=member.id)
        if not member.email_confirmed:
            raise Denied(DenialCode.EMAIL_UNCONFIRMED, member=member.id)
        return await self.person_by_email(member.email, since=since)

    async def person_by_email(self, email: str, *, since: float | None = None) -> Person:
        """Find the one Genesys Cloud person with an email address, who may be inactive.

        An active person comes before inactive ones, who may have had the address earlier. Raises Denied and
        GenesysError.
        """
        try:
            found = await self._search(email, since)
        except ValueError:
            raise Denied(DenialCode.TARGET_IS_NO_ADDRESS, word=email) from None
        existing = [user for user in found if not user.deleted]
        people = [user for user in existing if user.active] or existing
        if len(people) > 1:
            raise Denied(DenialCode.SEVERAL_IN_GENESYS, email=email, count=str(len(people)))
        if not people:
            raise Denied(DenialCode.UNKNOWN_IN_GENESYS, named=email)
        return read_person(people[0])

    async def _search(self, email: str, since: float | None) -> list[User]:
        """Search an email address, and if no one has it, its other spelling, as Slack may write it."""
        found = await self._searches.get(email, since=since)
        other = None if found else other_spelling(email)
        return await self._searches.get(other, since=since) if other else found

    async def person_by_id(self, user_id: str) -> Person:
        """Find a Genesys Cloud person by id, who may be inactive. Raises Denied and GenesysError."""
        try:
            user = await self._genesys_users.get_user(user_id)
        except ValueError:
            raise Denied(DenialCode.TARGET_UNREADABLE, word=user_id) from None
        except GenesysNotFound:
            raise Denied(DenialCode.UNKNOWN_IN_GENESYS, named=user_id) from None
        if user.deleted:
            raise Denied(DenialCode.UNKNOWN_IN_GENESYS, named=user_id)
        return read_person(user)


def _delay(error: Exception) -> float | None:
    """Return the seconds after which a failed call may succeed, None for a definite answer."""
    if not isinstance(error, GenesysError) or not is_transient(error):
        return None
    return getattr(error, "retry_after", None) or 0.0


def is_other_workspace(team_id: str | None, workspace: Workspace) -> bool:
    """Return whether a payload's team id is foreign; on Enterprise Grid only `users.info` shows that."""
    return bool(team_id) and workspace.enterprise_id is None and team_id != workspace.team_id


def same_email(person: Person, member: Member) -> bool:
    """Return whether a person and a member have the same email address; two missing ones are not the same."""
    email = comparable_email(person.email)
    return email is not None and email == member.comparable_email


def _failed_check(error: Exception) -> FailedCheck:
    """Return that the roles could not be read, and why."""
    cause = error.code if isinstance(error, Denied | GenesysError) else Cause.INVALID_TARGET
    correlation_id = error.correlation_id if isinstance(error, GenesysError) else None
    return FailedCheck(Subject.GENESYS_ROLES, cause, correlation_id=correlation_id)


def read_person(user: User) -> Person:
    """Reduce a Genesys Cloud user to what the bot shows and acts on.

    The texts stay as they are, so that the card can warn of hidden characters in them.
    """
    return Person(
        id=storable_text(user.id),
        name=storable_text(user.name or ""),
        email=_storable(user.email),
        division=_storable(user.division.name) if user.division else None,
        state=_storable(user.state),
    )


def _storable(text: str | None) -> str | None:
    return text and storable_text(text)


def read_grants(authorization: UserAuthorization) -> Grants:
    """Read `GET /api/v2/users/{subjectId}/roles`; policies with any condition are kept apart.

    A name that looks like an id is left out, so that `role:<id>` never matches the name of another role.
    """
    ids = {role.id for role in authorization.roles if role.id}
    names = {role.name for role in authorization.roles if role.name and not GENESYS_ID.fullmatch(role.name)}
    roles = {word.casefold() for word in ids | names}
    unconditional: set[Permission] = set()
    conditional: set[Permission] = set()
    for policy in authorization.permission_policies:
        bound = policy.allow_conditions or policy.resource_condition or policy.resource_condition_node
        (conditional if bound or policy.named_resources else unconditional).update(
            ((policy.domain or "").lower(), (policy.entity_name or "").lower(), action.lower())
            for action in policy.action_set
        )
    listed = {_permission(text) for text in authorization.permissions if text.count(":") == 2}  # noqa: PLR2004 - d:e:a
    return Grants(frozenset(roles), frozenset(listed), frozenset(unconditional), frozenset(conditional))


def _permission(text: str) -> Permission:
    domain, entity, action = text.lower().split(":")
    return domain, entity, action
