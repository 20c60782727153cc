"""A ward for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.checks_harness import ChecksHarness, ward_in


@pytest.fixture
async def ward(tmp_path: Path) -> AsyncIterator[ChecksHarness]:
    """Slack over HTTP."""
    async with ward_in(tmp_path) as opened:
        yield opened


@pytest.fixture
async def socket_ward(tmp_path: Path) -> AsyncIterator[ChecksHarness]:
    """Socket Mode."""
    async with ward_in(tmp_path, socket_mode=True) as opened:
        yield opened
