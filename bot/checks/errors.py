"""Turn the errors that a check meets into results with a hint."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from http import HTTPStatus

from bot.checks.result import CheckResult, failed, invalid_setting
from bot.db.driver import DatabaseUnavailable
from bot.errors import TOKEN_REFUSED, BotError, SettingsError, SlackUnavailable
from bot.network.errors import NETWORK_ERROR_CLASSES
from bot.purecloud import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysRateLimited,
    GenesysRejected,
    GenesysUnreachable,
    LoginCause,
)

RETRY_HINT = "Wait a minute, then run the check again."
PERMISSION_HINT = (
    "Add it to the role of the OAuth client (Admin > People & Permissions > Roles / Permissions), and make sure that "
    "the client has that role (Admin > Integrations > OAuth)."
)
_REFUSED_HINT = (
    "Set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) under OAuth & Permissions at api.slack.com/apps. If "
    "there is no token, install the app to the workspace."
)
_SCOPES_HINT = "Add the scopes that manifest.yml lists under OAuth & Permissions, then reinstall the app."
_LOGIN_MESSAGES = {
    LoginCause.CLIENT_NOT_FOUND: (
        "the login host does not know this OAuth client; the id is wrong, or the client belongs to another region"
    ),
    LoginCause.WRONG_SECRET: "the login host knows this OAuth client, but its secret is wrong",
    LoginCause.RATE_LIMITED: "the login host issues no more tokens because of its rate limit",
    LoginCause.UNREACHABLE: "the login host of Genesys Cloud cannot be reached",
    LoginCause.NO_RESPONSE: "the login host of Genesys Cloud did not respond",
}
_LOGIN_HINTS = {
    LoginCause.CLIENT_NOT_FOUND: (
        "Set PURECLOUD_ENVIRONMENT to the region of your organization, which is the domain after login. in the address "
        "of your login page. If it is correct, correct PURECLOUD_CLIENT_ID."
    ),
    LoginCause.WRONG_SECRET: "Set PURECLOUD_SECRET to the secret of this client (Admin > Integrations > OAuth).",
    LoginCause.RATE_LIMITED: RETRY_HINT,
    LoginCause.OTHER: (
        "Make sure that the OAuth client is active and has the grant type Client Credentials (Admin > Integrations > "
        "OAuth). If it has, wait a minute and run the check again."
    ),
}
_NETWORK_HINT = (
    "Make sure that this machine can reach {service} (firewall, proxy, DNS). If you set {setting}, check it."
)
_GENESYS_NETWORK_HINT = _NETWORK_HINT.format(
    service="Genesys Cloud", setting="PURECLOUD_ENVIRONMENT, PURECLOUD_API_URL or PURECLOUD_LOGIN_URL"
)
_SLACK_NETWORK_HINT = _NETWORK_HINT.format(service="Slack", setting="SLACK_API_URL")
_PROXY_PREFIX = "proxy_"
_PROXY_HINT = "Correct HTTPS_PROXY, HTTP_PROXY or NO_PROXY. The line `proxy` of this report names the proxy in use."
_SLACK_TRANSIENT = frozenset({"ratelimited", "internal_error", "fatal_error", "service_unavailable"})


async def run_check(
    name: str, check: Awaitable[CheckResult | Sequence[CheckResult]], time_limit: float
) -> list[CheckResult]:
    """Run a check for at most `time_limit` seconds; turn whatever it raises into a result."""
    try:
        found = await asyncio.wait_for(check, time_limit)
    except SettingsError as error:
        return [invalid_setting(problem) for problem in error.problems]
    except (GenesysError, SlackUnavailable, DatabaseUnavailable) as error:
        return [result_of(name, error)]
    except TimeoutError:
        return [failed(name, f"no response within {time_limit:g} seconds", RETRY_HINT)]
    except Exception as error:  # noqa: BLE001 - a defect in one check must not hide the results of the others
        message = f"the check itself failed ({type(error).__name__})"
        return [failed(name, message, "Please report this as a bug.")]
    return [found] if isinstance(found, CheckResult) else list(found)


def result_of(name: str, error: GenesysError | SlackUnavailable | DatabaseUnavailable) -> CheckResult:
    """Return the result of a check that ended with this error."""
    if found := _proxy_message(error):
        return failed(name, found, _PROXY_HINT)
    if isinstance(error, GenesysError):
        return failed(name, _genesys_message(error), genesys_hint(error), error.correlation_id)
    if isinstance(error, SlackUnavailable):
        return failed(name, _slack_message(error), slack_hint(error.slack_code))
    hint = "Start the database, or correct DATABASE_URL. `serve` would wait for the database."
    return failed(name, "the database cannot be reached", hint)


def _genesys_message(error: GenesysError) -> str:
    if isinstance(error, GenesysLoginFailed):
        return _login_message(error)
    if isinstance(error, GenesysUnreachable):
        return "Genesys Cloud cannot be reached"
    if error.problem == "unexpected_response":
        return f"a server that is not Genesys Cloud responded in its place ({error.status})"
    if isinstance(error, GenesysNoResponse):
        return "Genesys Cloud did not respond" + (f" ({error.status})" if error.status else "")
    if isinstance(error, GenesysRejected) and error.problem == "unreadable_response":
        return f"the response of Genesys Cloud is not a valid {error.expected}"
    return _response_message("Genesys Cloud", error)


def _login_message(error: GenesysLoginFailed) -> str:
    cause = LoginCause.NO_RESPONSE if error.problem == "login_timeout" else error.cause
    return _LOGIN_MESSAGES.get(cause) or _response_message("the login host of Genesys Cloud", error)


def _response_message(sender: str, error: GenesysError) -> str:
    """Return the status and the sentence of an error response."""
    if error.status is None:
        return f"{sender} failed ({error.code})"
    phrase = HTTPStatus(error.status).phrase if error.status in set(HTTPStatus) else ""
    message = f"{sender} responded with {error.status} {phrase}".rstrip()
    return f"{message}: {error.detail.rstrip('.')}" if error.detail else message


def _slack_message(error: SlackUnavailable) -> str:
    code = error.slack_code
    if code in NETWORK_ERROR_CLASSES:
        return f"Slack did not respond to {error.method} ({code})"
    return f"Slack responded to {error.method} with {code}"


def _proxy_message(error: BotError) -> str | None:
    """Return the message if a proxy is what failed (see `bot.network.proxies.proxy_failure`)."""
    code = str(error.params.get("slack_code") or error.params.get("problem") or "")
    if not code.startswith(_PROXY_PREFIX):
        return None
    status = code.removeprefix(_PROXY_PREFIX)
    if not status.isdigit():
        return "the proxy cannot be reached"
    phrase = HTTPStatus(int(status)).phrase if int(status) in set(HTTPStatus) else ""
    return f"the proxy responded with {status} {phrase}".rstrip()


def slack_hint(code: str) -> str:
    """Return the hint for an error code of the Web API, or for the name of a network error."""
    if code == "missing_scope":
        return _SCOPES_HINT
    if code in TOKEN_REFUSED:
        return _REFUSED_HINT
    if code in _SLACK_TRANSIENT or code.startswith("http_5"):
        return RETRY_HINT
    return _SLACK_NETWORK_HINT


def genesys_hint(error: GenesysError) -> str:
    """Return the hint for an error of the Genesys Cloud client."""
    if isinstance(error, GenesysLoginFailed):
        return _LOGIN_HINTS.get(error.cause, _GENESYS_NETWORK_HINT)
    if isinstance(error, GenesysForbidden):
        return PERMISSION_HINT
    if isinstance(error, (GenesysUnreachable, GenesysNoResponse)):
        return _GENESYS_NETWORK_HINT
    if isinstance(error, GenesysNotFound):
        return "If you set PURECLOUD_API_URL, correct it: the server there does not know this path."
    if isinstance(error, GenesysRateLimited):
        return RETRY_HINT
    return f"{RETRY_HINT} If the error persists, give the correlation id to Genesys support."
