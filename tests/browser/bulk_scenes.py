"""The scenes of the gallery that show requests about many people."""

from __future__ import annotations

from dataclasses import replace

from bot.domain.requests import Request
from bot.sandbox import personas
from handlers.revoke_many import VIEW
from handlers.ui.modals import PEOPLE, REASON, revoke_many_modal
from tests.browser.card_scenes import RENDERER
from tests.browser.scenes import Scene
from tests.support.examples import BEN
from tests.support.stub_services import ENGLISH
from tests.unit.handlers.ui.test_bulk import CARDS

ABOUT = {
    "pending": "A list from a file, with protected people.",
    "pending, few people": "Two people, named in the command.",
    "running": "The card shows the progress.",
    "paused": "An admin paused it.",
    "stopping": "An admin stopped it.",
    "revoked": "Genesys Cloud confirmed everyone.",
    "failed": "Some failed.",
    "unknown": "Some got no certain answer.",
    "refused": "Genesys Cloud refused some.",
    "stopped": "An admin stopped it before the end.",
    "cancelled": "The requester cancelled it.",
    "declined": "An admin declined it.",
    "expired": "Too few admins decided in time.",
}
"""What each card of the tests shows."""


def bulk_cards() -> list[Scene]:
    """Return the cards of bulk requests in each state."""
    cards = [
        (name.replace(", ", "-").replace(" ", "-"), ABOUT[name], _named(request)) for name, request in CARDS.items()
    ]
    return [Scene(f"bulk-{name}", about, RENDERER.card(request)) for name, about, request in cards]


def bulk_modals() -> list[Scene]:
    """Return the modal for many people."""
    empty = revoke_many_modal(ENGLISH, VIEW, channel="", require_reason=False)
    required = revoke_many_modal(ENGLISH, VIEW, channel="", require_reason=True)
    missing = {PEOPLE: "revoke-many.modal.error.list_missing", REASON: "modal.error.reason_missing"}
    errors = {name: ENGLISH.text(code) for name, code in missing.items()}
    return [
        Scene("bulk-modal", "An admin requests many people, here with a file.", empty, file="left-the-company.csv"),
        Scene("bulk-modal-errors", "Nothing was entered, and a reason is required.", required, errors),
    ]


def _named(request: Request) -> Request:
    """Return a request whose people the sandbox knows."""
    names = {BEN: personas.BEN}
    progress = request.progress
    if progress and progress.changed_by:
        progress = replace(progress, changed_by=names.get(progress.changed_by, progress.changed_by))
    return replace(
        request,
        approvals=tuple(names.get(one, one) for one in request.approvals),
        decided_by=names.get(request.decided_by or "", request.decided_by),
        progress=progress,
    )
