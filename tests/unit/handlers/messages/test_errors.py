"""A command that meets a fault: a sentence with what is the matter, that nothing was changed, and what to do."""

from __future__ import annotations

import pytest
from syrupy.assertion import SnapshotAssertion

from bot.domain.policy import DenialCode, Denied
from bot.errors import BotError, SlackUnavailable, StaleRequest
from bot.purecloud import LoginCause, errors
from bot.sandbox.slack.block_kit import problems
from bot.slack.messages import DeliveryError
from handlers.errors import apology
from handlers.messages.errors import trouble
from tests.support.render_text import texts, words
from tests.support.sample_outcomes import HOSTILE


def login_failed(cause: LoginCause) -> BotError:
    error = errors.GenesysLoginFailed("The login host said <something> else.")
    error.cause = cause
    return error


def rate_limited(retry_after: float | None) -> BotError:
    error = errors.GenesysRateLimited(status=429)
    error.retry_after = retry_after
    return error


def forbidden(*permissions: str) -> BotError:
    error = errors.GenesysForbidden(status=403, correlation_id="c-<1>")
    error.permissions = permissions
    return error


def unreadable() -> BotError:
    error = errors.GenesysRejected(status=200, problem="unreadable_response")
    error.expected = "User"
    return error


FAULTS: dict[str, BotError] = {
    **{f"login: {cause}": login_failed(cause) for cause in LoginCause},
    "forbidden": forbidden(),
    "forbidden, named": forbidden("directory:user:view", "<x>"),
    "rate limited": rate_limited(None),
    "rate limited, told": rate_limited(7.4),
    "unauthenticated": errors.GenesysUnauthenticated(status=401),
    "no answer": errors.GenesysNoResponse(status=504),
    "unreachable": errors.GenesysUnreachable(),
    "rejected": errors.GenesysRejected("<b>No</b>", status=400),
    "rejected without a sentence": errors.GenesysRejected(status=418),
    "rejected with an unknown status": errors.GenesysRejected(status=499),
    "unreadable response": unreadable(),
    "unreadable": errors.GenesysRejected("It cannot be read."),
    "broken": errors.GenesysServerError("Sorry.", status=500, correlation_id="c-2"),
    "slack": SlackUnavailable("users.info", "ratelimited"),
    "slack, wrong token": SlackUnavailable("users.info", "invalid_auth"),
    "something of the bot's": DeliveryError("http_<500>", passing=True),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_trouble__says_what_is_the_matter(fault: str, snapshot: SnapshotAssertion) -> None:
    said = trouble(FAULTS[fault])

    assert said == snapshot
    assert not {"<", ">"} & set(said)


@pytest.mark.parametrize("fault", FAULTS)
def test_apology__always_says_that_nothing_was_changed(fault: str) -> None:
    message = apology(FAULTS[fault], by="U0RAVI0001")

    assert "Nothing was changed." in words(message)
    assert problems(message) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_apology__shows_whatever_genesys_said_harmless(fault: str) -> None:
    for said in HOSTILE:
        error = FAULTS[fault]
        hostile = (
            type(error)(said, status=400, correlation_id=said) if isinstance(error, errors.GenesysError) else error
        )
        message = apology(hostile, by="U0RAVI0001")

        assert problems(message) == []
        assert "<" not in "".join(texts(message, "mrkdwn"))


def test_apology__to_who_was_refused_is_the_reason() -> None:
    assert "Guests may not do this" in words(apology(Denied(DenialCode.GUEST), by="U0GUS00001"))
    assert "I do not know this request" in words(apology(StaleRequest(), by="U0RAVI0001"))


def test_apology__for_what_nobody_expected_names_an_incident_and_shows_nothing_of_it() -> None:
    message = apology(RuntimeError("xoxb-very-secret"), by="U0RAVI0001")
    another = apology(RuntimeError("xoxb-very-secret"), by="U0RAVI0001")

    assert "very-secret" not in words(message)
    assert "Something went wrong that I did not expect. Nothing was changed." in words(message)
    assert words(message) != words(another)
