"""Run all checks: independent ones concurrently; skip those whose prerequisite failed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp

from bot.bootstrap.options import region_of
from bot.checks.approvals import check_approvals
from bot.checks.database import DATABASE, check_database
from bot.checks.doubts import check_doubts
from bot.checks.errors import run_check
from bot.checks.exposure import check_connections, check_file_modes
from bot.checks.genesys import CLIENT_CHECK_FAILED, GenesysChecks
from bot.checks.headers import ResponseHeaders
from bot.checks.listening import LISTENING, check_listening
from bot.checks.principals import (
    GenesysPrincipals,
    SlackPrincipals,
    check_name,
    is_genesys_principal,
    principals_in,
)
from bot.checks.proxies import check_proxies
from bot.checks.report import without_secrets
from bot.checks.result import CheckResult, all_ok, invalid_setting, ok, skipped, undetermined
from bot.checks.rules import check_rules
from bot.checks.slack import TOKEN_CHECK_FAILED, SlackChecks
from bot.domain.principals import Principal
from bot.errors import SettingsError
from bot.network.proxies import Proxies
from bot.purecloud import Limits, PureCloud, Region
from bot.settings import Settings, read_settings
from bot.slack.api import web_client

CHECK_TIMEOUT = 10.0
"""Maximum duration of one check, in seconds. At most four checks wait for one another."""

_REQUEST_SHARE = 0.9
"""Share of the timeout that a request may use, so that its own error is reported before the check times out."""

CheckPrincipal = Callable[[Principal, tuple[str, ...]], Awaitable[CheckResult]]
Principals = Mapping[Principal, tuple[str, ...]]
Clock = Callable[[], float]


async def run_checks(
    environ: Mapping[str, str], *, clock: Clock = time.time, time_limit: float = CHECK_TIMEOUT
) -> list[CheckResult]:
    """Run all checks and return their results in the order of the report, without secrets.

    `clock` returns this machine's time in seconds since the epoch. `time_limit` applies to each check, in seconds.
    """
    try:
        settings = read_settings(environ)
    except SettingsError as error:
        problems = [invalid_setting(problem) for problem in error.problems]
        return without_secrets([*problems, skipped("all other checks", "the settings are invalid")])
    parts = await asyncio.gather(
        run_check(LISTENING, check_listening(settings), time_limit),
        run_check(DATABASE, check_database(settings), time_limit),
        _check_slack(settings, ResponseHeaders(clock), time_limit),
        _check_genesys(settings, ResponseHeaders(clock), time_limit),
    )
    present = ok("settings", "all required settings are present")
    warnings = [*check_doubts(settings, environ), *check_connections(settings), *check_file_modes(settings)]
    found = [present, *warnings, *(result for part in parts for result in part), *check_rules(settings)]
    return without_secrets(found, settings.secret_values)


async def _check_slack(settings: Settings, headers: ResponseHeaders, time_limit: float) -> list[CheckResult]:
    async with _session(headers, time_limit, settings.proxies) as session:
        token, url = settings.slack_bot_token.get_secret_value(), settings.slack_api_url
        client = web_client(token, url, session, settings.proxies.proxy_for(url))
        checks = SlackChecks(client, settings, headers, time_limit=time_limit)
        accepted = await checks.check_token()
        slack_principals = SlackPrincipals(client, checks.workspace) if checks.workspace else None
        check = slack_principals.check if slack_principals else None
        others, principals = await asyncio.gather(
            checks.check_others(),
            _check_principals(_principals(settings, genesys=False), check, TOKEN_CHECK_FAILED, time_limit),
        )
        approvals = check_approvals(settings, slack_principals.members) if slack_principals else []
        return [*accepted, *others, *principals, *approvals]


async def _check_genesys(settings: Settings, headers: ResponseHeaders, time_limit: float) -> list[CheckResult]:
    named = _principals(settings, genesys=True)
    try:
        region = region_of(settings)
    except SettingsError as error:
        reason = "the address of Genesys Cloud is invalid"
        principals = await _check_principals(named, None, reason, time_limit)
        return [*map(invalid_setting, error.problems), skipped("Genesys Cloud", reason), *principals]
    async with _session(headers, time_limit, settings.proxies) as session:
        request_timeout = _REQUEST_SHARE * time_limit
        limits = Limits(login_timeout=request_timeout, total_timeout=request_timeout, max_attempts=2)
        secret = settings.purecloud_secret.get_secret_value()
        purecloud = PureCloud(
            session, region, settings.purecloud_client_id, secret, limits=limits, proxy_for=settings.proxies.proxy_for
        )
        checks = GenesysChecks(purecloud, headers, reads_roles=bool(named), time_limit=time_limit)
        client = await checks.check_client()
        accepted = all_ok(client)
        check = GenesysPrincipals(purecloud.authorization).check if accepted else None
        others, principals = await asyncio.gather(
            checks.check_others(accepted=accepted), _check_principals(named, check, CLIENT_CHECK_FAILED, time_limit)
        )
        return [check_proxies(settings, region), _check_region(region), *client, *others, *principals]


def _principals(settings: Settings, *, genesys: bool) -> Principals:
    found = principals_in(settings)
    return {principal: named for principal, named in found.items() if is_genesys_principal(principal) is genesys}


async def _check_principals(
    principals: Principals, check: CheckPrincipal | None, skip_reason: str, time_limit: float
) -> Sequence[CheckResult]:
    if check is None:
        return [skipped(check_name(principal, named), skip_reason) for principal, named in principals.items()]
    parts = await asyncio.gather(
        *(
            run_check(check_name(principal, named), check(principal, named), time_limit)
            for principal, named in principals.items()
        )
    )
    return [result for part in parts for result in part]


def _check_region(region: Region) -> CheckResult:
    name = "PURECLOUD_ENVIRONMENT"
    if region.known:
        return ok(name, f"{region.domain} is the region {region.aws_region}")
    message = f"this version of the bot does not know the region {region.domain} and uses it unchanged"
    return undetermined(name, message, "Compare it with the address of your login page, after the prefix login.")


def _session(headers: ResponseHeaders, time_limit: float, proxies: Proxies) -> aiohttp.ClientSession:
    timeout = aiohttp.ClientTimeout(total=_REQUEST_SHARE * time_limit)
    connector = aiohttp.TCPConnector(resolver=proxies.resolver())
    return aiohttp.ClientSession(connector=connector, timeout=timeout, trace_configs=[headers.trace_config()])
