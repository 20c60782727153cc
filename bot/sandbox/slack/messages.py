"""The conversations of a workspace: who said what to whom, with every edit kept."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.workspace import SLACKBOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.sandbox.slack.workspace import SlackWorkspace

Block = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class MessageVersion:
    """What a message said from one edit to the next; `at` in seconds since the epoch."""

    text: str
    blocks: list[Block]
    at: float


@dataclass(eq=False, kw_only=True)
class PostedMessage:
    """One message; `only_for` names the one person who sees it, None means everybody in the channel."""

    ts: str
    channel_id: str
    author_id: str
    versions: list[MessageVersion]
    only_for: str | None = None
    thread_ts: str | None = None
    deleted: bool = False

    @property
    def text(self) -> str:
        """The top-level text as it stands now."""
        return self.versions[-1].text

    @property
    def blocks(self) -> list[Block]:
        """The blocks as they stand now."""
        return self.versions[-1].blocks

    @property
    def is_ephemeral(self) -> bool:
        """Whether Slack marks it "Only visible to you"."""
        return self.only_for is not None

    @property
    def history(self) -> list[MessageVersion]:
        """What it said before, oldest first; empty for a message nobody edited."""
        return self.versions[:-1]

    def as_slack(self, workspace: SlackWorkspace) -> dict[str, Any]:
        """The message object as Slack writes it (docs.slack.dev, "chat.postMessage")."""
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
    """Every message of the workspace, and word to whoever listens when one comes, changes or goes."""

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
        """Add a message; without an author it is the bot's."""
        message = PostedMessage(
            ts=f"{int(self._clock())}.{next(self._numbers):06d}",
            channel_id=channel_id,
            author_id=author_id or self.workspace.bot_user_id,
            versions=[self._version(text, blocks)],
            only_for=only_for,
            thread_ts=thread_ts,
        )
        self.messages.append(message)
        self.tell()
        return message

    def notice(self, channel_id: str, user_id: str, text: str) -> PostedMessage:
        """Let Slack itself say something to one person."""
        return self.post(channel_id, text, author_id=SLACKBOT, only_for=user_id)

    def edit(self, message: PostedMessage, text: str, blocks: list[Block] | None) -> None:
        """Replace what a message says, whoever sees it."""
        message.versions.append(self._version(text, blocks))
        self.tell()

    def delete(self, message: PostedMessage) -> None:
        """Take a message away from everybody's screen; it stays in `messages`, marked."""
        message.deleted = True
        self.tell()

    def find(self, channel_id: str, ts: str) -> PostedMessage | None:
        """A message everybody sees; the API never finds an ephemeral one."""
        for message in self.messages:
            if (message.channel_id, message.ts) == (channel_id, ts) and not (message.is_ephemeral or message.deleted):
                return message
        return None

    def seen_by(self, user_id: str) -> list[PostedMessage]:
        """What is on one person's screen, oldest first."""
        return [message for message in self.messages if self.is_seen(message, user_id)]

    def is_seen(self, message: PostedMessage, user_id: str) -> bool:
        """Whether a message is on one person's screen."""
        if message.deleted:
            return False
        if message.is_ephemeral:
            return message.only_for == user_id
        return user_id in self.workspace.channels[message.channel_id].members

    async def wait_for(self, predicate: Callable[[PostedMessage], bool], seconds: float) -> PostedMessage:
        """The newest message that satisfies the predicate, as soon as there is one.

        Raises TimeoutError, telling what was said instead, when there is none within that many seconds.
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
            said = "\n".join(f"{m.channel_id} for {m.only_for or 'all'}: {text_of(m)!r}" for m in self.messages)
            raise TimeoutError(f"No such message within {seconds} s; said was:\n{said or 'nothing'}") from None
        finally:
            self.on_change.remove(changed.set)

    def _newest(self, predicate: Callable[[PostedMessage], bool]) -> PostedMessage | None:
        standing = (message for message in reversed(self.messages) if not message.deleted)
        return next((message for message in standing if predicate(message)), None)

    def _version(self, text: str, blocks: list[Block] | None) -> MessageVersion:
        """Slack gives every block and button without an id one of its own."""
        return MessageVersion(text=text, blocks=named(blocks or [], self._numbers), at=self._clock())

    def tell(self) -> None:
        """Call everybody who listens."""
        for listener in list(self.on_change):
            listener()


def named(blocks: list[Block], numbers: Iterator[int]) -> list[Block]:
    """The same blocks, those without an id with one; so also what can be clicked."""
    with_ids = [{"block_id": f"b{next(numbers)}", **block} for block in blocks]
    for element in (element for block in with_ids for element in _interactive(block)):
        element.setdefault("action_id", f"a{next(numbers)}")
    return with_ids


def interactive(blocks: list[Block]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Every element that can be clicked, with the id of its block, in reading order."""
    return ((block["block_id"], element) for block in blocks for element in _interactive(block))


def buttons(message: PostedMessage) -> list[dict[str, Any]]:
    """The buttons on a message as it stands now, in reading order."""
    return [element for _, element in interactive(message.blocks) if element["type"] == "button"]


def text_of(message: PostedMessage) -> str:
    """All words of a message as it stands now, dialogs of its buttons included, a line each."""
    return "\n".join([message.text, *_words(message.blocks)])


def _interactive(block: Block) -> list[dict[str, Any]]:
    elements = block.get("elements", []) if block["type"] == "actions" else []
    elements = [block["element"]] if block["type"] == "input" else elements
    return [*elements, *(e for e in [block.get("accessory")] if e and e["type"] != "image")]


def _words(part: object) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _words(item)
    elif isinstance(part, dict):
        for key, value in part.items():
            if key in {"text", "alt_text"} and isinstance(value, str):
                yield value
            else:
                yield from _words(value)
