"""The packages and functions stay small enough to take in at one look."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).parents[2]
MAX_MODULES, MAX_LAYERS, MAX_LINES = 12, 14, 40

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_bot__has_few_modules_of_its_own() -> None:
    assert len(list((PROJECT / "bot").glob("*.py"))) <= MAX_MODULES


def test_bot__has_few_layers() -> None:
    contracts = tomllib.loads((PROJECT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    (layers,) = [one["layers"] for one in contracts if one.get("containers") == ["bot"]]
    assert len(layers) <= MAX_LAYERS


def functions() -> Iterator[tuple[str, Function]]:
    for root in ("bot", "handlers"):
        for path in (PROJECT / root).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, Function):
                    yield str(path.relative_to(PROJECT)), node


def lines_of(function: Function) -> int:
    """Return the lines of a function besides its docstring."""
    docstring = _lines(function.body[0]) if ast.get_docstring(function) else 0
    return _lines(function) - docstring


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def test_functions__are_short() -> None:
    long = {f"{path}: {one.name}": lines_of(one) for path, one in functions() if lines_of(one) > MAX_LINES}
    assert not long
