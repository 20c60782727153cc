"""What to tell somebody whose command met a fault of Genesys Cloud, or of Slack."""

from __future__ import annotations

from bot.errors import TOKEN_REFUSED, BotError, SlackUnavailable
from bot.purecloud import (
    GenesysError,
    GenesysForbidden,
    GenesysLoginFailed,
    GenesysNoResponse,
    GenesysRateLimited,
    GenesysUnauthenticated,
    GenesysUnreachable,
    LoginCause,
)
from bot.services.error_text import error_text
from handlers.ui.blocks import escape

LOGIN = {
    LoginCause.CLIENT_NOT_FOUND: (
        "Genesys Cloud does not know the bot's OAuth client: PURECLOUD_CLIENT_ID is wrong, or it belongs to another "
        "region than PURECLOUD_ENVIRONMENT."
    ),
    LoginCause.WRONG_SECRET: "Genesys Cloud does not accept PURECLOUD_SECRET.",
    LoginCause.RATE_LIMITED: "Genesys Cloud's login takes no more requests for now; try again in a minute.",
    LoginCause.UNREACHABLE: "Genesys Cloud's login cannot be reached; try again in a moment.",
    LoginCause.NO_RESPONSE: "Genesys Cloud's login did not answer in time; try again in a moment.",
}

ADVICE: dict[type[GenesysError], str] = {
    GenesysUnauthenticated: (
        "Genesys Cloud does not accept the bot's token, also after a renewal; whoever runs the bot must look."
    ),
    GenesysNoResponse: "Genesys Cloud did not answer in time; try again in a moment.",
    GenesysUnreachable: "Genesys Cloud cannot be reached; try again in a moment.",
}


def trouble(error: BotError) -> str:
    """Say in a sentence or two what is the matter and what to do, in Slack's markup."""
    if not isinstance(error, GenesysError):
        return _slack(error)
    advice = _advice(error)
    return (
        f"{advice} (Genesys Cloud correlation id `{escape(error.correlation_id)}`)" if error.correlation_id else advice
    )


def _slack(error: BotError) -> str:
    if not isinstance(error, SlackUnavailable):
        return escape(error_text(error))
    where = f"({escape(error.method)}: `{escape(error.slack_code)}`)"
    if error.slack_code in TOKEN_REFUSED:
        return f"Slack does not accept the bot's token for this {where}; whoever runs the bot must look."
    return f"Slack did not answer me {where}. Try again in a moment."


def _advice(error: GenesysError) -> str:
    if isinstance(error, GenesysLoginFailed):
        return LOGIN.get(error.cause, escape(error_text(error)))
    if isinstance(error, GenesysForbidden):
        lacking = ", ".join(f"`{escape(one)}`" for one in error.permissions) or "a permission"
        return f"The role of the bot's OAuth client lacks {lacking} in Genesys Cloud; an admin there must add it."
    if isinstance(error, GenesysRateLimited):
        wait = f"in {error.retry_after:.0f} s" if error.retry_after else "in a minute"
        return f"Genesys Cloud takes no more requests for now (429); try again {wait}."
    answered = f"Genesys Cloud answered {error.status or 'something unreadable'}: {escape(error_text(error))}"
    return ADVICE.get(type(error), answered)
