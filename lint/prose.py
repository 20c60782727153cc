"""Check the prose of tracked files for banned words and long docstring summaries.

    python -m lint.prose                  list every problem; exit 1 if there is one
    python -m lint.prose bot/db docs      check these files and directories only
    python -m lint.prose --count bot/db   count the problems by file and by word; exit 0

A line that must contain a banned word (a quotation, this word list) carries the marker `prose: allow` in a comment.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

SUFFIXES = {".py", ".md", ".jsx", ".mjs", ".html", ".css", ".yml", ".yaml", ".toml", ".in", ".service"}
FILE_NAMES = {"Makefile", "Dockerfile", "run"}
"""Names of files without a suffix that are checked too."""

MAX_SUMMARY = 100
"""Maximum length of the first line of a module's, class's or function's docstring, in characters."""

MARKER = "prose: allow"

LONG_SUMMARY = "long summary"

BANNED = {
    r"tell|tells|told": "report, say, show, return, notify",  # prose: allow
    r"somebody|anybody": "name the person: a user, an approver, the caller",  # prose: allow
    r"nobody": "no one, none, no user",  # prose: allow
    r"everybody": "all users, every approver",  # prose: allow
    r"whoever": "the user who, the caller that",  # prose: allow
    r"anew": "again",  # prose: allow
    r"stand-in|stand-ins": "fake",  # prose: allow
    r"may nothing": "has no permission",  # prose: allow
    r"(?<!there\x20)is none|(?<!there\x20)are none": "there is no, no user is",  # prose: allow
    r"so many seconds": "give the number: the timeout, in seconds",  # prose: allow
}
"""Banned words, as alternatives of a regular expression, and what to write instead."""

_GAP = r"\s+(?:(?:#|//|>)\s*)?"
"""White space between two words of a phrase, with the marker of a comment after a line break."""


@dataclass(frozen=True, order=True, slots=True)
class Problem:
    """A place where the prose breaks a rule."""

    path: str
    line: int
    word: str
    hint: str

    def __str__(self) -> str:
        """Return the problem as a compiler would print it."""
        return f"{self.path}:{self.line}: {self.word}: {self.hint}"


def _pattern(words: str) -> re.Pattern[str]:
    """Return a pattern that finds the words in prose and in names such as `test_x__tells_y`."""  # prose: allow
    phrase = words.replace(" ", _GAP)
    flags = 0 if "none" in words else re.IGNORECASE  # `is None` is Python
    return re.compile(rf"(?<![^\W_])(?:{phrase})(?![^\W_])", flags)


_PATTERNS = [(_pattern(words), hint) for words, hint in BANNED.items()]


def check_text(path: str, text: str) -> list[Problem]:
    """Return the problems of one file, in the order of its lines."""
    lines = text.splitlines()
    found = [*_banned_words(path, text), *(_long_summaries(path, text) if path.endswith(".py") else ())]
    return sorted(problem for problem in found if MARKER not in lines[problem.line - 1])


def _banned_words(path: str, text: str) -> Iterator[Problem]:
    for pattern, hint in _PATTERNS:
        for match in pattern.finditer(text):
            word = " ".join(re.findall(r"[\w-]+", match[0].lower().replace("_", " ")))
            yield Problem(path, text.count("\n", 0, match.start()) + 1, word, f"write: {hint}")


def _long_summaries(path: str, text: str) -> Iterator[Problem]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        summary = (ast.get_docstring(node) or "").partition("\n")[0]
        if len(summary) > MAX_SUMMARY:
            hint = f"{len(summary)} characters, at most {MAX_SUMMARY}"
            yield Problem(path, node.body[0].lineno, LONG_SUMMARY, hint)


def files_to_check(root: Path, paths: Sequence[str] = ()) -> list[str]:
    """Return the files to check, new ones included, relative to the root and limited to `paths` if given."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z", "--", *paths]
    listed = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout  # noqa: S603
    names = [name for name in listed.split("\0") if name and (root / name).is_file()]
    return [name for name in names if PurePath(name).suffix in SUFFIXES or PurePath(name).name in FILE_NAMES]


def _report_counts(problems: Sequence[Problem]) -> None:
    for title, counts in (
        ("file", Counter(one.path for one in problems)),
        ("word", Counter(one.word for one in problems)),
    ):
        for name, count in counts.most_common():
            print(f"{count:6}  {title}  {name}")
    print(f"{len(problems):6}  total")


def main(arguments: Sequence[str] | None = None, root: Path = Path()) -> int:
    """Check the tracked files below a directory and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m lint.prose", description="Check the prose of tracked files.")
    parser.add_argument("paths", nargs="*", help="files and directories to check; all tracked files by default")
    parser.add_argument("--count", action="store_true", help="count the problems instead of listing them; exit 0")
    options = parser.parse_args(arguments)
    files = files_to_check(root, options.paths)
    problems = [problem for name in files for problem in check_text(name, (root / name).read_text())]
    if options.count:
        _report_counts(problems)
        return 0
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
