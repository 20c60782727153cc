"""The whole examination: what can be looked at side by side is, and what hangs on something wrong is not tried."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp
from slack_sdk.web.async_client import AsyncWebClient

from bot.bootstrap import region_of
from bot.checks.database import CHECK, look_at_database
from bot.checks.errors import looked
from bot.checks.genesys import GenesysChecks
from bot.checks.headers import Overheard
from bot.checks.principals import GenesysPrincipals, SlackPrincipals, asks_genesys, check_of, named_in
from bot.checks.result import Finding, all_well, not_tried, refused, unknown, well
from bot.checks.slack import SlackChecks
from bot.domain.people import Principal
from bot.errors import SettingsError
from bot.purecloud import Limits, PureCloud, Region
from bot.settings import Settings, read_settings

SECONDS = 10.0
"""What one check may take; at most four hang on one another."""

_WITHIN = 0.9
"""The part of that which an answer gets, so that its own error is told rather than the time."""

LookUp = Callable[[Principal, tuple[str, ...]], Awaitable[Finding]]
Clock = Callable[[], float]


async def examine(environ: Mapping[str, str], *, clock: Clock = time.time, seconds: float = SECONDS) -> list[Finding]:
    """Look at everything; `clock` is this machine's, in seconds since the epoch."""
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        lines = [refused(problem) for problem in error.problems]
        return [*lines, not_tried("everything else", "the settings cannot be read")]
    parts = await asyncio.gather(
        looked(CHECK, look_at_database(settings), seconds),
        _slack(settings, Overheard(clock), seconds),
        _genesys(settings, Overheard(clock), seconds),
    )
    return [well("settings", "all that is required is set"), *(finding for part in parts for finding in part)]


async def _slack(settings: Settings, overheard: Overheard, seconds: float) -> list[Finding]:
    async with _session(overheard, seconds) as session:
        client = AsyncWebClient(
            token=settings.slack_bot_token.get_secret_value(),
            base_url=f"{settings.slack_api_url}/",
            session=session,
            retry_handlers=[],
        )
        checks = SlackChecks(client, settings, overheard, seconds=seconds)
        token = await checks.token()
        look_up = SlackPrincipals(client, checks.workspace).look_up if checks.workspace else None
        named = {one: where for one, where in named_in(settings).items() if not asks_genesys(one)}
        rest, people = await asyncio.gather(
            checks.rest(), _principals(named, look_up, "SLACK_BOT_TOKEN failed its check", seconds)
        )
        return [*token, *rest, *people]


async def _genesys(settings: Settings, overheard: Overheard, seconds: float) -> list[Finding]:
    named = {one: where for one, where in named_in(settings).items() if asks_genesys(one)}
    try:
        where = region_of(settings)
    except SettingsError as error:
        because = "it is not known where Genesys Cloud is"
        lost = await _principals(named, None, because, seconds)
        return [*map(refused, error.problems), not_tried("Genesys Cloud", because), *lost]
    async with _session(overheard, seconds) as session:
        limits = Limits(login_timeout=_WITHIN * seconds, total_timeout=_WITHIN * seconds, max_attempts=2)
        secret = settings.purecloud_secret.get_secret_value()
        purecloud = PureCloud(session, where, settings.purecloud_client_id, secret, limits=limits)
        checks = GenesysChecks(purecloud, overheard, reads_roles=bool(named), seconds=seconds)
        client = await checks.client()
        accepted = all_well(client)
        look_up = GenesysPrincipals(purecloud.authorization).look_up if accepted else None
        rest, people = await asyncio.gather(
            checks.rest(accepted=accepted),
            _principals(named, look_up, "the client failed its check", seconds),
        )
        return [_region(where), *client, *rest, *people]


async def _principals(
    named: Mapping[Principal, tuple[str, ...]], look_up: LookUp | None, because: str, seconds: float
) -> Sequence[Finding]:
    if look_up is None:
        return [not_tried(check_of(principal, where), because) for principal, where in named.items()]
    parts = await asyncio.gather(
        *(looked(check_of(principal, where), look_up(principal, where), seconds) for principal, where in named.items())
    )
    return [finding for part in parts for finding in part]


def _region(where: Region) -> Finding:
    check = "PURECLOUD_ENVIRONMENT"
    if where.known:
        return well(check, f"{where.domain} is the region {where.aws_region}")
    says = f"{where.domain} is no region this version of the bot knows; it is used as it is"
    return unknown(check, says, "Compare it with the address at which your people log in, after login.")


def _session(overheard: Overheard, seconds: float) -> aiohttp.ClientSession:
    limit = aiohttp.ClientTimeout(total=_WITHIN * seconds)
    return aiohttp.ClientSession(timeout=limit, trace_configs=[overheard.trace()])
