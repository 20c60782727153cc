"""The mutation run: what it changes, what it leaves alone, and that a surviving mutant fails it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.mutation.mutants import Mutant, enum_members, mutants

MEMBERS = {("State", "OPEN"): "DONE", ("State", "DONE"): "OPEN"}


def changes(source: str) -> set[str]:
    return {str(mutant) for mutant in mutants("m", source, MEMBERS)}


@pytest.mark.parametrize(
    ("source", "change"),
    [
        ("def f(a):\n    return a >= 1", "m.f: a >= 1 -> a > 1"),
        ("def f(a):\n    return a >= 1", "m.f: 1 -> 2"),
        ("def f(a):\n    return a is None", "m.f: a is None -> a is not None"),
        ("def f(a):\n    return not a", "m.f: not a -> a"),
        ("def f(a, b):\n    return a and b", "m.f: a and b -> a or b"),
        ("def f(a, b):\n    return a and b", "m.f: a and b -> b"),
        ("def f(a):\n    return a", "m.f: return a -> return None"),
        ("def f(a):\n    raise a", "m.f: raise a -> removed"),
        ("def f(a):\n    a()", "m.f: a() -> removed"),
        ("def f(a):\n    if a:\n        a()", "m.f: a -> True"),
        ("def f(a):\n    if a:\n        a()", "m.f: a -> False"),
        ("def f(a):\n    return g(a, b=1)", "m.f: g(a, b=1) -> g(a)"),
        ("def f(a):\n    return g(a, b=1)", "m.f: g(a, b=1) -> g(None, b=1)"),
        ("def f(a):\n    return a.strip()", "m.f: a.strip() -> a"),
        ("def f(a):\n    return any(a)", "m.f: any(a) -> all(a)"),
        ("TABLE = {State.OPEN: 1}", "m.TABLE: State.OPEN -> State.DONE"),
        ("TABLE = {State.OPEN: 1}", "m.TABLE: {State.OPEN: 1} -> {}"),
        ("RULE = lambda a: a.b", "m.RULE: lambda a: a.b -> lambda a: None"),
        ("NAMES = ('a', 'b')", "m.NAMES: ('a', 'b') -> ('b',)"),
        ("class A:\n    size: int = 1", "m.A.size: 1 -> 2"),
        (
            "class A:\n    @property\n    def b(self):\n        return 1",
            "m.A.b: property -> lambda decorated: decorated",
        ),
        ("def f(*, a=True):\n    pass", "m.f: True -> False"),
        ("def f(a):\n    for b in a:\n        b()", "m.f: for b in a: b() -> for b in (): b()"),
        ("def f(a):\n    match a:\n        case 'b' if a:\n            pass", "m.f: 'b' -> 'mutantb'"),
    ],
)
def test_mutants__change_what_a_module_does(source: str, change: str) -> None:
    assert change in changes(source)


@pytest.mark.parametrize(
    "source",
    [
        "from __future__ import annotations",
        "'''A docstring.'''",
        "def f(a: int | None) -> dict[str, int] | None:\n    '''Return nothing.'''",
        "Alias = dict[str, int]",
        "class Api(Protocol):\n    @property\n    def size(self) -> int:\n        '''The size.'''",
        "class Empty(Base[int]):\n    size: int\n    '''The size.'''",
        "def f():\n    return None",
    ],
)
def test_mutants__leave_types_and_docstrings_alone(source: str) -> None:
    assert changes(source) == set()


def test_mutants__differ_from_the_original_and_from_each_other() -> None:
    source = Path("bot/domain/policy.py").read_text(encoding="utf-8")
    found = list(mutants("policy", source, {}))

    assert len({mutant.source for mutant in found} | {ast.unparse(ast.parse(source))}) == len(found) + 1
    assert len({str(mutant) for mutant in found}) == len(found)


def test_mutants__keep_their_names_when_lines_move() -> None:
    source = "def f(a):\n    return a == 1 or a == 2"

    assert changes(f"import b\n\n\n{source}") == changes(source)


def test_enum_members__are_followed_by_the_next_one() -> None:
    source = "class State(StrEnum):\n    '''A state.'''\n    OPEN = 'open'\n    DONE = 'done'\nclass Other:\n    A = 1"

    assert enum_members([source]) == MEMBERS


@pytest.mark.process
@pytest.mark.parametrize(
    ("source", "killed"),
    [
        ("CHANGED = 1\n", True),
        (None, False),
    ],
)
def test_run__kills_a_mutant_whose_tests_fail(source: str | None, killed: bool) -> None:
    unchanged = Path("bot/domain/denials.py").read_text(encoding="utf-8")
    mutant = Mutant("denials", "place", "change", source or unchanged)
    script = (
        "from pathlib import Path\n"
        "from tests.mutation.__main__ import Run, results\n"
        "from tests.mutation.mutants import Mutant\n"
        f"run = Run({mutant!r}, [Path('tests/unit/domain/test_denials.py')])\n"
        "print([passed for _, passed in results([run], 1)])"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert found.stdout.split() == [f"[{not killed}]"]
