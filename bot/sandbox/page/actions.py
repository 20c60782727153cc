"""The actions of the sandbox page.

Each takes the JSON object that the page posted, with the fields in parentheses. It returns what went wrong, for the
user to read, or None.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.db.driver import DatabaseUnavailable
from bot.sandbox.audit_log import change_row, verify_audit_log
from bot.sandbox.replica import ReplicaNotReadyError
from bot.sandbox.slack.delivery import InvalidAppResponse, NotPossibleInSlack

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.sandbox.session import SandboxRun, SandboxSession
    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.views import View

    Body = Mapping[str, Any]
    Action = Callable[[dict[str, Any]], Awaitable[str | None]]

COMMAND = "/purecloud"

MAX_CLOCK_STEP = 24 * 3600
"""Maximum step of the clock, in seconds. Every request expires within a day."""


class Actions:
    """Acts as the chosen persona, and controls the faults, the clock and the replica."""

    def __init__(self, session: SandboxSession) -> None:
        self._session = session
        self.by_name: dict[str, Action] = {
            "send-message": self.send_message,
            "click": self.click,
            "run-shortcut": self.run_shortcut,
            "open-home": self.open_home,
            "click-in-view": self.click_in_view,
            "submit-view": self.submit_view,
            "close-view": self.close_view,
            "genesys-fault": self.set_genesys_fault,
            "slack-down": self.set_slack_down,
            "single-sign-on": self.set_single_sign_on,
            "fast-clock": self.set_fast_clock,
            "log-in": self.log_in,
            "advance-clock": self.advance_clock,
            "replica": self.set_replica,
            "verify-audit-log": self.verify_audit_log,
            "change-audit-row": self.change_audit_row,
            "reset": self.reset,
        }

    async def send_message(self, body: Body) -> str | None:
        """Send a command to the bot, or post any other text in the channel (`{user, channel, text}`)."""
        slack = self._run.slack
        user, channel, text = (_text(body, key) for key in ("user", "channel", "text"))
        if user not in slack.members or channel not in slack.channels or not text.strip():
            raise web.HTTPBadRequest(text="user, channel and text are required.")
        word, _, rest = text.strip().partition(" ")
        if word == COMMAND:
            return await self._delivered(lambda: slack.command(user, rest.strip(), channel))
        if word.startswith("/"):
            return f"{word} is not a command of this workspace. Type {COMMAND}."
        slack.say(user, text.strip(), channel)
        return None

    async def click(self, body: Body) -> str | None:
        """Use a button or menu of a message, by its index (`{user, message, action_id, block_id, selected}`)."""
        slack, index = self._run.slack, body.get("message")
        user, action_id, block_id = (_text(body, key) for key in ("user", "action_id", "block_id"))
        if user not in slack.members or not isinstance(index, int) or index not in range(len(slack.messages)):
            raise web.HTTPBadRequest(text="user, message, action_id and block_id are required.")
        message, selected = slack.messages[index], _object(body, "selected")
        self._run.clicks.append(time.time())
        return await self._delivered(
            lambda: slack.click(user, message, action_id, block_id=block_id, selected=selected)
        )

    async def run_shortcut(self, body: Body) -> str | None:
        """Use a shortcut; `message` is the index for a message shortcut (`{user, callback_id, message}`)."""
        slack, index = self._run.slack, body.get("message")
        user, callback_id = _text(body, "user"), _text(body, "callback_id")
        if user not in slack.members or callback_id not in {one.callback_id for one in self._run.shortcuts}:
            raise web.HTTPBadRequest(text="user and callback_id are required.")
        if index is None:
            return await self._delivered(lambda: slack.shortcut(user, callback_id))
        if not isinstance(index, int) or index not in range(len(slack.messages)):
            raise web.HTTPBadRequest(text="Unknown message.")
        message = slack.messages[index]
        return await self._delivered(lambda: slack.message_shortcut(user, message, callback_id))

    async def open_home(self, body: Body) -> str | None:
        """Open the app's Home tab (`{user}`)."""
        slack, user = self._run.slack, _text(body, "user")
        if user not in slack.members:
            raise web.HTTPBadRequest(text="user is required.")
        return await self._delivered(lambda: slack.open_home(user))

    async def click_in_view(self, body: Body) -> str | None:
        """Use a button or menu of the Home tab or a modal (`{view, action_id, block_id, selected, values}`)."""
        slack, view = self._run.slack, self._view(body)
        action_id, block_id = _text(body, "action_id"), _text(body, "block_id")
        values, selected = _object(body, "values"), _object(body, "selected")
        self._run.clicks.append(time.time())
        return await self._delivered(
            lambda: slack.click_in_view(view, action_id, values, block_id=block_id, selected=selected)
        )

    async def submit_view(self, body: Body) -> str | None:
        """Submit a modal with its values by block and action (`{view, values}`)."""
        view, values = self._view(body), self._with_files(_object(body, "values"))
        return await self._delivered(lambda: self._run.slack.submit_view(view.user_id, values, view=view))

    def _with_files(self, values: dict[str, Any]) -> dict[str, Any]:
        """Store the files of a modal's inputs, and put their file objects in place of their contents."""
        files = self._run.slack.files
        for state in (one for block in values.values() if isinstance(block, dict) for one in block.values()):
            if isinstance(state, dict) and isinstance(state.get("files"), list):
                added = [files.add(_text(one, "name"), _text(one, "content").encode()) for one in state["files"]]
                state["files"] = [files.as_slack(one) for one in added]
        return values

    async def close_view(self, body: Body) -> str | None:
        """Close a modal (`{view}`)."""
        view = self._view(body)
        await self._run.slack.close_view(view.user_id, view=view)
        return None

    async def set_genesys_fault(self, body: Body) -> str | None:
        """Make Genesys Cloud's DELETE operations fail; an empty name clears the fault (`{name}`)."""
        try:
            self._run.faults.set_genesys(_text(body, "name") or None)
        except KeyError:
            raise web.HTTPBadRequest(text="Unknown fault.") from None
        return None

    async def set_slack_down(self, body: Body) -> str | None:
        """Make Slack's Web API unreachable or reachable for the bot (`{down}`)."""
        self._run.faults.set_slack_down(down=body.get("down") is True)
        return None

    async def log_in(self, body: Body) -> str | None:
        """Log a user in to Genesys Cloud again, as single sign-on may do at once (`{user}`)."""
        user = self._run.genesys.users.get(_text(body, "user"))
        if user is None:
            raise web.HTTPBadRequest(text="user is required.")
        self._run.genesys.state.log_in(user)
        return None

    async def set_single_sign_on(self, body: Body) -> str | None:
        """Let single sign-on log people in again after a revocation, or not (`{on}`)."""
        self._run.single_sign_on.on = body.get("on") is True
        return None

    async def set_fast_clock(self, body: Body) -> str | None:
        """Let Genesys Cloud take twenty times as many requests a minute, or as many as usual (`{on}`)."""
        self._run.fast_clock.on = body.get("on") is True
        return None

    async def advance_clock(self, body: Body) -> str | None:
        """Move the expiry of pending requests closer (`{seconds}`)."""
        seconds = body.get("seconds")
        if not isinstance(seconds, int) or not 0 < seconds <= MAX_CLOCK_STEP:
            raise web.HTTPBadRequest(text=f"seconds is required, from 1 to {MAX_CLOCK_STEP}.")
        try:
            await self._session.advance_clock(seconds)
        except DatabaseUnavailable:
            return "The database was busy, so no time has passed. Try again."
        return None

    async def set_replica(self, body: Body) -> str | None:
        """Start or kill the second replica, as `running` says."""
        try:
            await (self._session.start_replica() if body.get("running") is True else self._session.kill_replica())
        except ReplicaNotReadyError as problem:
            return str(problem)
        return None

    async def verify_audit_log(self, _body: Body) -> str | None:
        """Verify the chain of the audit log."""
        run = self._run
        try:
            run.verification = await verify_audit_log(run.store, run.environ.get("AUDIT_KEY"))
        except DatabaseUnavailable:
            return "The database was busy. Try again."
        return None

    async def change_audit_row(self, body: Body) -> str | None:
        """Replace the actor of a row of the audit log, which breaks the chain there (`{row}`)."""
        row = body.get("row")
        if not isinstance(row, int):
            raise web.HTTPBadRequest(text="row is required.")
        try:
            await change_row(self._run.store, row)
        except DatabaseUnavailable:
            return "The database was busy, so no row has changed. Try again."
        return None

    async def reset(self, _body: Body) -> str | None:
        """Replace the current run with a new one."""
        await self._session.reset()
        return None

    @property
    def _run(self) -> SandboxRun:
        if self._session.run is None:
            raise web.HTTPServiceUnavailable(text="The sandbox is resetting. Try again.")
        return self._session.run

    def _view(self, body: Body) -> View:
        view = self._run.slack.views.find(_text(body, "view"))
        if view is None:
            raise web.HTTPBadRequest(text="That view is no longer open.")
        return view

    async def _delivered(self, send: Callable[[], Awaitable[Delivery]]) -> str | None:
        run = self._run
        try:
            run.last_delivery = await send()
        except (NotPossibleInSlack, InvalidAppResponse) as refusal:
            return str(refusal)
        is_command = "command" in run.last_delivery.payload  # Slackbot posts a failed command's notice
        return None if is_command else run.last_delivery.notice


def _text(body: Body, key: str) -> str:
    value = body.get(key)
    return value if isinstance(value, str) else ""


def _object(body: Body, key: str) -> dict[str, Any]:
    value = body.get(key)
    return value if isinstance(value, dict) else {}
