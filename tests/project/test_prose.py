"""The prose lint finds banned words and long docstring summaries."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from lint.prose import LONG_SUMMARY, MARKER, MAX_SUMMARY, check_text, main

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("The worker is told to stop.", "told"),  # prose: allow
        ("# Tells the caller.", "tells"),  # prose: allow
        ("Whoever asks", "whoever"),  # prose: allow
        ("NOBODY = 1", "nobody"),  # prose: allow
        ("a stand-in for Slack", "stand-in"),  # prose: allow
        ("def test_bot__tells_all() -> None:", "tells"),  # prose: allow
        ("what is none", "is none"),  # prose: allow
        ("after so many\n# seconds", "so many seconds"),  # prose: allow
    ],
)
def test_check_text__reports_a_banned_word_with_its_line(line: str, word: str) -> None:
    (problem,) = check_text("docs/page.md", f"First line.\n{line}\n")

    assert (problem.path, problem.line, problem.word) == ("docs/page.md", 2, word)
    assert str(problem).startswith(f"docs/page.md:2: {word}: write: ")


@pytest.mark.parametrize(
    "line",
    [
        "if value is None:",
        "if there is none",
        "retells",
        "telling",
        "foretold",
        "anewly",
        f"told  # {MARKER}",  # prose: allow
    ],
)
def test_check_text__accepts_code_longer_words_and_marked_lines(line: str) -> None:
    assert check_text("docs/page.md", f"{line}\n") == []


@pytest.mark.parametrize("head", ["", "def f() -> None:\n    ", "class A:\n    "])
def test_check_text__reports_a_docstring_summary_above_the_limit(head: str) -> None:
    longest, longer = ("x" * length for length in (MAX_SUMMARY, MAX_SUMMARY + 1))

    assert check_text("bot/a.py", f'{head}"""{longest}\n\n    {longer}\n    """\n') == []
    assert check_text("bot/a.py", f'LIMIT = 1\n"""{longer}"""\n') == []
    (problem,) = check_text("bot/a.py", f'{head}"""{longer}"""\n')
    assert (problem.word, problem.line) == (LONG_SUMMARY, head.count("\n") + 1)


def test_main__checks_all_files_but_ignored_ones_and_returns_an_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    git = ["git", "-C", str(tmp_path)]
    subprocess.run([*git, "init", "-q"], check=True)
    (tmp_path / "tracked.md").write_text("It is told.\n")  # prose: allow
    (tmp_path / "clean.md").write_text("It is reported.\n")
    (tmp_path / "ignored.md").write_text("It is told.\n")  # prose: allow
    (tmp_path / "new.md").write_text("It is told.\n")  # prose: allow
    (tmp_path / ".gitignore").write_text("ignored.md\n")
    (tmp_path / "binary.png").write_bytes(b"told \xff")  # prose: allow
    subprocess.run([*git, "add", "tracked.md", "clean.md", "binary.png"], check=True)

    assert main([], tmp_path) == 1
    problems = sorted(line.partition(": ")[0] for line in capsys.readouterr().out.splitlines())
    assert problems == ["new.md:1", "tracked.md:1"]
    assert main(["clean.md"], tmp_path) == 0
    assert main(["--count"], tmp_path) == 0
    assert "2  total" in capsys.readouterr().out
