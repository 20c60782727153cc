"""Files that no one should upload: random bytes, and random pieces of files."""

from __future__ import annotations

import random
from collections.abc import Iterator

PIECES = [
    "tom@example.com",
    "6f1c0b1e-52d0-4d0c-9d0e-0a1b2c3d4e09",
    "@",
    ",",
    ";",
    "\t",
    '"',
    "\n",
    "\r\n",
    "\0",
    "\ufeff",
    "=cmd()",
    "<@U0TOM00001>",
    "İ",
]


def hostile_files(seed: int, count: int) -> Iterator[bytes]:
    """Yield an even number of files, random bytes and random pieces by turns."""
    chosen = random.Random(seed)  # noqa: S311 - the files are examples
    for _ in range(count // 2):
        pieces = "".join(chosen.choices(PIECES, k=chosen.randrange(40))).encode()
        yield chosen.randbytes(chosen.randrange(200))
        yield pieces
