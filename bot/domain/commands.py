"""What a person typed or submitted, as the bot stores it before it acknowledges."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bot.domain.bulk import BulkSource
from bot.domain.denials import DenialCode, Denied


@dataclass(frozen=True, slots=True)
class Invoker:
    """The person who typed a command or submitted a modal, and where.

    `key` identifies the invocation (a hash of its `trigger_id`), so that the bot recognises a replay. `channel` is
    empty where Slack names none, as for a global shortcut.
    """

    user_id: str
    team_id: str | None
    channel: str
    key: str
    response_url: str | None = None


@dataclass(frozen=True, slots=True)
class TargetRef:
    """How a command names a person: by one of Slack user id, email address or Genesys Cloud user id."""

    slack_user_id: str | None = None
    email: str | None = None
    genesys_user_id: str | None = None


@dataclass(frozen=True, slots=True)
class PeopleRef:
    """How a command names many people.

    By source: `targets` are people who were named one by one, `text` is a pasted list, and `file_id` a file in Slack.
    `request_id` is an earlier bulk request, and `name` a user group (its id), or a division, group or queue.
    """

    source: BulkSource
    targets: tuple[TargetRef, ...] = ()
    name: str = ""
    text: str = ""
    file_id: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class RequestCommand:
    """A command or modal submission that requests an action, about `target` or about `people`.

    `problem` is what is wrong with the input. The bot checks the person's role first, because it says nothing about
    the input to a person who may not request.
    """

    action: str
    invoker: Invoker
    target: TargetRef | None = None
    reason: str = ""
    problem: Denied | None = None
    people: PeopleRef | None = None

    @property
    def payload(self) -> dict[str, Any]:
        """The command as it is stored."""
        problem = {"code": self.problem.code, "params": dict(self.problem.params)} if self.problem else None
        return {
            "action": self.action,
            "invoker": asdict(self.invoker),
            "target": asdict(self.target) if self.target else None,
            "reason": self.reason,
            "problem": problem,
            **({"people": asdict(self.people)} if self.people else {}),
        }


def read_command(payload: Mapping[str, Any]) -> RequestCommand:
    """Read a stored command, perhaps written by another version of the bot."""
    invoker, target, problem = payload["invoker"], payload.get("target"), payload.get("problem")
    return RequestCommand(
        action=payload["action"],
        invoker=Invoker(
            user_id=invoker["user_id"],
            team_id=invoker.get("team_id"),
            channel=invoker.get("channel") or "",
            key=invoker["key"],
            response_url=invoker.get("response_url"),
        ),
        target=TargetRef(**{name: target.get(name) for name in TargetRef.__slots__}) if target else None,
        reason=payload.get("reason") or "",
        problem=Denied(DenialCode(problem["code"]), **problem["params"]) if problem else None,
        people=_read_people(payload["people"]) if payload.get("people") else None,
    )


def _read_people(stored: Mapping[str, Any]) -> PeopleRef:
    targets = tuple(TargetRef(**{name: one.get(name) for name in TargetRef.__slots__}) for one in stored["targets"])
    texts = {name: str(stored[name]) for name in ("name", "text", "file_id", "request_id")}
    return PeopleRef(BulkSource(stored["source"]), targets, **texts)
