"""A reason is stored on one line, and a long one says that it was shortened."""

from __future__ import annotations

import pytest

from bot.services.reasons import MAX_REASON_LENGTH, stored_reason


@pytest.mark.parametrize(("length", "end"), [(499, "x"), (500, "x"), (501, "… (shortened)"), (5000, "… (shortened)")])
def test_stored_reason__says_so_only_if_it_was_shortened(length: int, end: str) -> None:
    stored = stored_reason("x" * length)

    assert len(stored) == min(length, MAX_REASON_LENGTH)
    assert stored.endswith(end)
    assert ("shortened" in stored) is (length > MAX_REASON_LENGTH)
