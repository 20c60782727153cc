"""Home tabs and modals (docs.slack.dev, "Modals", "App Home")."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.messages import with_ids
from bot.sandbox.slack.methods import Method, MethodError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.sandbox.slack.messages import Conversations
    from bot.sandbox.slack.workspace import SlackWorkspace

    Args = Mapping[str, Any]

MAX_MODALS = 3
"""Maximum number of stacked modals."""
MAX_VIEW_SIZE = 250 * 1024
"""Maximum size of a view, in bytes of JSON."""
TRIGGER_LIFETIME = 3.0
"""How long a trigger_id can open or push a modal, in seconds."""
_NUMBERS = count(100)
"""Numbers for generated ids of blocks and elements."""
_KEPT = (
    "callback_id",
    "private_metadata",
    "external_id",
    "clear_on_close",
    "notify_on_close",
    "submit",
    "close",
)


@dataclass(eq=False, kw_only=True)
class View:
    """A view on a user's screen; `body` is the view as the app sent it."""

    user_id: str
    body: dict[str, Any]
    root_id: str = ""
    """The id of the lowest modal of the stack; empty for that modal itself."""
    previous_id: str | None = None
    id: str = field(default_factory=lambda: f"V{secrets.token_hex(5).upper()}")
    hash: str = field(default_factory=lambda: secrets.token_hex(6))
    errors: dict[str, str] = field(default_factory=dict)
    """The app's error messages, by block_id."""
    notice: str | None = None
    """What Slack's client shows because the app failed; see `Delivery.notice`."""

    def replace(self, body: dict[str, Any]) -> None:
        """Show another body."""
        self.body, self.hash, self.errors, self.notice = body, secrets.token_hex(6), {}, None

    def as_slack(self, workspace: SlackWorkspace, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Return the view object (docs.slack.dev, "views.open"); `values` are its inputs' values."""
        kept = {key: self.body[key] for key in _KEPT if key in self.body}
        return {
            "id": self.id,
            "team_id": workspace.team_id,
            "type": self.body["type"],
            "title": self.body.get("title"),
            "blocks": self.body["blocks"],
            "private_metadata": "",
            "callback_id": "",
            "external_id": "",
            "clear_on_close": False,
            "notify_on_close": False,
            "state": {"values": dict(values or {})},
            "hash": self.hash,
            "root_view_id": self.root_id or self.id,
            "previous_view_id": self.previous_id,
            "app_id": workspace.app_id,
            "bot_id": workspace.bot_id,
        } | kept


class Views:
    """The Home tab and the stack of modals of each user."""

    def __init__(self, conversations: Conversations, clock: Callable[[], float]) -> None:
        self._conversations = conversations
        self._clock = clock
        self._triggers: dict[str, tuple[str, float] | None] = {}
        """The user and expiry of each trigger_id; None once it was used."""
        self.homes: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        """The stacks of modals by user id; the last modal is on top."""

    def issue_trigger_id(self, user_id: str) -> str:
        """Return a new trigger_id for an interaction of a user."""
        name = f"{int(self._clock() * 1000)}.{self._conversations.workspace.team_id[1:]}.{secrets.token_hex(8)}"
        self._triggers[name] = (user_id, self._clock() + TRIGGER_LIFETIME)
        return name

    def methods(self) -> dict[str, Method]:
        """Return the Web API methods of views, by name."""
        return {
            "views.publish": Method(lambda _conversations, args, _scopes: self._publish(args)),
            "views.open": Method(lambda _conversations, args, _scopes: self._open(args)),
            "views.push": Method(lambda _conversations, args, _scopes: self._push(args)),
            "views.update": Method(lambda _conversations, args, _scopes: self._update(args)),
        }

    def find(self, view_id: str) -> View | None:
        """Return a view that is on a screen."""
        return next((view for view in self._on_screen() if view.id == view_id), None)

    def top_modal(self, user_id: str) -> View | None:
        """Return the modal that the user sees."""
        stack = self.modals.get(user_id)
        return stack[-1] if stack else None

    def close(self, view: View, *, whole_stack: bool = False) -> None:
        """Remove a modal, or its whole stack, from the screen."""
        stack = self.modals.get(view.user_id, [])
        self.modals[view.user_id] = [] if whole_stack else [other for other in stack if other is not view]
        self._conversations.notify_listeners()

    def show(self, view: View, body: object) -> None:
        """Replace the body of a view; raises MethodError."""
        view.replace(self._valid_body(body, view.body["type"], view))
        self._conversations.notify_listeners()

    def push(self, user_id: str, body: object) -> View:
        """Put a modal on top of the user's stack; raises MethodError."""
        valid, stack = self._valid_body(body, "modal"), self.modals.setdefault(user_id, [])
        if len(stack) >= MAX_MODALS:
            raise MethodError("push_limit_reached")
        view = View(user_id=user_id, body=valid)
        if stack:
            view.root_id, view.previous_id = stack[0].id, stack[-1].id
        stack.append(view)
        self._conversations.notify_listeners()
        return view

    def show_errors(self, view: View, errors: Mapping[str, Any]) -> None:
        """Show an error message beside each of these blocks."""
        view.errors, view.notice = {str(block): str(text) for block, text in errors.items()}, None
        self._conversations.notify_listeners()

    def show_notice(self, view: View, notice: str | None) -> None:
        """Show or remove what Slack's client shows because the app failed."""
        view.notice = notice
        self._conversations.notify_listeners()

    def snapshot(self) -> dict[str, Any]:
        """Return all views on the screens, by user id."""
        return {
            user_id: {
                "home": _shown(self.homes[user_id]) if user_id in self.homes else None,
                "modals": [_shown(view) for view in self.modals.get(user_id, [])],
            }
            for user_id in {*self.homes, *self.modals}
        }

    def _on_screen(self) -> list[View]:
        return [*self.homes.values(), *(view for stack in self.modals.values() for view in stack)]

    def _publish(self, args: Args) -> dict[str, Any]:
        user_id = str(args.get("user_id") or "")
        if user_id not in self._conversations.workspace.members:
            raise MethodError("invalid_arguments")
        home = self.homes.get(user_id)
        body = self._valid_body(args.get("view"), "home", home)
        view = self.homes.setdefault(user_id, View(user_id=user_id, body=body))
        _check_hash(view, args)
        self.show(view, body)
        return {"view": view.as_slack(self._conversations.workspace)}

    def _open(self, args: Args) -> dict[str, Any]:
        user_id = self._use_trigger_id(args)
        body = self._valid_body(args.get("view"), "modal")
        self.modals[user_id] = []
        return {"view": self.push(user_id, body).as_slack(self._conversations.workspace)}

    def _push(self, args: Args) -> dict[str, Any]:
        user_id = self._use_trigger_id(args)
        if not self.modals.get(user_id):
            raise MethodError("not_found")
        return {"view": self.push(user_id, args.get("view")).as_slack(self._conversations.workspace)}

    def _update(self, args: Args) -> dict[str, Any]:
        view = self.find(str(args.get("view_id") or "")) or self._find_external(args.get("external_id"))
        if view is None:
            raise MethodError("not_found")
        _check_hash(view, args)
        self.show(view, args.get("view"))
        return {"view": view.as_slack(self._conversations.workspace)}

    def _find_external(self, external_id: object) -> View | None:
        named = (view for view in self._on_screen() if external_id and view.body.get("external_id") == external_id)
        return next(named, None)

    def _use_trigger_id(self, args: Args) -> str:
        """Consume a trigger_id and return its user."""
        name = str(args.get("trigger_id") or "")
        if name not in self._triggers:
            raise MethodError("invalid_trigger_id")
        trigger, self._triggers[name] = self._triggers[name], None
        if trigger is None:
            raise MethodError("exchanged_trigger_id")
        user_id, expires_at = trigger
        if self._clock() > expires_at:
            raise MethodError("expired_trigger_id")
        return user_id

    def _valid_body(self, body: object, kind: str, replaced: View | None = None) -> dict[str, Any]:
        """Return the decoded view with generated ids; raises MethodError."""
        if isinstance(body, str):
            try:
                body = json.loads(body)
            except json.JSONDecodeError:
                body = None
        found = block_kit.view_problems(body, kind)
        if found or not isinstance(body, dict):
            raise MethodError("invalid_arguments", response_metadata={"messages": found})
        if len(json.dumps(body)) > MAX_VIEW_SIZE:
            raise MethodError("view_too_large")
        if self._find_external(body.get("external_id")) not in {None, replaced}:
            raise MethodError("duplicate_external_id")
        return body | {"blocks": with_ids(body["blocks"], _NUMBERS)}


def _check_hash(view: View, args: Args) -> None:
    if args.get("hash") and args["hash"] != view.hash:
        raise MethodError("hash_conflict")


def _shown(view: View) -> dict[str, Any]:
    return {"id": view.id, "hash": view.hash, "errors": view.errors, "notice": view.notice, **view.body}
