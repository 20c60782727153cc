"""What went wrong while looking, as a finding: an error in, what it means and what to do about it out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence

from bot.checks.result import Finding, refused, wrong
from bot.db.engine import DatabaseUnavailable
from bot.errors import TOKEN_REFUSED, BotError, SettingsError, SlackUnavailable
from bot.purecloud import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysNotFound,
    GenesysRateLimited,
    GenesysUnreachable,
    LoginCause,
)
from bot.services.error_text import error_text

LATER = "Wait a minute, then run this again."
GRANT = (
    "Add it to the role of the OAuth client (Admin > People & Permissions > Roles / Permissions), and see that the "
    "client has that role (Admin > Integrations > OAuth)."
)

_LOGIN = {
    LoginCause.CLIENT_NOT_FOUND: (
        "Set PURECLOUD_ENVIRONMENT to the region your organization lives in, the domain after login. where its people "
        "log in; if that is right, correct PURECLOUD_CLIENT_ID."
    ),
    LoginCause.WRONG_SECRET: "Set PURECLOUD_SECRET to this client's secret (Admin > Integrations > OAuth).",
    LoginCause.RATE_LIMITED: LATER,
    LoginCause.OTHER: (
        "See that the OAuth client is active and has the grant Client Credentials (Admin > Integrations > OAuth); "
        "if it has, wait a minute and run this again."
    ),
}
_NETWORK = "See that this machine reaches {host} (firewall, proxy, DNS), or correct {setting} where it is set."
_GENESYS_NETWORK = _NETWORK.format(
    host="Genesys Cloud", setting="PURECLOUD_ENVIRONMENT, PURECLOUD_API_URL, PURECLOUD_LOGIN_URL"
)
_SLACK_NETWORK = _NETWORK.format(host="Slack", setting="SLACK_API_URL")


async def looked(check: str, look: Awaitable[Finding | Sequence[Finding]], seconds: float) -> list[Finding]:
    """What a check finds in so many seconds; whatever it raises is a finding too, and never a trace."""
    try:
        found = await asyncio.wait_for(look, seconds)
    except SettingsError as error:
        return [refused(problem) for problem in error.problems]
    except (GenesysError, SlackUnavailable, DatabaseUnavailable) as error:
        return [of_error(check, error)]
    except TimeoutError:
        return [wrong(check, f"no answer came within {seconds:g} seconds", LATER)]
    except Exception as error:  # noqa: BLE001 - a check that breaks must not keep the others from being told
        says = f"the check itself broke ({type(error).__name__})"
        return [wrong(check, says, "Please report this: it is a fault of the bot.")]
    return [found] if isinstance(found, Finding) else list(found)


def of_error(check: str, error: GenesysError | SlackUnavailable | DatabaseUnavailable) -> Finding:
    """What an error means to whoever sets the bot up."""
    if isinstance(error, GenesysError):
        return wrong(check, _said(error), genesys_advice(error), error.correlation_id)
    if isinstance(error, SlackUnavailable):
        said = f"Slack answered {error.method} with {error.slack_code}"
        unanswered = f"Slack did not answer {error.method} ({error.slack_code})"
        return wrong(check, said if error.slack_code.islower() else unanswered, slack_advice(error.slack_code))
    return wrong(check, _said(error), "Start the database, or correct DATABASE_URL; the bot itself would wait for it.")


def _said(error: BotError) -> str:
    if isinstance(error, GenesysNoResponse):  # nothing the doctor asks for acts, so there is no doubt to tell of
        return "Genesys Cloud was asked and did not answer" + (f" ({error.status})" if error.status else "")
    return error_text(error).rstrip(".")


def slack_advice(code: str) -> str:
    """What to do about an answer of the Web API, or about none."""
    if code == "missing_scope":
        return "Add the scopes that manifest.yml lists under OAuth & Permissions, and install the app again."
    if code in TOKEN_REFUSED:
        return (
            "Set SLACK_BOT_TOKEN to the Bot User OAuth Token (xoxb-…) that stands at api.slack.com/apps under OAuth & "
            "Permissions; install the app to the workspace if there is none."
        )
    if code in ("ratelimited", "internal_error", "fatal_error", "service_unavailable") or code.startswith("http_5"):
        return LATER
    return _SLACK_NETWORK


def genesys_advice(error: GenesysError) -> str:
    """What to do about an answer of Genesys Cloud, or about none."""
    if isinstance(error, GenesysLoginFailed):
        return _LOGIN.get(error.cause, _GENESYS_NETWORK)
    if isinstance(error, GenesysForbidden):
        return GRANT
    if isinstance(error, (GenesysUnreachable, GenesysNoResponse)):
        return _GENESYS_NETWORK
    if isinstance(error, GenesysNotFound):
        return "Correct PURECLOUD_API_URL where it is set: what answers there does not know this."
    if isinstance(error, GenesysRateLimited):
        return LATER
    return f"{LATER} If it stays, give Genesys support the correlation id."
