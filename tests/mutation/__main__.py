"""Run the unit tests of the domain against every mutant; run it with `make mutants`.

python -m tests.mutation                  every module of bot/domain; exit 1 below the floor
python -m tests.mutation policy requests  these modules only
"""

from __future__ import annotations

import argparse
import gc
import importlib
import os
import signal
import sys
import time
import tomllib
import traceback
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import chain
from pathlib import Path
from types import CodeType

import pytest
from hypothesis import Phase, settings

from tests.mutation.mutants import Mutant, enum_members, mutants

ROOT = Path(__file__).parents[2]
DOMAIN = ROOT / "bot/domain"
TESTS = ROOT / "tests/unit/domain"
EQUIVALENT = Path(__file__).with_name("equivalent.toml")
"""The mutants that behave like the original, each with the reason."""

EXCLUDED = {"test_small_scope.py"}
"""Walks for seconds. The rules that it walks over have tests of their own."""

FLOOR = 98.0
"""Lowest share of killed mutants that passes, in percent."""

TIMEOUT = 60.0
"""Seconds after which a mutant that still runs counts as killed, for example by an endless loop."""

PRELOADED = ("_pytest.assertion.rewrite", "hypothesis.strategies", "pytest_asyncio", "xdist", "syrupy", "pytest_cov")
"""What every child needs and no mutant changes. The children are forked, so it is imported only once."""


@dataclass(frozen=True, slots=True)
class Run:
    """The tests that one child runs against a mutant; `later` are the tests to run if these pass."""

    mutant: Mutant | None
    tests: Sequence[Path]
    later: Sequence[Path] = ()


@dataclass(frozen=True, slots=True)
class Score:
    """The mutants by result."""

    killed: list[Mutant] = field(default_factory=list)
    alive: list[Mutant] = field(default_factory=list)

    @property
    def percent(self) -> float:
        """The share of killed mutants."""
        total = len(self.killed) + len(self.alive)
        return 100.0 * len(self.killed) / total if total else 100.0


class _MutantFinder(MetaPathFinder):
    """Finds the mutated module in place of the one on the disk."""

    def __init__(self, mutant: Mutant) -> None:
        self._name = f"bot.domain.{mutant.module}"
        self._path = DOMAIN / f"{mutant.module}.py"
        self._source = mutant.source

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> ModuleSpec | None:
        """Return the spec of the mutated module, None for every other one."""
        if fullname != self._name:
            return None
        return spec_from_file_location(
            fullname, self._path, loader=_MutantLoader(fullname, str(self._path), self._source)
        )


class _MutantLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, source: str) -> None:
        super().__init__(fullname, path)
        self._mutated = source

    def get_code(self, _fullname: str) -> CodeType:
        """Compile the mutant, bypassing the cache of compiled modules."""
        return compile(self._mutated, self.path, "exec")


def run_tests(run: Run) -> int:
    """Run tests in this process, which is a child; return pytest's exit code."""
    if run.mutant:
        sys.meta_path.insert(0, _MutantFinder(run.mutant))
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
    settings.register_profile(
        "mutants", settings.get_profile("ci"), phases=[Phase.explicit, Phase.generate], max_examples=50
    )
    options = [
        *("-x", "-q", "-n0", "-p", "no:cacheprovider", "--confcutdir", str(TESTS), "--hypothesis-profile=mutants"),
        *("--assert=plain", "--tb=no"),  # no one reads why a mutant was killed
        *("-p", "no:unraisableexception", "-p", "no:threadexception"),  # they collect garbage for a tenth of a second
    ]
    return int(pytest.main([*options, *map(str, run.tests)]))


def start(run: Run) -> int:
    """Fork a child that runs the tests; return its process id."""
    child = os.fork()
    if child:
        return child
    try:
        code = run_tests(run)
    except BaseException:  # noqa: BLE001 - a child must not run on as its parent
        traceback.print_exc()
        code = 1
    os._exit(code)


