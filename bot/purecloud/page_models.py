"""The pages of a listing or a search, and whether another one follows."""

from __future__ import annotations

from bot.purecloud.decoding import Model


class Page(Model):
    """A page of a listing or a search. One that says nothing of other pages is the last."""

    def has_next(self, _number: int) -> bool:
        """Return whether a page follows the one with this number; the first page has number 1."""
        return False


class CountedPage(Page):
    """A page that says how many there are."""

    page_count: int | None = None

    def has_next(self, number: int) -> bool:
        """Return whether a page follows the one with this number; the first page has number 1."""
        return number < (self.page_count or 1)
