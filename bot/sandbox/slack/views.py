"""What an app puts on people's screens besides messages: its Home tab and its modals (docs.slack.dev, "Modals")."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import block_kit
from bot.sandbox.slack.messages import named
from bot.sandbox.slack.methods import Method, MethodError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from bot.sandbox.slack.messages import Conversations
    from bot.sandbox.slack.workspace import SlackWorkspace

    Args = Mapping[str, Any]

MOST_MODALS = 3
"""How many may lie on top of each other."""
TRIGGER_LIFE = 3.0
"""Seconds in which a trigger_id opens a modal, once."""
_NUMBERS = count(100)
"""For blocks and elements that came without an id."""
_KEPT = ("callback_id", "private_metadata", "external_id", "clear_on_close", "notify_on_close", "submit", "close")


@dataclass(eq=False, kw_only=True)
class View:
    """One view on one person's screen; `body` is what the app sent."""

    user_id: str
    body: dict[str, Any]
    id: str = field(default_factory=lambda: f"V{secrets.token_hex(5).upper()}")
    hash: str = field(default_factory=lambda: secrets.token_hex(6))
    errors: dict[str, str] = field(default_factory=dict)
    """What the app found wrong with what was filled in, by block."""

    def replace(self, body: dict[str, Any]) -> None:
        """Show something else in its place."""
        self.body, self.hash, self.errors = body, secrets.token_hex(6), {}

    def as_slack(self, workspace: SlackWorkspace, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The view object as Slack writes it (docs.slack.dev, "views.open"); `values` is what was filled in."""
        kept = {key: self.body[key] for key in _KEPT if key in self.body}
        return {
            "id": self.id,
            "team_id": workspace.team_id,
            "type": self.body["type"],
            "title": self.body.get("title"),
            "blocks": self.body["blocks"],
            "private_metadata": "",
            "callback_id": "",
            "state": {"values": dict(values or {})},
            "hash": self.hash,
            "root_view_id": self.id,
            "app_id": workspace.app_id,
            "bot_id": workspace.bot_id,
        } | kept


class Views:
    """Every Home tab and modal there is, and the methods by which the app puts them there."""

    def __init__(self, conversations: Conversations, clock: Callable[[], float]) -> None:
        self._conversations = conversations
        self._clock = clock
        self._triggers: dict[str, tuple[str, float]] = {}
        self.homes: dict[str, View] = {}
        self.modals: dict[str, list[View]] = {}
        """By person, the one on top last."""

    def issue_trigger_id(self, user_id: str) -> str:
        """A trigger_id for what that person did."""
        name = f"{int(self._clock() * 1000)}.{self._conversations.workspace.team_id[1:]}.{secrets.token_hex(8)}"
        self._triggers[name] = (user_id, self._clock() + TRIGGER_LIFE)
        return name

    def methods(self) -> dict[str, Method]:
        """The Web API methods served here."""
        return {
            "views.publish": Method(lambda _conversations, args, _scopes: self._publish(args)),
            "views.open": Method(lambda _conversations, args, _scopes: self._open(args)),
            "views.push": Method(lambda _conversations, args, _scopes: self._push(args)),
            "views.update": Method(lambda _conversations, args, _scopes: self._update(args)),
        }

    def find(self, view_id: str) -> View | None:
        """A view that stands on somebody's screen."""
        return next((view for view in self._standing() if view.id == view_id), None)

    def close(self, view: View, *, whole: bool = False) -> None:
        """Take a modal off the screen, with `whole` the ones below it too."""
        stack = self.modals.get(view.user_id, [])
        self.modals[view.user_id] = [] if whole else [other for other in stack if other is not view]
        self._conversations.tell()

    def show(self, view: View, body: object) -> None:
        """Replace what a view shows; raises MethodError."""
        view.replace(_read(body, view.body["type"]))
        self._conversations.tell()

    def push(self, user_id: str, body: object) -> View:
        """Lay a modal on top; raises MethodError."""
        stack = self.modals.setdefault(user_id, [])
        if len(stack) >= MOST_MODALS:
            raise MethodError("push_limit_reached")
        stack.append(View(user_id=user_id, body=_read(body, "modal")))
        self._conversations.tell()
        return stack[-1]

    def show_errors(self, view: View, errors: Mapping[str, Any]) -> None:
        """Tell beside each block what is wrong with it."""
        view.errors = {str(block): str(sentence) for block, sentence in errors.items()}
        self._conversations.tell()

    def snapshot(self) -> dict[str, Any]:
        """What stands on everybody's screens, by person."""
        people = {*self.homes, *self.modals}
        return {
            user_id: {
                "home": _told(self.homes[user_id]) if user_id in self.homes else None,
                "modals": [_told(view) for view in self.modals.get(user_id, [])],
            }
            for user_id in people
        }

    def _standing(self) -> list[View]:
        return [*self.homes.values(), *(view for stack in self.modals.values() for view in stack)]

    def _publish(self, args: Args) -> dict[str, Any]:
        user_id = str(args.get("user_id") or "")
        if user_id not in self._conversations.workspace.members:
            raise MethodError("invalid_arguments")
        body = _read(args.get("view"), "home")
        view = self.homes.setdefault(user_id, View(user_id=user_id, body=body))
        _same_hash(view, args)
        self.show(view, body)
        return {"view": view.as_slack(self._conversations.workspace)}

    def _open(self, args: Args) -> dict[str, Any]:
        user_id = self._exchange(args)
        body = _read(args.get("view"), "modal")
        self.modals[user_id] = []
        return {"view": self.push(user_id, body).as_slack(self._conversations.workspace)}

    def _push(self, args: Args) -> dict[str, Any]:
        return {"view": self.push(self._exchange(args), args.get("view")).as_slack(self._conversations.workspace)}

    def _update(self, args: Args) -> dict[str, Any]:
        external = args.get("external_id")
        by_name = (one for one in self._standing() if external and one.body.get("external_id") == external)
        view = self.find(str(args.get("view_id") or "")) or next(by_name, None)
        if view is None:
            raise MethodError("not_found")
        _same_hash(view, args)
        self.show(view, args.get("view"))
        return {"view": view.as_slack(self._conversations.workspace)}

    def _exchange(self, args: Args) -> str:
        """Use a trigger_id up; whose it was."""
        user_id, until = self._triggers.pop(str(args.get("trigger_id") or ""), (None, 0.0))
        if user_id is None:
            raise MethodError("exchanged_trigger_id")
        if self._clock() > until:
            raise MethodError("expired_trigger_id")
        return user_id


def _same_hash(view: View, args: Args) -> None:
    if args.get("hash") and args["hash"] != view.hash:
        raise MethodError("hash_conflict")


def _read(body: object, kind: str) -> dict[str, Any]:
    """A view as the app sent it, as JSON or decoded; raises MethodError."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except json.JSONDecodeError:
            body = None
    found = block_kit.view_problems(body, kind)
    if found or not isinstance(body, dict):
        raise MethodError("invalid_arguments", response_metadata={"messages": found})
    return body | {"blocks": named(body["blocks"], _NUMBERS)}


def _told(view: View) -> dict[str, Any]:
    return {"id": view.id, "hash": view.hash, "errors": view.errors, **view.body}
