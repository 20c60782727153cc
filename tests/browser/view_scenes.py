"""The scenes of the gallery that show modals, Home tabs, lists and private answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from bot.domain.actions import ACTIONS
from bot.domain.denials import DenialCode
from bot.domain.pages import Direction
from bot.domain.people import Person
from bot.domain.principals import Principal, PrincipalKind
from bot.domain.requests import BREAK_GLASS, DECLINE, Follower, MessageRef, State
from bot.purecloud import TokenInfo, region
from bot.sandbox import personas
from bot.services.account import Permissions, WhoAmI
from bot.services.dry_run import DryRun, OpenRequest
from bot.services.overview import ListedRequest
from handlers import help as help_command
from handlers import lists, whoami
from handlers.help import approval_hint, command_block
from handlers.revoke import VIEW
from handlers.ui.dry_run import dry_run_message
from handlers.ui.home import Home, home_view, unavailable_view
from handlers.ui.modals import IDENTIFIER, REASON, USER, View, decline_modal, revoke_modal
from handlers.ui.request_lists import request_list
from handlers.whoami import identity_line, permission_block
from tests.browser.scenes import APPROVERS, BEN, LINK, OLIVIA, Scene, about_pia, asked
from tests.support.examples import WORKSPACE, member
from tests.support.stub_services import ENGLISH, INVOKER, StubServices

FOLLOWERS = (Follower(personas.OLIVIA, "phished"),)

ADMIN = Principal(PrincipalKind.USER, personas.OLIVIA)


def modals() -> list[Scene]:
    """Return the modals."""
    empty, required = revoke_modal(ENGLISH, VIEW), revoke_modal(ENGLISH, VIEW, require_reason=True)
    missing = {USER: error("modal.error.target_missing"), REASON: error("modal.error.reason_missing")}
    unreadable = {IDENTIFIER: error("modal.error.target_unreadable")}
    author = revoke_modal(ENGLISH, VIEW, user_id=personas.TOM)
    decline = decline_modal(ENGLISH, DECLINE, "request-id")
    return [
        Scene("modal", "The shortcut, or the command without a person.", empty),
        Scene("modal-author", "The shortcut on a message fills in its author.", author),
        Scene("modal-errors", "Nothing was entered, and a reason is required.", required, missing),
        Scene("modal-unreadable", "What was entered names no one.", empty, unreadable),
        Scene("modal-decline", "An approver declines.", decline),
        Scene(
            "modal-decline-error", "A decline needs a reason.", decline, {REASON: error("decline.error.reason_missing")}
        ),
    ]


def error(code: str) -> str:
    """Return the text of an error in a modal."""
    return ENGLISH.text(code)


USUAL = [name for name in ACTIONS if name != BREAK_GLASS]
"""The actions of people without an exceptional right."""

NOTHING = Permissions()
REQUESTER = Permissions(request={"revoke": Principal(PrincipalKind.USER, personas.RAVI)})
APPROVER = Permissions(request={"revoke": APPROVERS}, approve={"revoke": APPROVERS})
EVERYTHING = Permissions(
    request=dict.fromkeys(USUAL, ADMIN), approve=dict.fromkeys(USUAL, ADMIN) | {"revoke": APPROVERS}, administer=ADMIN
)
SECURITY = Permissions(request={"break-glass": Principal(PrincipalKind.USER, personas.SAM)})
TOKEN = TokenInfo.model_validate(
    {
        "organization": {"id": "0c1d", "name": "Acme Contact Center"},
        "homeOrganization": {"id": "0c1d", "name": "Acme Contact Center"},
        "dateTokenIdles": "2026-06-21T12:30:00Z",
        "OAuthClient": {"id": "b07", "name": "Slack revoke bot", "authorizedGrantType": "CLIENT-CREDENTIALS"},
    }
)


def who(user_id: str, person: Person, permissions: Permissions) -> WhoAmI:
    """Return what the bot knows of a person."""
    return WhoAmI(
        member=member(user_id, name=person.name, email=person.email),
        permissions=permissions,
        person=person,
        token=TOKEN,
        region=region("mypurecloud.com"),
        workspace=WORKSPACE,
    )


WHO_OLIVIA = who(personas.OLIVIA, OLIVIA, EVERYTHING)
WHO_BEN = who(personas.BEN, BEN, APPROVER)
WHO_RAVI = who(personas.RAVI, replace(BEN, name="Ravi Rao", email="ravi.rao@example.com"), REQUESTER)
WHO_NADIA = who(personas.NADIA, replace(BEN, name="Nadia Novak", email="nadia.novak@example.com"), NOTHING)


def homes() -> list[Scene]:
    """Return the Home tab of several people."""
    waiting = [
        ListedRequest(asked(State.PENDING), LINK, waits=True),
        ListedRequest(about_pia(id="another", approvals=(personas.OLIVIA,)), LINK, waits=True),
    ]
    own = [ListedRequest(asked(State.PENDING, requester=personas.BEN), LINK, waits=True, own=True)]
    by_ravi = [ListedRequest(asked(State.PENDING), LINK, own=True, cancels=True)]
    by_ravi.append(ListedRequest(about_pia(id="another", followers=FOLLOWERS), LINK, own=True))
    final = (State.REVOKED, State.DECLINED, State.EXPIRED)
    ended = [ListedRequest(asked(state), LINK) for state in final]
    no_database = ENGLISH.text("home.unavailable", problem=ENGLISH.text("reason.database_unavailable"))
    too_slow = ENGLISH.text("home.unavailable", problem=ENGLISH.text("home.too_slow"))
    unavailable = unavailable_view(ENGLISH, too_slow)
    return [
        Scene("home-admin", "An admin, for whom nothing waits.", home(WHO_OLIVIA)),
        Scene("home-approver", "An approver, for whom two requests wait.", home(WHO_BEN, waiting, ended)),
        Scene("home-own-request", "An approver who has an open request.", home(WHO_BEN, own)),
        Scene("home-requester", "A requester, for whom nothing waits.", home(WHO_RAVI, (), ended)),
        Scene("home-open-requests", "Two requests that others decide; others follow one.", home(WHO_RAVI, own=by_ravi)),
        Scene("home-no-role", "A person without a role.", home(WHO_NADIA)),
        Scene("home-database", "The lists cannot be read.", home(WHO_BEN, no_database, no_database)),
        Scene("home-unavailable", "Slack does not show in time who the person is.", unavailable),
    ]


Requests = Sequence[ListedRequest] | str
"""Requests in a Home tab, or the reason why they are not available."""


def home(who: WhoAmI, waiting: Requests = (), recent: Requests = (), own: Sequence[ListedRequest] = ()) -> View:
    """Return the Home tab of a person."""
    shown = Home(
        person=identity_line(ENGLISH, who),
        permissions=permission_block(ENGLISH, who.permissions, StubServices().actions),
        commands=command_block(ENGLISH, who.permissions),
        hint=approval_hint(ENGLISH, who.permissions),
        waiting=waiting,
        own=own,
        recent=recent,
    )
    return home_view(ENGLISH, shown)


def request_lists() -> list[Scene]:
    """Return `/purecloud pending` and `/purecloud history`."""
    waiting = [
        ListedRequest(asked(State.PENDING), LINK, waits=True),
        ListedRequest(about_pia(approvals=(personas.BEN,)), LINK),
        ListedRequest(asked(State.PENDING, "rotate"), LINK),
    ]
    own = [ListedRequest(asked(State.PENDING), LINK, own=True, cancels=True)]
    ended = [ListedRequest(asked(state), LINK) for state in State if state not in (State.PENDING, State.APPROVED)]
    pages = {Direction.NEWER: "newer", Direction.OLDER: "older"}
    return [
        Scene("pending-list", "Open requests.", request_list(ENGLISH, lists.PENDING, waiting, {})),
        Scene("pending-list-own", "The requester can cancel it.", request_list(ENGLISH, lists.PENDING, own, {})),
        Scene("pending-list-empty", "No open request.", request_list(ENGLISH, lists.PENDING, [], {})),
        Scene("history-list", "Requests that ended, for admins.", request_list(ENGLISH, lists.HISTORY, ended, pages)),
        Scene("history-list-empty", "No request has ended.", request_list(ENGLISH, lists.HISTORY, [], {})),
    ]


async def private_answers() -> list[Scene]:
    """Return help, whoami and dry runs."""
    typo = await help_command.answer(
        INVOKER, StubServices(APPROVER), ENGLISH, unknown="rovoke", suggest=lambda _: "revoke"
    )
    posted = asked(State.PENDING, card=MessageRef(personas.APPROVALS))
    follows = DryRun(posted, (APPROVERS,), OpenRequest(posted, own=False, link=LINK))
    direct = replace(posted, requester=personas.OLIVIA, card=MessageRef("D0OLIVIA01"))
    return [
        await helped("help-admin", "An admin.", EVERYTHING),
        await helped("help-approver", "An approver.", APPROVER),
        await helped("help-requester", "A requester.", REQUESTER),
        await helped("help-security", "A person who can break glass.", SECURITY),
        await helped("help-no-role", "A person without a role.", NOTHING),
        await helped("help-guest", "A guest.", Permissions(denied_because=DenialCode.GUEST)),
        Scene("help-unknown", "A word that the bot does not know.", typo),
        await introduced("whoami-admin", "An admin, who sees ids too.", WHO_OLIVIA),
        await introduced("whoami-approver", "An approver.", WHO_BEN),
        await introduced("whoami-no-role", "A person without a role.", WHO_NADIA),
        Scene("dry-run", "The card that would be posted.", dry_run_message(ENGLISH, DryRun(posted, (APPROVERS,)))),
        Scene("dry-run-direct", "The requester could approve it.", dry_run_message(ENGLISH, DryRun(direct, ()))),
        Scene("dry-run-follows", "The target has an open request.", dry_run_message(ENGLISH, follows)),
    ]


async def helped(name: str, about: str, permissions: Permissions) -> Scene:
    """Return the answer to `/purecloud help`."""
    return Scene(name, about, await help_command.answer(INVOKER, StubServices(permissions), ENGLISH))


async def introduced(name: str, about: str, who: WhoAmI) -> Scene:
    """Return the answer to `/purecloud whoami`."""
    return Scene(name, about, await whoami.answer(INVOKER, StubServices(who=who), ENGLISH))
