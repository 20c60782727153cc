"""What people do on an app's Home tab and in its modals, told to the app as Slack tells it."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack import payloads
from bot.sandbox.slack.delivery import NotPossibleInSlack
from bot.sandbox.slack.methods import MethodError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.views import View, Views
    from bot.sandbox.slack.workspace import SlackWorkspace

    Send = Callable[[dict[str, Any]], Awaitable[Delivery]]


class Surfaces:
    """Opens the Home tab, fills in, submits and closes modals; `send` brings a payload to the app."""

    def __init__(self, workspace: SlackWorkspace, views: Views, clock: Callable[[], float], send: Send) -> None:
        self._workspace = workspace
        self._views = views
        self._clock = clock
        self._send = send

    async def open_home(self, user_id: str) -> Delivery:
        """Open the app's Home tab: the app hears `app_home_opened` and may publish a view."""
        home = self._views.homes.get(user_id)
        event: dict[str, Any] = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": self._workspace.dm(user_id).id,
            "tab": "home",
            "event_ts": f"{self._clock():.6f}",
        }
        if home is not None:
            event["view"] = home.as_slack(self._workspace)
        return await self._send(
            {
                "type": "event_callback",
                "token": "deprecated",
                "team_id": self._workspace.team_id,
                "api_app_id": self._workspace.app_id,
                "event": event,
                "event_id": f"Ev{secrets.token_hex(5).upper()}",
                "event_time": int(self._clock()),
            }
        )

    async def press(self, view: View, action: Mapping[str, Any], values: Mapping[str, Any] | None = None) -> Delivery:
        """Use a button or a menu of a view; `action` says what was chosen, `values` what is filled in so far."""
        container = {"type": "view", "view_id": view.id}
        payload = self._payload("block_actions", view, values)
        return await self._send(payload | {"container": container, "actions": [dict(action)]})

    async def submit(self, view: View, values: Mapping[str, Any]) -> Delivery:
        """Submit a modal; what the app answers happens: errors, another view in its place or on top, or its end."""
        payload = self._payload("view_submission", view, values) | {"response_urls": []}
        delivery = await self._send(payload)
        if delivery.error is not None:
            raise NotPossibleInSlack(f"The app did not take it ({delivery.error}). Nothing was submitted.")
        try:
            self._answered(view, _response(delivery))
        except MethodError as refused:
            raise NotPossibleInSlack(f"Slack does not show what the app answered ({refused.code}).") from None
        return delivery

    async def close(self, view: View) -> Delivery | None:
        """Close a modal; the app hears of it where it asked to."""
        self._views.close(view)
        if not view.body.get("notify_on_close"):
            return None
        return await self._send(self._payload("view_closed", view) | {"is_cleared": False})

    def _answered(self, view: View, response: Mapping[str, Any]) -> None:
        match response.get("response_action"):
            case "errors":
                self._views.show_errors(view, response.get("errors") or {})
            case "update":
                self._views.show(view, response.get("view"))
            case "push":
                self._views.push(view.user_id, response.get("view"))
            case "clear":
                self._views.close(view, whole=True)
            case _:
                self._views.close(view)

    def _payload(self, kind: str, view: View, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        member = self._workspace.members[view.user_id]
        payload = payloads.of_a_person(self._workspace, member) | {
            "type": kind,
            "view": view.as_slack(self._workspace, values),
        }
        return (
            payload if kind == "view_closed" else payload | {"trigger_id": self._views.issue_trigger_id(view.user_id)}
        )


def _response(delivery: Delivery) -> Mapping[str, Any]:
    """What a submission is answered with; nothing, where nothing is said."""
    try:
        said = delivery.json
    except json.JSONDecodeError:
        return {}
    return said if isinstance(said, dict) else {}
