"""What can be done on the page: each act takes what the page sent and returns what went wrong, or None."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiohttp import web

from bot.db.engine import DatabaseUnavailable
from bot.sandbox.replica import NotReady
from bot.sandbox.slack import payloads
from bot.sandbox.slack.delivery import NotPossibleInSlack
from bot.sandbox.slack.messages import interactive

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from bot.sandbox.session import Play, Stage
    from bot.sandbox.slack.delivery import Delivery
    from bot.sandbox.slack.views import View

    Asked = Mapping[str, Any]
    Act = Callable[[dict[str, Any]], Awaitable[str | None]]

COMMAND = "/purecloud"
_LONGEST_STEP = 24 * 3600
SESSIONS_AFRESH = 1
"""How many sessions somebody has who logs in again."""


class Acts:
    """Types, clicks and fills in as the person one picked; and everything behind the scenes."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.by_name: dict[str, Act] = {
            "say": self.say,
            "click": self.click,
            "home": self.home,
            "press": self.press,
            "submit": self.submit,
            "close": self.close,
            "mishap": self.mishap,
            "slack": self.slack,
            "log-in": self.log_in,
            "time": self.time,
            "replica": self.replica,
            "reset": self.reset,
        }

    async def say(self, asked: Asked) -> str | None:
        """`{user, channel, text}`: a `/purecloud` goes to the bot, anything else is small talk."""
        slack = self._play.slack
        user, channel, text = (_text(asked, key) for key in ("user", "channel", "text"))
        if user not in slack.members or channel not in slack.channels or not text.strip():
            raise web.HTTPBadRequest(text="user, channel and text are needed.")
        word, _, rest = text.strip().partition(" ")
        if word == COMMAND:
            return await self._delivered(lambda: slack.command(user, rest.strip(), channel))
        if word.startswith("/"):
            return f"{word} is no command here; {COMMAND} is."
        slack.say(user, text.strip(), channel)
        return None

    async def click(self, asked: Asked) -> str | None:
        """`{user, place, action_id, block_id, selected}`: the button or menu of the message at that place."""
        slack, place = self._play.slack, asked.get("place")
        user, action_id, block_id = (_text(asked, key) for key in ("user", "action_id", "block_id"))
        if user not in slack.members or not isinstance(place, int) or place not in range(len(slack.messages)):
            raise web.HTTPBadRequest(text="user, place, action_id and block_id are needed.")
        message, selected = slack.messages[place], _object(asked, "selected")
        return await self._delivered(
            lambda: slack.click(user, message, action_id, block_id=block_id, selected=selected)
        )

    async def home(self, asked: Asked) -> str | None:
        """`{user}`: that person opens the app's Home tab."""
        slack, user = self._play.slack, _text(asked, "user")
        if user not in slack.members:
            raise web.HTTPBadRequest(text="user is needed.")
        return await self._delivered(lambda: slack.surfaces.open_home(user))

    async def press(self, asked: Asked) -> str | None:
        """`{view, action_id, block_id, selected, values}`: a button or menu on the Home tab or in a modal."""
        slack, view = self._play.slack, self._view(asked)
        wanted = (_text(asked, "block_id"), _text(asked, "action_id"))
        found = ((block, one) for block, one in interactive(view.body["blocks"]) if (block, one["action_id"]) == wanted)
        block_id, element = next(found, (None, None))
        if block_id is None or element is None:
            raise web.HTTPBadRequest(text="There is nothing of that name to press.")
        action = payloads.action(element, block_id, slack.clock()) | _object(asked, "selected")
        return await self._delivered(lambda: slack.surfaces.press(view, action, _object(asked, "values")))

    async def submit(self, asked: Asked) -> str | None:
        """`{view, values}`: the modal, with what was filled in by block and action."""
        view, values = self._view(asked), _object(asked, "values")
        return await self._delivered(lambda: self._play.slack.surfaces.submit(view, values))

    async def close(self, asked: Asked) -> str | None:
        """`{view}`: the modal goes away."""
        await self._play.slack.surfaces.close(self._view(asked))
        return None

    async def mishap(self, asked: Asked) -> str | None:
        """`{name}`: what goes wrong with Genesys Cloud's DELETEs from now on; "" heals them."""
        try:
            self._play.mishaps.choose(_text(asked, "name") or None)
        except KeyError:
            raise web.HTTPBadRequest(text="There is no such mishap.") from None
        return None

    async def slack(self, asked: Asked) -> str | None:
        """`{down}`: whether Slack's Web API answers."""
        self._play.mishaps.let_slack_be_down(down=asked.get("down") is True)
        return None

    async def log_in(self, asked: Asked) -> str | None:
        """`{person}`: somebody logs in to Genesys Cloud again, as single sign-on may let them at once."""
        person = self._play.genesys.users.get(_text(asked, "person"))
        if person is None:
            raise web.HTTPBadRequest(text="person is needed.")
        person.sessions = max(person.sessions, SESSIONS_AFRESH)
        return None

    async def time(self, asked: Asked) -> str | None:
        """`{seconds}`: as if so much time had passed for what waits."""
        seconds = asked.get("seconds")
        if not isinstance(seconds, int) or not 0 < seconds <= _LONGEST_STEP:
            raise web.HTTPBadRequest(text="seconds are needed.")
        try:
            await self._stage.pass_time(seconds)
        except DatabaseUnavailable:
            return "The database was busy; try again."
        return None

    async def replica(self, asked: Asked) -> str | None:
        """`{running}`: start a second replica, or kill it."""
        try:
            await (self._stage.add_replica() if asked.get("running") is True else self._stage.kill_replica())
        except NotReady as problem:
            return str(problem)
        return None

    async def reset(self, _asked: Asked) -> str | None:
        """Forget everything and begin again."""
        await self._stage.begin_anew()
        return None

    @property
    def _play(self) -> Play:
        if self._stage.play is None:
            raise web.HTTPServiceUnavailable(text="The sandbox is being reset; try again.")
        return self._stage.play

    def _view(self, asked: Asked) -> View:
        view = self._play.slack.views.find(_text(asked, "view"))
        if view is None:
            raise web.HTTPBadRequest(text="That view is not on anybody's screen any more.")
        return view

    async def _delivered(self, send: Callable[[], Awaitable[Delivery]]) -> str | None:
        play = self._play
        try:
            play.last = await send()
        except NotPossibleInSlack as refusal:
            return str(refusal)
        return None


def _text(asked: Asked, key: str) -> str:
    value = asked.get(key)
    return value if isinstance(value, str) else ""


def _object(asked: Asked, key: str) -> dict[str, Any]:
    value = asked.get(key)
    return value if isinstance(value, dict) else {}
