"""Regular expressions take time that grows linearly with the text, whatever the text."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from itertools import product

import pytest

from bot import redaction
from bot.domain.denials import Denied
from bot.purecloud import responses
from bot.redaction import redact
from bot.slack import dispatch
from bot.slack.dispatch import is_storable_text
from handlers import identifiers, target_lists
from handlers import words as words_of_a_line
from handlers.targets import read_line
from handlers.verbs import read_verb

MODULES = (dispatch, identifiers, redaction, responses, target_lists, words_of_a_line)
"""The modules whose patterns search in text from outside. Other patterns match whole settings and ids."""

LENGTH = 16_000

MAX_SECONDS = 0.1
"""CPU time of one pattern on one text. A pattern of quadratic time needs seconds."""

PIECES = [
    "-", ".", "#", "<mailto:", "a@", "@", "@a", "<@U", "<@U1|", "<!here", "<#C1|", "U1", "A", "1", "a", "a@a.", "<",
    "|", "a:", "basic ", "xoxb-", "&lt;", "&", "&amp;", ";", "@a.", "mailto:", "/person/", "://", "://a:",
    "https://hooks.slack", "https://hooks.slack.com/", "client_secret=", "access_token", "\\u0000", "\\", " ", "0-",
    "aaaaaaaa-", "Aa:", "a:*", "“", "--", "'", '"', ":a", "queue:",
]  # fmt: skip


PATTERNS = {
    f"{module.__name__}.{name}": pattern
    for module in MODULES
    for name, pattern in vars(module).items()
    if isinstance(pattern, re.Pattern)
}


def fastest(work: Callable[[], object]) -> float:
    """Return the CPU time of the fastest of three runs, in seconds."""
    times = []
    for _ in range(3):
        started = time.thread_time()
        work()
        times.append(time.thread_time() - started)
        if times[-1] < MAX_SECONDS:
            break
    return min(times)


STEMS = [*PIECES, *("".join(pair) for pair in list(product(PIECES, PIECES))[::11])]
TEXTS = [(stem * LENGTH)[:LENGTH] for stem in STEMS]


@pytest.mark.parametrize("name", PATTERNS)
def test_pattern__takes_linear_time(name: str) -> None:
    slow = {text[:20] for text in TEXTS if fastest(lambda: PATTERNS[name].sub("", text)) > MAX_SECONDS}  # noqa: B023 - called at once

    assert slow == set()


def test_line__of_any_16000_characters_is_read_within_20_ms() -> None:
    for text in TEXTS:
        for read in (_read_line, read_verb, redact, is_storable_text):
            assert fastest(lambda: read(text)) < MAX_SECONDS  # noqa: B023 - called at once
    assert fastest(lambda: _read_line(TEXTS[0])) < 0.02


def _read_line(text: str) -> None:
    try:
        read_line(text)
    except Denied:
        return
