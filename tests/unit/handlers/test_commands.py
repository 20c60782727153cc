"""`/purecloud`: the first word chooses the command; an unknown word gets the nearest one."""

from __future__ import annotations

import pytest

from bot.domain.actions import ACTIONS
from bot.domain.commands import TargetRef
from bot.domain.denials import DenialCode
from bot.domain.principals import Principal, PrincipalKind
from bot.errors import SlackUnavailable
from bot.purecloud import GenesysUnreachable
from bot.sandbox.slack.block_kit import problems, view_problems
from bot.services.account import Permissions
from handlers.commands import READ_ONLY
from handlers.targets import MAX_LINE_LENGTH
from handlers.verbs import SYNONYMS, nearest, read_verb
from tests.support.bolt import BoltHarness, body
from tests.support.render_text import texts, words
from tests.support.sample_outcomes import HOSTILE
from tests.support.stub_services import StubServices

TOM = TargetRef(slack_user_id="U0TOM00001")
COMMANDS = [*READ_ONLY, *ACTIONS]
RULE = Principal(PrincipalKind.USER, "U0RAVI0001")
EXPIRED = SlackUnavailable("views.open", "expired_trigger")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("revoke <@U0TOM00001> laptop stolen", "laptop stolen"),
        ("REVOKE <@U0TOM00001>", ""),
        ("  Revoke\u00a0<@U0TOM00001|tom>\u00a0 laptop\n\tstolen  ", "laptop stolen"),
        ("revoke U0TOM00001 revoke rotate help", "revoke rotate help"),
    ],
)
async def test_revoke__is_stored_with_its_target_and_reason(line: str, reason: str) -> None:
    bolt = BoltHarness()
    assert (await bolt.command(line)).status == 200
    (command,) = bolt.services.commands
    assert (command.action, command.target, command.reason, command.problem) == ("revoke", TOM, reason, None)
    assert bolt.services.started == []


@pytest.mark.parametrize("line", ["rotate", " ROTATE ", "rotate now please"])
async def test_rotate__is_stored_whatever_follows(line: str) -> None:
    bolt = BoltHarness()
    await bolt.command(line)
    assert [(one.action, one.target) for one in bolt.services.commands] == [("rotate", None)]


@pytest.mark.parametrize("line", ["revoke", " KICK "])
async def test_revoke__without_a_person_opens_the_modal_for_a_requester(line: str) -> None:
    bolt = BoltHarness(StubServices(Permissions(request={"revoke": RULE})))
    assert (await bolt.command(line)).status == 200
    ((method, arguments),) = bolt.services.api_calls
    assert (method, arguments["trigger_id"]) == ("views.open", "1.2.trigger")
    assert arguments["view"]["private_metadata"] == "C0OPS00001"
    assert view_problems(arguments["view"], "modal") == []
    assert bolt.services.commands == []


@pytest.mark.parametrize("error", [SlackUnavailable("users.info", "ratelimited"), GenesysUnreachable()])
async def test_revoke__without_a_person_opens_the_modal_while_the_role_is_unknown(error: Exception) -> None:
    bolt = BoltHarness(StubServices(error=error))
    await bolt.command("revoke")
    assert [method for method, _ in bolt.services.api_calls] == ["views.open"]


@pytest.mark.parametrize(
    "services",
    [
        StubServices(),
        StubServices(Permissions(approve={"revoke": RULE})),
        StubServices(
            Permissions(request={"revoke": RULE}), api_error=SlackUnavailable("views.open", "expired_trigger")
        ),
    ],
    ids=["no role", "approver only", "the modal cannot be opened"],
)
async def test_revoke__without_a_person_is_stored_with_its_problem_otherwise(services: StubServices) -> None:
    """The bot checks the person's role before it says anything about the line."""
    bolt = BoltHarness(services)
    await bolt.command("revoke")
    assert bolt.services.api_calls == []
    (command,) = bolt.services.commands
    assert command.problem
    assert command.problem.reason is DenialCode.TARGET_MISSING
    assert bolt.services.replies_sent == []


