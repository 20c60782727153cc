"""`/purecloud whoami`: the person, their rights and facts about the bot's token, never its value."""

from __future__ import annotations

from collections.abc import Iterable

from bot.domain.commands import Invoker
from bot.domain.people import Person
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import BREAK_GLASS, REVOKE_MANY
from bot.errors import BotError
from bot.services.account import NamedEntity, OrgOAuthClient, Permissions, TokenInfo, WhoAmI
from handlers.help import approval_hint, unverified
from handlers.messages import Catalog
from handlers.services import Services
from handlers.ui import blocks, rich_text
from handlers.ui.blocks import Block, Message, foreign_mrkdwn, foreign_value
from handlers.ui.reasons import explain
from handlers.ui.rich_text import Element, words
from handlers.ui.sentences import sentence

_EXCEPTIONAL = frozenset({BREAK_GLASS, REVOKE_MANY})
"""Actions of which only the people read who can request them."""


async def answer(invoker: Invoker, services: Services, catalog: Catalog, _line: str = "") -> Message:
    """Return both, for this person alone."""
    who = await services.account.whoami(invoker)
    name, workspace = foreign_mrkdwn(who.member.name), foreign_mrkdwn(who.workspace.name)
    return blocks.message(
        catalog.text("whoami.summary", name=name, workspace=workspace),
        blocks.header(catalog.text("whoami.title", name=foreign_value(who.member.name) or "-")),
        _person(catalog, who),
        permission_block(catalog, who.permissions, services.actions),
        *_token(catalog, who),
    )


def _person(catalog: Catalog, who: WhoAmI) -> Block:
    """Return who the person is in Slack and in Genesys Cloud, in the second person."""
    email = foreign_value(who.member.email or "") or catalog.text("whoami.no_email")
    if isinstance(who.person, BotError):
        code = "whoami.person_unknown" if who.person.code.startswith("genesys_") else "whoami.no_person"
        return blocks.section(catalog.text(code, email=foreign_mrkdwn(email), problem=_problem(catalog, who.person)))
    if who.person is None:
        return blocks.plain_section(
            catalog.text("whoami.slack", email=email, workspace=foreign_value(who.workspace.name))
        )
    person = who.person
    facts = [catalog.text("request.division", division=foreign_value(person.division)) if person.division else ""]
    facts += [_state(catalog, person), person.id if who.permissions.administer else ""]
    same = (person.name, person.email) == (who.member.name, who.member.email)
    text = catalog.text(
        "whoami.same" if same else "whoami.different",
        email=email,
        name=foreign_value(person.name) or "-",
        genesys_email=foreign_value(person.email or "") or catalog.text("whoami.no_email"),
        facts=", ".join(filter(None, facts)),
    )
    return blocks.plain_section(text)


def _problem(catalog: Catalog, error: BotError) -> str:
    """Return why a person was not found, in the second person."""
    own = catalog.optional(f"whoami.reason.{error.code}")
    return own or explain(catalog, error.code, error.params, changed_nothing=False)


def _state(catalog: Catalog, person: Person) -> str:
    state = foreign_value(person.state or "")
    return state if person.active else catalog.text("whoami.state.not_active", state=state)


def identity_line(catalog: Catalog, who: WhoAmI) -> str:
    """Return one line that says who a person is in Slack and in Genesys Cloud."""
    name = foreign_mrkdwn(who.member.name)
    if isinstance(who.person, Person):
        genesys = foreign_mrkdwn(who.person.name or who.person.email or who.person.id)
        return catalog.text("home.person", name=name, genesys=genesys)
    if isinstance(who.person, BotError):
        return catalog.text("home.person_unknown", name=name, problem=_problem(catalog, who.person))
    return catalog.text("whoami.summary", name=name, workspace=foreign_mrkdwn(who.workspace.name))


def permission_block(catalog: Catalog, permissions: Permissions, actions: Iterable[str]) -> Block:
    """Return what a person can request and approve, and by which rule."""
    if permissions.denied_because:
        return blocks.section(approval_hint(catalog, permissions))
    rights = (
        ("can_request", permissions.request, permissions.request_unknown),
        ("can_approve", permissions.approve, permissions.approve_unknown),
    )
    rows = [
        _row(catalog, what, rules.get(action), unknown=action in unknown)
        for action in actions
        if action not in _EXCEPTIONAL or action in permissions.request
        for code, rules, unknown in rights
        if (what := catalog.optional(f"{action}.{code}"))
    ]
    failed = rich_text.paragraph(*unverified(catalog, permissions)) if permissions.unverified else None
    return rich_text.block(rich_text.bullets(*rows), failed)


def _row(catalog: Catalog, what: str, rule: Principal | None, *, unknown: bool) -> Element:
    if rule is None:
        return rich_text.paragraph(*sentence(catalog, "whoami.unknown" if unknown else "whoami.no", what=what))
    return rich_text.paragraph(*sentence(catalog, "whoami.yes", what=what, rule=_rule(catalog, rule)))


def _rule(catalog: Catalog, rule: Principal) -> list[Element]:
    """Return by which rule a person can do something, without ids of Slack."""
    group: list[Element] = [rich_text.usergroup(rule.value)] if rule.kind is PrincipalKind.GROUP else []
    value = words(foreign_value(rule.value), code=True)
    return sentence(catalog, f"whoami.rule.{rule.kind.name.lower()}", group=group, value=value)


def _token(catalog: Catalog, who: WhoAmI) -> list[Block]:
    if who.token is None:
        return [blocks.context(catalog.text("whoami.token_hidden"))]
    if isinstance(who.token, BotError):
        problem = explain(catalog, who.token.code, who.token.params, changed_nothing=False)
        return [blocks.context(catalog.text("whoami.token_unknown", problem=problem))]
    client, idles, ids = who.token.oauth_client, who.token.date_token_idles, bool(who.permissions.administer)
    scopes = who.token.authorized_scope or (client.scope if client else ())
    values = {
        "organization": _organization(catalog, who.token, ids=ids) or "?",
        "region": who.region.domain,
        "client": _named(client, ids=ids),
        "grant": client.authorized_grant_type if client else None,
        "scopes": ", ".join(scopes),
    }
    said = {name: foreign_mrkdwn(value) for name, value in values.items() if value}
    parts = [catalog.text("whoami.token", **said)]
    parts += [catalog.text(f"whoami.{name}", **said) for name in ("client", "grant") if name in said]
    parts.append(catalog.text("whoami.scopes" if scopes else "whoami.no_scopes", **said))
    if idles:
        parts.append(catalog.text("whoami.idles", time=blocks.local_time(idles.timestamp(), seconds=False)))
    return [blocks.context(*parts)]


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
