"""Genesys Cloud as actions see it, without HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.purecloud import Done
from bot.purecloud.caller import write_sent


@dataclass
class FakeGenesysApi:
    """Every API; it records calls, such as `delete_token <id>`, and raises `error` if it is set."""

    error: Exception | None = None
    calls: list[str] = field(default_factory=list)
    answer: Done = Done(200, "correlation-1")  # noqa: RUF009 - it is immutable

    @property
    def tokens(self) -> FakeGenesysApi:
        return self

    async def delete_token(self, user_id: str) -> Done:
        return self._answer("delete_token", user_id)

    async def rotate(self) -> Done:
        return self._answer("rotate")

    def _answer(self, *call: str) -> Done:
        self.calls.append(" ".join(call))
        count = write_sent.get()
        if count:
            count()
        if self.error:
            raise self.error
        return self.answer
