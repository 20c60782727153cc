"""What users do in Slack: commands, clicks, shortcuts, Home tabs and modals."""

from __future__ import annotations

import json
import secrets
from typing import TYPE_CHECKING, Any, NamedTuple, Unpack

from bot.sandbox.slack import form_state, payloads
from bot.sandbox.slack.delivery import MODAL_NOTICE, InvalidAppResponse, NotPossibleInSlack
from bot.sandbox.slack.messages import interactive, text_of
from bot.sandbox.slack.methods import MethodError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.events import EventSender
    from bot.sandbox.slack.messages import Block, Conversations, PostedMessage
    from bot.sandbox.slack.response_urls import ResponseUrl, ResponseUrls
    from bot.sandbox.slack.sender import PayloadSender
    from bot.sandbox.slack.views import View, Views
    from bot.sandbox.slack.workspace import SlackUser, SlackWorkspace


class Parts(NamedTuple):
    """The parts of the fake Slack that users act on."""

    workspace: SlackWorkspace
    conversations: Conversations
    views: Views
    response_urls: ResponseUrls
    sender: PayloadSender
    events: EventSender
    clock: Callable[[], float]


class UserActions:
    """Each action sends a payload to the app and shows the user what Slack would show.

    Keyword arguments of all actions: `force` sends what Slack's client does not offer, and `to` sends it to another
    address than `events_url`. `omit` removes fields from the payload, and `overrides` change fields. An action that
    Slack does not offer to the user raises NotPossibleInSlack and sends nothing.
    """

    def __init__(self, parts: Parts) -> None:
        self.workspace = parts.workspace
        self.conversations = parts.conversations
        self.views = parts.views
        self.response_urls = parts.response_urls
        self.clock = parts.clock
        self._sender = parts.sender
        self._events = parts.events

    async def command(
        self,
        user_id: str,
        text: str,
        channel_id: str | None = None,
        *,
        force: bool = False,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Type `/purecloud <text>` in a channel, by default the user's first one."""
        member = self._app_user(user_id, force=force)
        channel = self.workspace.channels[channel_id] if channel_id else self.workspace.default_channel(user_id)
        url = self.response_urls.issue_for_command(channel.id, user_id, f"/purecloud {text}".rstrip())
        payload = payloads.slash_command(
            self.workspace, member, channel, payloads.escape(text, self.workspace)
        ) | self._handles(user_id, url)
        delivery = await self._send(payload, omit, to, overrides)
        self._show_acknowledgement(url, delivery)
        return delivery

    async def click(
        self,
        user_id: str,
        message: PostedMessage,
        action_id: str,
        *,
        force: bool = False,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Use a button or menu of a message, and confirm its confirmation dialog.

        The user must see the message and the element; with `force`, an element of an earlier version counts.
        """
        member = self.workspace.members[user_id]
        if not force and (member.deleted or not self.conversations.is_visible(message, user_id)):
            raise NotPossibleInSlack(f"{member.real_name} does not see that message.")
        versions = reversed(message.versions) if force else message.versions[-1:]
        found = _find_element((version.blocks for version in versions), action_id, overrides.get("block_id"))
        if found is None:
            raise NotPossibleInSlack(f"The message has no element {action_id!r}: {text_of(message)!r}")
        block_id, element = found
        action = payloads.action(element, block_id, self.clock())
        payload = payloads.message_click(self.workspace, member, message, action) | self._handles(
            user_id, self.response_urls.issue_for_click(message, user_id)
        )
        delivery = await self._send(payload, omit, to, overrides)
        message.warnings.pop(user_id, None)
        if delivery.error is not None:
            message.warnings[user_id] = action_id
        self.conversations.notify_listeners()
        return delivery

    async def shortcut(
        self,
        user_id: str,
        callback_id: str,
        *,
        force: bool = False,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Use a global shortcut."""
        member = self._app_user(user_id, force=force)
        payload = payloads.global_shortcut(self.workspace, member, callback_id, self.clock())
        return await self._send(payload | self._handles(user_id), omit, to, overrides)

    async def message_shortcut(
        self,
        user_id: str,
        message: PostedMessage,
        callback_id: str,
        *,
        force: bool = False,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Use a message shortcut; Slack offers none for ephemeral messages."""
        member = self._app_user(user_id, force=force)
        if not force and (message.is_ephemeral or not self.conversations.is_visible(message, user_id)):
            raise NotPossibleInSlack(f"{member.real_name} is offered no shortcuts for that message.")
        payload = payloads.message_shortcut(self.workspace, member, message, callback_id, self.clock())
        url = self.response_urls.issue_for_shortcut(message, user_id)
        return await self._send(payload | self._handles(user_id, url), omit, to, overrides)

    async def open_home(self, user_id: str, *, tab: str = "home", to: str | None = None) -> Delivery:
        """Open a tab of the App Home: the app gets `app_home_opened` and can publish a view."""
        event: dict[str, Any] = {
            "type": "app_home_opened",
            "user": user_id,
            "channel": self.workspace.dm(user_id).id,
            "tab": tab,
        }
        home = self.views.homes.get(user_id)
        if tab == "home" and home is not None:
            event["view"] = home.as_slack(self.workspace)
        return await self.send_event(event, to=to)

    async def send_event(self, event: dict[str, Any], *, to: str | None = None) -> Delivery:
        """Send an event and return the first attempt; retries follow in the background."""
        event_id = f"Ev{secrets.token_hex(5).upper()}"
        return await self._events.send(payloads.event_callback(self.workspace, event, event_id, self.clock()), to=to)

    async def click_in_view(
        self,
        view: View,
        action_id: str,
        values: Mapping[str, Any] | None = None,
        *,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Use a button or menu of a Home tab or modal; `values` as for `submit_view`."""
        found = _find_element([view.body["blocks"]], action_id, overrides.get("block_id"))
        if found is None:
            raise NotPossibleInSlack(f"The view has no element {action_id!r}.")
        block_id, element = found
        payload = self._view_payload("block_actions", view, form_state.state_values(view.body, values or {})) | {
            "container": {"type": "view", "view_id": view.id},
            "actions": [payloads.action(element, block_id, self.clock())],
            **self._handles(view.user_id),
        }
        delivery = await self._send(payload, omit, to, overrides)
        self.views.show_notice(view, delivery.notice)
        return delivery

    async def submit_view(
        self,
        user_id: str,
        values: Mapping[str, Any] | None = None,
        *,
        view: View | None = None,
        force: bool = False,
        omit: tuple[str, ...] = (),
        to: str | None = None,
        **overrides: Unpack[payloads.Overrides],
    ) -> Delivery:
        """Fill in a modal, by default the user's top one, and submit it.

        `values` maps a block_id to what the user enters (see `form_state.state_values`). The app's response takes
        effect: errors, another view, or the modal closes. If the app fails, the modal stays and shows a notice. Raises
        InvalidAppResponse for a response that Slack cannot use.
        """
        view = view or self._top_modal(user_id)
        state = form_state.state_values(view.body, values or {})
        if not force and (empty := form_state.missing(view.body, state)):
            raise NotPossibleInSlack(f"Slack asks for the required fields first: {', '.join(empty)}.")
        payload = self._view_payload("view_submission", view, state) | {"response_urls": []}
        delivery = await self._send(payload | self._handles(user_id), omit, to, overrides)
        if delivery.error is not None:
            self.views.show_notice(view, delivery.notice)
            return delivery
        try:
            self._apply_response(view, delivery)
        except InvalidAppResponse:
            self.views.show_notice(view, MODAL_NOTICE)
            raise
        return delivery

    async def close_view(self, user_id: str, *, view: View | None = None, to: str | None = None) -> Delivery | None:
        """Close a modal, by default the user's top one.

        Returns None if the view has no `notify_on_close`, because Slack sends nothing then.
        """
        view = view or self._top_modal(user_id)
        whole_stack = bool(view.body.get("clear_on_close"))
        self.views.close(view, whole_stack=whole_stack)
        if not view.body.get("notify_on_close"):
            return None
        return await self._sender.send(self._view_payload("view_closed", view) | {"is_cleared": whole_stack}, to=to)

    async def _send(
        self, payload: dict[str, Any], omit: tuple[str, ...], to: str | None, overrides: payloads.Overrides
    ) -> Delivery:
        payloads.override(payload, overrides)
        kept = {key: value for key, value in payload.items() if key not in omit}
        return await self._sender.send(kept, to=to)

    def _app_user(self, user_id: str, *, force: bool) -> SlackUser:
        member = self.workspace.members[user_id]
        if not force and not self.workspace.can_use_apps(member):
            name = member.real_name
            raise NotPossibleInSlack(f"{name} is offered no commands or shortcuts of this workspace's apps.")
        return member

    def _handles(self, user_id: str, url: ResponseUrl | None = None) -> dict[str, str]:
        """Return a new trigger_id and, with a URL, the response_url."""
        trigger = {"trigger_id": self.views.issue_trigger_id(user_id)}
        return trigger if url is None else trigger | {"response_url": self.response_urls.address(url)}

    def _show_acknowledgement(self, url: ResponseUrl, delivery: Delivery) -> None:
        """Show a command's failure, or post the body of its acknowledgement as a message."""
        if delivery.notice is not None:
            self.conversations.post_as_slackbot(url.channel_id, url.user_id, delivery.notice)
        elif delivery.content_type == "application/json":
            body = delivery.json
            if isinstance(body, dict) and (body.get("text") or body.get("blocks")):
                self.response_urls.execute(url, body)
        elif delivery.body:
            self.response_urls.execute(url, {"text": delivery.body})

    def _top_modal(self, user_id: str) -> View:
        view = self.views.top_modal(user_id)
        if view is None:
            raise NotPossibleInSlack(f"{self.workspace.members[user_id].real_name} has no modal open.")
        return view

    def _view_payload(self, kind: str, view: View, values: Mapping[str, Any] | None = None) -> dict[str, Any]:
        member = self.workspace.members[view.user_id]
        view_object = view.as_slack(self.workspace, values)
        return payloads.interaction(self.workspace, member, kind) | {"view": view_object}

    def _apply_response(self, view: View, delivery: Delivery) -> None:
        """Apply the response to a submission (docs.slack.dev, "Modals")."""
        response = _decoded_response(delivery)
        try:
            match response.get("response_action"):
                case None if not response:
                    self.views.close(view)
                case "errors":
                    self.views.show_errors(view, _valid_errors(view, response.get("errors")))
                case "update":
                    self.views.show(view, response.get("view"))
                case "push":
                    self.views.push(view.user_id, response.get("view"))
                case "clear":
                    self.views.close(view, whole_stack=True)
                case unknown:
                    raise InvalidAppResponse(f"Slack knows no response_action {unknown!r}.")
        except MethodError as error:
            details = error.more.get("response_metadata", "")
            raise InvalidAppResponse(f"Slack cannot show the view: {error.code} {details}") from None


def _find_element(
    versions: Iterable[list[Block]], action_id: str, block_id: str | None
) -> tuple[str, dict[str, Any]] | None:
    for blocks in versions:
        for found_in, element in interactive(blocks):
            if element["action_id"] == action_id and block_id in {None, found_in}:
                return found_in, element
    return None


def _decoded_response(delivery: Delivery) -> Mapping[str, Any]:
    if not delivery.body:
        return {}
    try:
        response = delivery.json
    except json.JSONDecodeError:
        response = None
    if not isinstance(response, dict):
        raise InvalidAppResponse(f"Slack expects an empty body or a JSON object, not {delivery.body!r}.")
    return response


def _valid_errors(view: View, errors: object) -> Mapping[str, Any]:
    inputs = {block["block_id"] for block in view.body["blocks"] if block["type"] == "input"}
    if not isinstance(errors, dict) or not errors or not errors.keys() <= inputs:
        raise InvalidAppResponse(f"Errors must name input blocks of the view ({sorted(inputs)}): {errors!r}")
    return errors
