"""The scenes of the gallery that show cards and the messages about them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bot.domain.live_state import LiveState
from bot.domain.requests import Follower, MessageRef, Request, State
from bot.domain.watch import WatchFinding
from bot.sandbox import personas
from handlers.ui.renderer import MessageRenderer
from tests.browser.scenes import APPROVERS, LINK, OLIVIA, PIA, Scene, about_pia, asked
from tests.support.examples import NOON, TOM_IN_GENESYS
from tests.support.sample_outcomes import OUTCOMES
from tests.support.stub_services import ENGLISH

RENDERER = MessageRenderer(ENGLISH)

ON_A_CALL = LiveState(NOON, {"call": 1, "chat": 2}, on_queue=True, presence="on_queue", last_login=NOON - 14_400)

STATES = {
    State.PENDING: "An admin decides.",
    State.APPROVED: "The bot calls Genesys Cloud.",
    State.REVOKED: "Genesys Cloud confirmed it.",
    State.REFUSED: "The bot's role lacks a permission.",
    State.FAILED: "Genesys Cloud could not be reached.",
    State.UNKNOWN: "The call got no certain answer.",
    State.CANCELLED: "The requester cancelled it.",
    State.DECLINED: "An approver declined it, with a reason.",
    State.EXPIRED: "No one decided in time.",
}
"""What has happened in each state."""


def card(name: str, about: str, request: Request, *, with_live_state: bool = False) -> Scene:
    """Return the scene of a request's card."""
    return Scene(name, about, RENDERER.card(request, with_live_state=with_live_state))


def pending_cards() -> list[Scene]:
    """Return the cards that have buttons."""
    pending = State.PENDING
    follower = Follower(personas.OLIVIA, "agent reports a phishing mail")
    return [
        card("pending", "One approver decides.", asked(pending)),
        card(
            "pending-live",
            "Only those who decide see it: what the person is doing in Genesys Cloud.",
            asked(pending, live=ON_A_CALL),
            with_live_state=True,
        ),
        card("pending-no-reason", "The requester gives no reason.", asked(pending, reason="")),
        card("pending-protected", "The target is protected: two approvers, never the requester.", about_pia()),
        card("pending-partly-approved", "One of two approvals is there.", about_pia(approvals=(personas.BEN,))),
        card(
            "pending-dropped",
            "An earlier approver has lost the role, so that approval no longer counts.",
            about_pia(dropped=(personas.BEN,)),
        ),
        card(
            "pending-self-approval",
            "A requester who is an approver may approve this in direct messages.",
            asked(pending, requester=personas.OLIVIA),
        ),
        card(
            "pending-own-account",
            "The request is about the requester's own account, so another approver decides.",
            asked(
                pending,
                requester=personas.OLIVIA,
                target=OLIVIA,
                target_slack_id=personas.OLIVIA,
                reason="lost my phone",
            ),
        ),
        card(
            "pending-follower",
            "A second person has requested the same, and follows this request.",
            asked(pending, followers=(follower,)),
        ),
        card(
            "pending-other-name",
            "The person's name in Slack is not the one in Genesys Cloud.",
            asked(pending, target_slack_name="Tamara Target"),
        ),
        card(
            "pending-hidden-characters",
            "A name contains what readers cannot see.",
            asked(pending, target=replace(TOM_IN_GENESYS, name="Tom\u202e Target")),
        ),
        card(
            "pending-inactive",
            "The person is inactive in Genesys Cloud.",
            asked(pending, target=replace(TOM_IN_GENESYS, state="inactive")),
        ),
    ]


def approved_cards() -> list[Scene]:
    """Return the cards after an approval."""
    rate_limited = {"code": "genesys_rate_limited", "status": 429}
    waiting = rate_limited | {"attempts": 1, "waits": 1, "continues_at": NOON + 105}
    retrying = {"code": "genesys_server_error", "status": 503, "attempts": 1}
    too_long = rate_limited | {"unchanged": True, "possible_at": NOON + 7200}
    return [
        card("approved", "The bot calls Genesys Cloud.", asked(State.APPROVED)),
        card(
            "retrying", "Genesys Cloud answered 503; the bot repeats the call.", asked(State.APPROVED, outcome=retrying)
        ),
        card("waiting", "The bot waits out a rate limit.", asked(State.APPROVED, outcome=waiting)),
        card("revoked", "Genesys Cloud confirmed it.", asked(State.REVOKED)),
        card(
            "revoked-live",
            "For those who decide: what the person was doing just before the DELETE.",
            asked(State.REVOKED, outcome=OUTCOMES[State.REVOKED] | {"live": ON_A_CALL.codes}),
            with_live_state=True,
        ),
        card(
            "revoked-protected",
            "Two approvers were needed.",
            about_pia(State.REVOKED, approvals=(personas.BEN, personas.OLIVIA), decided_by=personas.OLIVIA),
        ),
        card("refused", "The bot's role lacks a permission.", asked(State.REFUSED)),
        card(
            "no-such-person",
            "Genesys Cloud has no such person any more.",
            asked(State.REFUSED, outcome={"code": "genesys_not_found", "status": 404, "attempts": 1}),
        ),
        card("failed", "Genesys Cloud could not be reached.", asked(State.FAILED, outcome=OUTCOMES[State.FAILED])),
        card("failed-unchanged", "The rate limit is longer than the bot waits.", asked(State.FAILED, outcome=too_long)),
        card(
            "unknown",
            "The call got no certain answer.",
            asked(State.UNKNOWN, outcome=OUTCOMES[State.UNKNOWN] | {"sent": 6}),
        ),
    ]