@pytest.mark.parametrize("line", ["", "   ", "\u00a0", "help", "HELP me"])
async def test_empty_line__is_help(line: str) -> None:
    bolt = BoltHarness()
    await bolt.command(line)
    await bolt.services.run_started()
    (message,) = bolt.services.replies_sent
    assert "I don't know" not in words(message)
    assert bolt.services.commands == []


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        *((name, name) for name in COMMANDS),
        ("revok", "revoke"),
        ("REVOKEE", "revoke"),
        ("rotat", "rotate"),
        ("who", "whoami"),
        ("hlep", "help"),
        ("terminat", "revoke"),
        ("statsu", "whoami"),
        ("xyzzy", None),
        ("date", None),
        ("create", None),
        ("log", None),
        ("", None),
        ("<@U0TOM00001>", None),
    ],
)
def test_nearest__finds_a_misspelt_command(word: str, meant: str | None) -> None:
    assert nearest(word, COMMANDS) == meant


@pytest.mark.parametrize("name", SYNONYMS)
def test_synonym__means_its_command_in_any_case(name: str) -> None:
    for synonym in SYNONYMS[name]:
        for line in (synonym, synonym.upper(), f" {synonym.title()}: laptop"):
            assert read_verb(line).name == name


REQUESTER = Permissions(request={"revoke": RULE})
ADMIN = Permissions(request={"revoke": RULE, "rotate": RULE})
NO_RIGHTS = Permissions()


@pytest.mark.parametrize(
    ("who", "line", "hint"),
    [
        (REQUESTER, "revok <@U0TOM00001>", "Did you mean `/purecloud revoke`?"),
        (REQUESTER, "<@U0TOM00001> stolen", "Did you mean `/purecloud revoke`?"),
        (REQUESTER, "whoam", "Did you mean `/purecloud whoami`?"),
        (REQUESTER, "rotat", ""),
        (REQUESTER, "xyzzy", ""),
        (ADMIN, "rotat", "Did you mean `/purecloud rotate`?"),
        (ADMIN, "restart", ""),
        (NO_RIGHTS, "revok <@U0TOM00001>", ""),
        (NO_RIGHTS, "<@U0TOM00001> stolen", ""),
        (NO_RIGHTS, "hlep", "Did you mean `/purecloud help`?"),
    ],
)
async def test_unknown_word__does_nothing_and_suggests_a_command_that_the_person_may_use(
    who: Permissions, line: str, hint: str
) -> None:
    bolt = BoltHarness(StubServices(who))
    await bolt.command(line)
    await bolt.services.run_started()
    (message,) = bolt.services.replies_sent
    said = words(message)
    assert f"I don't know `{line.split(maxsplit=1)[0].strip('<>')}`" in said
    assert "Nothing was changed." in said
    assert hint in said
    assert ("Did you mean" in said) == bool(hint)
    assert bolt.services.commands == []


@pytest.mark.parametrize(
    "line", [one[:MAX_LINE_LENGTH] for one in HOSTILE if one.strip()], ids=lambda line: ascii(line)[:20]
)
async def test_unknown_word__is_repeated_escaped_and_truncated(line: str) -> None:
    bolt = BoltHarness()
    await bolt.command(line)
    await bolt.services.run_started()
    (message,) = bolt.services.replies_sent
    assert problems(message) == []
    assert not any(markup in "".join(texts(message, "mrkdwn")) for markup in ("<!", "<@", "<http"))


@pytest.mark.parametrize("verb", ["whoami", "unknown"])
async def test_line__above_the_limit_is_answered_and_not_read(verb: str) -> None:
    bolt = BoltHarness()
    answer = await bolt.command(f"{verb} " + "-" * MAX_LINE_LENGTH)

    assert answer.status == 200
    assert f"{len(verb) + 1 + MAX_LINE_LENGTH} characters" in body(answer)["text"]
    assert "Nothing was changed" in body(answer)["text"]
    assert (bolt.services.commands, bolt.services.started) == ([], [])


@pytest.mark.parametrize("verb", ["revoke", "rotate", "log out"])
async def test_request__above_the_limit_is_stored_with_its_problem(verb: str) -> None:
    """The bot checks the person's role before it says anything about the line."""
    bolt = BoltHarness()
    answer = await bolt.command(f"{verb} <@U0TOM00001> " + "-" * MAX_LINE_LENGTH)

    assert (answer.status, answer.body) == (200, "")
    (command,) = bolt.services.commands
    assert command.target is None
    assert command.problem
    assert command.problem.reason is DenialCode.LINE_TOO_LONG
    assert command.problem.params["length"] == str(len(verb) + 15 + MAX_LINE_LENGTH)


async def test_line__of_the_maximum_length_is_read() -> None:
    bolt = BoltHarness()
    line = "revoke <@U0TOM00001> ".ljust(MAX_LINE_LENGTH, "x")
    await bolt.command(line)

    (command,) = bolt.services.commands
    assert command.target == TOM
