"""When this process may post to a channel: Slack takes about one message a second and channel."""

from __future__ import annotations

from collections.abc import Callable

from bot.db.notices import POST_INTERVAL

PLACE_MEMORY = 60.0
"""Seconds after which a place is forgotten, because another process has posted the card."""


class ChannelPace:
    """The next post to each channel; `clock` returns monotonic seconds.

    A notice waits a second after the last one, and so does a reply in a thread. A card waits only after Slack has
    limited its channel, and cards then keep their order.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._free_at: dict[str, float] = {}
        self._limited_until: dict[str, float] = {}
        self._places: dict[int, float] = {}
        self._turns: dict[str, float] = {}

    def reserve(self, channel: str) -> float:
        """Return the seconds until a notice may be posted; 0 reserves the next second."""
        now = self._clock()
        self._free_at = {one: at for one, at in self._free_at.items() if at > now}
        wait = max(self._free_at.get(channel, now), self._limited_until.get(channel, now)) - now
        if wait <= 0:
            self._free_at[channel] = now + POST_INTERVAL
        return max(0.0, wait)

    def take_place(self, channel: str, job_id: int) -> float:
        """Return the seconds until the card of a job may be posted; its place is kept."""
        now = self._clock()
        self._places = {one: at for one, at in self._places.items() if at > now - PLACE_MEMORY}
        place = self._places.pop(job_id, None)
        if place is None:
            place = self._limited_until.get(channel, now)
            if place > now:
                self._limited_until[channel] = place + POST_INTERVAL
        if place > now:
            self._places[job_id] = place
        return max(0.0, place - now)

    def take_turn(self, channel: str, job_id: int) -> float:
        """Return the seconds until the reply of a job in a thread may be posted; its turn is kept.

        Each has a second of its own, so that a burst of replies is not tried again and again.
        """
        now = self._clock()
        self._places = {one: at for one, at in self._places.items() if at > now - PLACE_MEMORY}
        turn = self._places.pop(job_id, None)
        if turn is None:
            self._turns = {one: at for one, at in self._turns.items() if at > now}
            turn = self._turns.get(channel, now)
            self._turns[channel] = turn + POST_INTERVAL
        turn = max(turn, self._limited_until.get(channel, now))
        if turn > now:
            self._places[job_id] = turn
        return max(0.0, turn - now)

    def limit(self, channel: str, seconds: float) -> None:
        """Post nothing to a channel for a `Retry-After` of Slack."""
        now = self._clock()
        self._limited_until = {one: at for one, at in self._limited_until.items() if at > now}
        self._limited_until[channel] = max(self._limited_until.get(channel, now), now + seconds)
