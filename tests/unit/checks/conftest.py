"""A harness for each transport."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.checks_harness import ChecksHarness, open_checks_harness


@pytest.fixture
async def harness(tmp_path: Path) -> AsyncIterator[ChecksHarness]:
    """Return a harness with Slack over HTTP."""
    async with open_checks_harness(tmp_path) as opened:
        yield opened


@pytest.fixture
async def socket_harness(tmp_path: Path) -> AsyncIterator[ChecksHarness]:
    """Return a harness with Slack over Socket Mode."""
    async with open_checks_harness(tmp_path, socket_mode=True) as opened:
        yield opened
