"""The messages of a workspace, with every edit."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.workspace import SLACKBOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.sandbox.slack.workspace import SlackWorkspace

Block = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class MessageVersion:
    """The content of a message between two edits; `at` is in seconds since the epoch."""

    text: str
    blocks: list[Block]
    at: float


@dataclass(eq=False, kw_only=True)
class PostedMessage:
    """A message; an ephemeral one is visible to the user `only_for` alone."""

    ts: str
    channel_id: str
    author_id: str
    versions: list[MessageVersion]
    only_for: str | None = None
    thread_ts: str | None = None
    deleted: bool = False
    warnings: dict[str, str] = field(default_factory=dict)
    """The action_id beside which a user sees a warning triangle, by user id, because the app did not take the click."""

    @property
    def text(self) -> str:
        """The current top-level text."""
        return self.versions[-1].text

    @property
    def blocks(self) -> list[Block]:
        """The current blocks."""
        return self.versions[-1].blocks

    @property
    def is_ephemeral(self) -> bool:
        """Whether Slack marks the message "Only visible to you"."""
        return self.only_for is not None

    @property
    def history(self) -> list[MessageVersion]:
        """The earlier versions, oldest first."""
        return self.versions[:-1]

    def as_slack(self, workspace: SlackWorkspace) -> dict[str, Any]:
        """Return the message object of Slack's API (docs.slack.dev, "chat.postMessage")."""
        written: dict[str, Any] = {"type": "message", "user": self.author_id, "text": self.text, "ts": self.ts}
        if self.author_id == workspace.bot_user_id:
            written |= {"bot_id": workspace.bot_id, "app_id": workspace.app_id, "team": workspace.team_id}
        if self.blocks:
            written["blocks"] = self.blocks
        if self.thread_ts:
            written["thread_ts"] = self.thread_ts
        if self.history:
            written["edited"] = {"user": self.author_id, "ts": f"{self.versions[-1].at:.6f}"}
        return written


class Conversations:
    """The messages of all channels; calls the listeners in `on_change` after every change."""

    def __init__(self, workspace: SlackWorkspace, clock: Callable[[], float]) -> None:
        self.workspace = workspace
        self.messages: list[PostedMessage] = []
        self.on_change: list[Callable[[], None]] = []
        self._clock = clock
        self._numbers = count(100)

    def post(
        self,
        channel_id: str,
        text: str,
        blocks: list[Block] | None = None,
        *,
        author_id: str | None = None,
        only_for: str | None = None,
        thread_ts: str | None = None,
    ) -> PostedMessage:
        """Add a message; the bot is the author by default."""
        message = PostedMessage(
            ts=f"{int(self._clock())}.{next(self._numbers):06d}",
            channel_id=channel_id,
            author_id=author_id or self.workspace.bot_user_id,
            versions=[self._version(text, blocks)],
            only_for=only_for,
            thread_ts=thread_ts,
        )
        self.messages.append(message)
        self.notify_listeners()
        return message

    def post_as_slackbot(self, channel_id: str, user_id: str, text: str) -> PostedMessage:
        """Add an ephemeral message from Slack itself to one user."""
        return self.post(channel_id, text, author_id=SLACKBOT, only_for=user_id)

    def edit(self, message: PostedMessage, text: str, blocks: list[Block] | None) -> None:
        """Replace the content of a message; its visibility stays the same."""
        message.versions.append(self._version(text, blocks))
        message.warnings.clear()
        self.notify_listeners()

    def delete(self, message: PostedMessage) -> None:
        """Hide a message from all users; it stays in `messages`, marked as deleted."""
        message.deleted = True
        self.notify_listeners()

    def find(self, channel_id: str, ts: str) -> PostedMessage | None:
        """Return a message by its ts; the Web API never finds ephemeral messages."""
        for message in self.messages:
            if (message.channel_id, message.ts) == (channel_id, ts) and not (message.is_ephemeral or message.deleted):
                return message
        return None

    def seen_by(self, user_id: str) -> list[PostedMessage]:
        """Return the messages that a user sees, oldest first."""
        return [message for message in self.messages if self.is_visible(message, user_id)]

    def is_visible(self, message: PostedMessage, user_id: str) -> bool:
        """Return whether a user sees a message."""
        if message.deleted:
            return False
        if message.is_ephemeral:
            return message.only_for == user_id
        return user_id in self.workspace.channels[message.channel_id].members

    async def wait_for(self, predicate: Callable[[PostedMessage], bool], seconds: float) -> PostedMessage:
        """Wait for a message that satisfies the predicate, and return the newest one.

        Raises TimeoutError with a list of all messages after `seconds` of real time.
        """
        changed = asyncio.Event()
        self.on_change.append(changed.set)
        try:
            async with asyncio.timeout(seconds):
                while (found := self._newest(predicate)) is None:
                    await changed.wait()
                    changed.clear()
                return found
        except TimeoutError:
            posted = "\n".join(f"{m.channel_id} for {m.only_for or 'all'}: {text_of(m)!r}" for m in self.messages)
            raise TimeoutError(f"No such message within {seconds} s. Messages:\n{posted or 'none'}") from None
        finally:
            self.on_change.remove(changed.set)

    def _newest(self, predicate: Callable[[PostedMessage], bool]) -> PostedMessage | None:
        visible = (message for message in reversed(self.messages) if not message.deleted)
        return next((message for message in visible if predicate(message)), None)

    def _version(self, text: str, blocks: list[Block] | None) -> MessageVersion:
        return MessageVersion(text=text, blocks=with_ids(blocks or [], self._numbers), at=self._clock())

    def notify_listeners(self) -> None:
        """Call every listener in `on_change`."""
        for listener in list(self.on_change):
            listener()


