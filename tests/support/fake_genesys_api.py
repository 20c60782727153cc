"""Genesys Cloud as actions see it, without HTTP."""

from __future__ import annotations

from dataclasses import dataclass, field

from bot.purecloud import Done


@dataclass
class FakeGenesysApi:
    """The Tokens API; it records calls, and raises `error` if it is set."""

    error: Exception | None = None
    calls: list[str] = field(default_factory=list)

    @property
    def tokens(self) -> FakeGenesysApi:
        return self

    async def delete_token(self, user_id: str) -> Done:
        return self._answer(user_id)

    async def rotate(self) -> Done:
        return self._answer("me")

    def _answer(self, who: str) -> Done:
        self.calls.append(who)
        if self.error:
            raise self.error
        return Done(200, "correlation-1")