FOUND = {
    WatchFinding.WATCHING: ("The bot watches whether the person logs in again.", {"until": NOON + 600}),
    WatchFinding.LOGGED_IN: ("The person logged in again.", {"issued_at": NOON + 90}),
    WatchFinding.SAME_SECOND: ("A token was issued in the second of the revocation.", {"issued_at": NOON + 70}),
    WatchFinding.NO_LOGIN: ("The person did not log in again.", {"until": NOON + 600}),
    WatchFinding.NOT_KNOWN: ("Genesys Cloud does not say whether the person logged in again.", {}),
    WatchFinding.REVOKED_AGAIN: ("A further revocation ended the watch.", {"revoked_at": NOON + 300}),
}
"""What each finding of a watch means, and its parameters."""


def watched_cards() -> list[Scene]:
    """Return the cards of revocations after which the bot watched, and its message."""
    link = {"finding": WatchFinding.LOGGED_IN.value, **FOUND[WatchFinding.LOGGED_IN][1]}
    message = RENDERER.reply("logged_in_again", link, asked(State.REVOKED), LINK)
    return [
        *(
            card(f"watch-{finding}".replace("_", "-"), about, watched({"code": finding.value, **params}))
            for finding, (about, params) in FOUND.items()
        ),
        Scene("watch-message", "To the requester and the approvers, once.", message),
    ]


def watched(found: dict[str, Any]) -> Request:
    """Return a revocation with what its watch has found."""
    return asked(State.REVOKED, outcome=OUTCOMES[State.REVOKED] | {"watch": found})


def undecided_cards() -> list[Scene]:
    """Return the cards of requests that no one approved, or not enough people."""
    return [
        card("cancelled", "The requester cancelled it.", asked(State.CANCELLED)),
        card("declined", "An approver declined it, with a reason.", asked(State.DECLINED)),
        card("expired", "No one decided in time.", asked(State.EXPIRED)),
        card(
            "expired-partly-approved",
            "One of two approvers decided in time.",
            about_pia(State.EXPIRED, approvals=(personas.BEN,)),
        ),
    ]


def messages() -> list[Scene]:
    """Return the messages that refer to a card."""
    pending, revoked, expired = asked(State.PENDING), asked(State.REVOKED), asked(State.EXPIRED)
    in_approvals = replace(pending, card=MessageRef(personas.APPROVALS, "1782043200.000100"))
    posted = RENDERER.reply("card_posted", {"channel": personas.APPROVALS}, in_approvals, LINK)
    followed = RENDERER.reply("request_followed", {"own": False, "reasoned": True, "extended": True}, pending, LINK)
    first = {"approver": personas.BEN, "count": 1, "required": 2, "dropped": ()}
    outcome = RENDERER.with_checkpoint(RENDERER.outcome(revoked, LINK), "42:9f86d081884c7d65")
    several = RENDERER.expirations([replace(expired, reference=f"7K3M9Q{letter}") for letter in "ABC"])
    denied, too_late = RENDERER.reply("not_an_approver", {}, pending), RENDERER.reply("stale_request", {}, expired)
    return [
        Scene("posted", "To the requester: where the card is.", posted),
        Scene("followed", "To a second requester of the same.", followed),
        Scene(
            "thread-approved", "In the thread: the first of two approvals.", RENDERER.thread_reply("approved", first)
        ),
        Scene("reminder", "In the thread, once.", RENDERER.reminder(pending, (APPROVERS,), LINK)),
        Scene("outcome", "In the audit channel, with a checkpoint of the audit log.", outcome),
        Scene("outcomes-expired", "In the audit channel: several requests expired at once.", several),
        Scene("denied", "To a person who pressed the button without the role.", denied),
        Scene("too-late", "To a person who pressed the button of an expired request.", too_late),
        Scene("affected", "To the person whose sessions ended, with NOTIFY_TARGET.", RENDERER.affected(revoked)),
    ]


def break_glass_cards() -> list[Scene]:
    """Return the cards of a revocation that one person decides alone."""
    pending = asked(State.PENDING, "break-glass")
    protected = replace(pending, target=PIA, target_slack_id=personas.PIA, target_protected=True)
    ended = [state for state in State if state not in (State.PENDING, State.DECLINED)]
    return [
        card("break-glass-pending", "Only this person can approve it.", pending),
        card("break-glass-protected", "The target is protected.", protected),
        Scene("break-glass-announced", "In both channels, before the DELETE.", RENDERER.announcement(protected)),
        *(card(f"break-glass-{state}", STATES[state], asked(state, "break-glass")) for state in ended),
    ]


def rotation_cards() -> list[Scene]:
    """Return the card of a rotation in each state."""
    return [card(f"rotate-{state}", STATES[state], asked(state, "rotate")) for state in State]