def with_ids(blocks: list[Block], numbers: Iterator[int]) -> list[Block]:
    """Return the blocks with ids; Slack generates those that the app left out."""
    identified = [{"block_id": f"b{next(numbers)}", **block} for block in blocks]
    for element in (element for block in identified for element in _interactive(block)):
        element.setdefault("action_id", f"a{next(numbers)}")
    return identified


def interactive(blocks: list[Block]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every interactive element with the id of its block, in reading order."""
    return ((block["block_id"], element) for block in blocks for element in _interactive(block))


def buttons(message: PostedMessage) -> list[dict[str, Any]]:
    """Return the current buttons of a message, in reading order."""
    return [element for _, element in interactive(message.blocks) if element["type"] == "button"]


def text_of(message: PostedMessage) -> str:
    """Return all texts of a message, confirmation dialogs included, one per line."""
    return "\n".join([message.text, *_texts(message.blocks)])


def _interactive(block: Block) -> list[dict[str, Any]]:
    elements = block.get("elements", []) if block["type"] == "actions" else []
    elements = [block["element"]] if block["type"] == "input" else elements
    return [*elements, *(e for e in [block.get("accessory")] if e and e["type"] != "image")]


def _texts(part: object) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _texts(item)
    elif isinstance(part, dict) and str(part.get("type")).startswith("rich_text_") and part["type"] != "rich_text_list":
        yield "".join(_rich_text(element) for element in part["elements"])
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in {"text", "alt_text"} and isinstance(value, str):
                yield value
            else:
                yield from _texts(value)


def _rich_text(element: Mapping[str, Any]) -> str:
    """Return an element of rich text as it would be written in Slack's markup."""
    match element.get("type"):
        case "user":
            return f"<@{element['user_id']}>"
        case "usergroup":
            return f"<!subteam^{element['usergroup_id']}>"
        case "channel":
            return f"<#{element['channel_id']}>"
        case "date":
            return str(element.get("fallback", ""))
        case "link":
            return str(element.get("text") or element["url"])
        case _:
            return str(element.get("text", ""))