def results(runs: Iterable[Run], jobs: int) -> Iterator[tuple[Run, bool]]:
    """Run several children at a time; yield each run with whether its tests passed."""
    waiting, running = deque(runs), dict[int, tuple[Run, float]]()
    while waiting or running:
        while waiting and len(running) < jobs:
            run = waiting.popleft()
            running[start(run)] = run, time.monotonic() + TIMEOUT
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            time.sleep(0.01)
            for late in [one for one, (_, deadline) in running.items() if time.monotonic() > deadline]:
                os.kill(late, signal.SIGKILL)
            continue
        run, _ = running.pop(child)
        passed = os.waitstatus_to_exitcode(status) == 0
        if passed and run.later:
            waiting.appendleft(Run(run.mutant, run.later))
        else:
            yield run, passed


def find_mutants(modules: Sequence[str]) -> list[Mutant]:
    """Return the mutants of some modules of the domain, of all if none are named."""
    sources = {path.stem: path.read_text(encoding="utf-8") for path in sorted(DOMAIN.glob("*.py"))}
    members = enum_members(sources.values())
    return list(chain.from_iterable(mutants(name, sources[name], members) for name in modules or sources))


def run_of(mutant: Mutant) -> Run:
    """Return the run of a mutant: first the tests of its module, then the others."""
    tests = sorted(path for path in TESTS.glob("test_*.py") if path.name not in EXCLUDED)
    own = [path for path in tests if path.stem == f"test_{mutant.module}"]
    others = [path for path in tests if path not in own]
    return Run(mutant, own, others) if own else Run(mutant, others)


def allowed(found: Iterable[Mutant], modules: Sequence[str]) -> tuple[set[str], list[str]]:
    """Return the names of the equivalent mutants, and a line for each name without a mutant."""
    entries = tomllib.loads(EQUIVALENT.read_text(encoding="utf-8"))["equivalent"]
    listed = {one["mutant"] for one in entries if not modules or one["mutant"].split(".")[0] in modules}
    return listed, [f"{EQUIVALENT.name} names no mutant: {one}" for one in sorted(listed - set(map(str, found)))]


def measure(found: Sequence[Mutant], equivalent: set[str], jobs: int) -> tuple[Score, list[str]]:
    """Run the tests against every mutant; return the score, and a line for each wrong entry of the list."""
    score, complaints = Score(), []
    for done, (run, passed) in enumerate(results(map(run_of, found), jobs), start=1):
        mutant = run.mutant
        if mutant is None:
            continue
        if str(mutant) in equivalent:
            complaints += [] if passed else [f"{EQUIVALENT.name} names a mutant that a test kills: {mutant}"]
        else:
            (score.alive if passed else score.killed).append(mutant)
        if passed and str(mutant) not in equivalent:
            print(f"alive: {mutant}", flush=True)  # noqa: T201 - a person at a terminal reads it
        elif done % 100 == 0:
            print(f"{done} of {len(found)}", flush=True)  # noqa: T201
    return score, complaints


def main() -> int:
    """Measure the score; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description="Mutate bot/domain.")
    parser.add_argument("modules", nargs="*", help="modules of bot/domain; all if none are named")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes at a time")
    options = parser.parse_args()
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # the children need not look for garbage in what was imported
    found = find_mutants(options.modules)
    equivalent, complaints = allowed(found, options.modules)
    tests = sorted(path for path in TESTS.glob("test_*.py") if path.name not in EXCLUDED)
    if not all(passed for _, passed in results([Run(None, tests)], 1)):
        print("the tests fail without a mutant", file=sys.stderr)  # noqa: T201
        return 1
    score, more = measure(found, equivalent, options.jobs)
    print(*complaints, *more, sep="\n")  # noqa: T201
    print(  # noqa: T201
        f"{len(score.killed)} killed, {len(score.alive)} alive, {len(equivalent)} equivalent: "
        f"{score.percent:.1f} % (at least {FLOOR:.0f} %)"
    )
    return 1 if complaints or more or score.percent < FLOOR else 0


if __name__ == "__main__":
    sys.exit(main())
