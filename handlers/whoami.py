"""`/purecloud whoami`: who you are here and in Genesys Cloud, and what the bot's token is. Never the token itself."""

from __future__ import annotations

from bot.domain.people import Principal
from bot.domain.policy import Denied
from bot.purecloud import GenesysError, NamedEntity, TokenInfo
from bot.services.requesting import Invoker, Permissions, Service, WhoAmI
from handlers.help import approving
from handlers.messages.denials import matter
from handlers.messages.errors import trouble
from handlers.ui import blocks
from handlers.ui.blocks import Block, Message, escape


async def answer(asker: Invoker, _line: str, service: Service) -> Message:
    """Tell both, in private."""
    who = await service.whoami(asker)
    return blocks.message(
        f"You are {escape(who.member.name)} in {escape(who.workspace.name)}.",
        blocks.header("You"),
        *_you(who),
        blocks.section(_may(who.abilities)),
        blocks.header("The bot's token"),
        *_token(who),
    )


def _you(who: WhoAmI) -> list[Block]:
    slack = blocks.facts([("Slack", who.member.name), ("Workspace", who.workspace.name), ("E-mail", who.member.email)])
    if isinstance(who.person, Denied):
        return [slack, blocks.section(f"*Genesys Cloud*: nobody. {matter(who.person)}")]
    if isinstance(who.person, GenesysError):
        return [slack, blocks.section(f"*Genesys Cloud*: could not be asked. {trouble(who.person)}")]
    person = who.person
    genesys = blocks.facts(
        [
            ("Genesys Cloud", person.name),
            ("E-mail there", person.email),
            ("Division", person.division),
            ("State", person.state),
            ("Id", person.id),
        ]
    )
    return [slack, genesys]


def _may(abilities: Permissions) -> str:
    if abilities.against:
        return approving(abilities)
    rows = [
        ("ask for a revocation", abilities.ask),
        ("confirm a revocation", abilities.confirm),
        ("rotate the bot's token", abilities.administer),
    ]
    unread = (
        f"\nCould not be checked, so it counts as no: {escape('; '.join(abilities.unread))}" if abilities.unread else ""
    )
    return "*You may*\n" + blocks.bullets([_ability(what, rule) for what, rule in rows]) + unread


def _ability(what: str, rule: Principal | None) -> str:
    return f"{what}: *yes*, by `{escape(str(rule))}`" if rule else f"{what}: no"


def _token(who: WhoAmI) -> list[Block]:
    if who.token is None:
        return [blocks.section("Shown to full members of the workspace only.")]
    if isinstance(who.token, GenesysError):
        return [blocks.section(f"Genesys Cloud could not be asked about it. {trouble(who.token)}")]
    token = blocks.facts(_token_facts(who.token, who.region.domain))
    idles = who.token.date_token_idles
    return [token, blocks.context(f"idles out {blocks.moment(idles.timestamp())}")] if idles else [token]


def _token_facts(token: TokenInfo, region: str) -> list[tuple[str, str | None]]:
    client = token.oauth_client
    organization = _named(token.organization)
    home = _named(token.home_organization)
    if home and home != organization:
        organization = f"{organization or '?'} (home: {home})"
    scopes = token.authorized_scope or (client.scope if client else ())
    return [
        ("Organization", organization),
        ("OAuth client", _named(client)),
        ("Grant", client.authorized_grant_type if client else None),
        ("Scopes", ", ".join(scopes) or "none (a client's roles count)"),
        ("Region", region),
    ]


def _named(entity: NamedEntity | object | None) -> str | None:
    name, identity = getattr(entity, "name", None), getattr(entity, "id", None)
    return f"{name} ({identity})" if name and identity else name or identity
