"""`/purecloud whoami`: the person, their rights and facts about the bot's token, never its value."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.commands import Invoker
from bot.domain.people import Person
from bot.domain.principals import Principal
from bot.domain.requests import BREAK_GLASS
from bot.errors import BotError
from bot.services.account import NamedEntity, OrgOAuthClient, Permissions, TokenInfo, WhoAmI
from handlers.help import approval_hint, unverified
from handlers.messages import Catalog
from handlers.services import Services
from handlers.ui import blocks
from handlers.ui.blocks import Block, Message, foreign_mrkdwn
from handlers.ui.reasons import explain


async def answer(invoker: Invoker, services: Services, catalog: Catalog, _line: str = "") -> Message:
    """Return both, for this person alone."""
    who = await services.account.whoami(invoker)
    name, workspace = foreign_mrkdwn(who.member.name), foreign_mrkdwn(who.workspace.name)
    return blocks.message(
        catalog.text("whoami.summary", name=name, workspace=workspace),
        blocks.header(catalog.text("whoami.you")),
        *_person(catalog, who),
        blocks.section(permission_lines(catalog, who.permissions, services.actions)),
        blocks.header(catalog.text("whoami.token")),
        *_token(catalog, who),
    )


def _person(catalog: Catalog, who: WhoAmI) -> list[Block]:
    slack = _facts(
        catalog, [("slack", who.member.name), ("workspace", who.workspace.name), ("email", who.member.email)]
    )
    if who.person is None:
        return [slack]
    if isinstance(who.person, BotError):
        problem = explain(catalog, who.person.code, who.person.params, changed_nothing=False)
        code = "whoami.person_unknown" if who.person.code.startswith("genesys_") else "whoami.no_person"
        return [slack, blocks.section(catalog.text(code, problem=problem))]
    person = who.person
    genesys = _facts(
        catalog,
        [
            ("genesys", person.name),
            ("genesys_email", person.email),
            ("division", person.division),
            ("state", _state(catalog, person)),
            ("id", person.id),
        ],
    )
    return [slack, genesys]


def _state(catalog: Catalog, person: Person) -> str | None:
    return person.state if person.active else catalog.text("whoami.state.not_active", state=person.state)


def identity_line(catalog: Catalog, who: WhoAmI) -> str:
    """Return one line that says who a person is in Slack and in Genesys Cloud."""
    name = foreign_mrkdwn(who.member.name)
    if isinstance(who.person, Person):
        genesys = foreign_mrkdwn(who.person.name or who.person.email or who.person.id)
        return catalog.text("home.person", name=name, genesys=genesys)
    if isinstance(who.person, BotError):
        problem = explain(catalog, who.person.code, who.person.params, changed_nothing=False)
        return catalog.text("home.person_unknown", name=name, problem=problem)
    return catalog.text("whoami.summary", name=name, workspace=foreign_mrkdwn(who.workspace.name))


def permission_lines(catalog: Catalog, permissions: Permissions, actions: Iterable[str]) -> str:
    """Return what a person can request and approve, and by which rule; no one else reads of break glass."""
    if permissions.denied_because:
        return approval_hint(catalog, permissions)
    rights = (
        ("can_request", permissions.request, permissions.request_unknown),
        ("can_approve", permissions.approve, permissions.approve_unknown),
    )
    rows = [
        _row(catalog, what, rules.get(action), unknown=action in unknown)
        for action in actions
        if action != BREAK_GLASS or action in permissions.request
        for code, rules, unknown in rights
        if (what := catalog.optional(f"{action}.{code}"))
    ]
    lines = [catalog.text("whoami.can"), blocks.bullets(rows)]
    if permissions.unverified:
        lines.append(unverified(catalog, permissions))
    return "\n".join(lines)


def _row(catalog: Catalog, what: str, rule: Principal | None, *, unknown: bool) -> str:
    if rule is None:
        return catalog.text("whoami.unknown" if unknown else "whoami.no", what=what)
    return catalog.text("whoami.yes", what=what, rule=foreign_mrkdwn(rule))


def _token(catalog: Catalog, who: WhoAmI) -> list[Block]:
    if who.token is None:
        return [blocks.section(catalog.text("whoami.token_hidden"))]
    if isinstance(who.token, BotError):
        problem = explain(catalog, who.token.code, who.token.params, changed_nothing=False)
        return [blocks.section(catalog.text("whoami.token_unknown", problem=problem))]
    client, idles, ids = who.token.oauth_client, who.token.date_token_idles, bool(who.permissions.administer)
    scopes = who.token.authorized_scope or (client.scope if client else ())
    token = _facts(
        catalog,
        [
            ("organization", _organization(catalog, who.token, ids=ids)),
            ("client", _named(client, ids=ids)),
            ("grant", client.authorized_grant_type if client else None),
            ("scopes", ", ".join(scopes) or catalog.text("whoami.no_scopes")),
            ("region", who.region.domain),
        ],
    )
    if idles is None:
        return [token]
    return [token, blocks.context(catalog.text("whoami.idles", time=blocks.local_time(idles.timestamp())))]


def _organization(catalog: Catalog, token: TokenInfo, *, ids: bool) -> str | None:
    organization, home = _named(token.organization, ids=ids), _named(token.home_organization, ids=ids)
    if home and home != organization:
        return catalog.text("whoami.organization_home", organization=organization or "?", home=home)
    return organization


def _named(entity: NamedEntity | OrgOAuthClient | None, *, ids: bool) -> str | None:
    """Return a name; with `ids` the id too, which only admins see."""
    if entity is None:
        return None
    if entity.name and entity.id and ids:
        return f"{entity.name} ({entity.id})"
    return entity.name or (entity.id if ids else None)


def _facts(catalog: Catalog, rows: list[tuple[str, str | None]]) -> Block:
    return blocks.facts([(catalog.text(f"whoami.{name}"), value) for name, value in rows])
