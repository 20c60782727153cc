"""The wheel holds everything the bot needs and runs where nothing else is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from email import message_from_string
from pathlib import Path
from threading import Timer

import pytest

from bot import __version__

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "handlers")
START_TIMEOUT = 60.0
"""Maximum run time of the sandbox, in seconds. Long, because test machines may be busy."""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, so that the repository stays clean; needs no network."""
    folder = tmp_path_factory.mktemp("wheel")
    for package in PACKAGES:
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    build = "from setuptools import build_meta; build_meta.build_wheel('dist')"
    subprocess.run([sys.executable, "-c", build], cwd=folder, check=True, capture_output=True)
    (built,) = (folder / "dist").glob("*.whl")
    return built


def test_wheel__holds_every_file_of_the_packages_and_no_other(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}

    files = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    assert names == {str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts}
    assert "bot/sandbox/page/static/index.html" in names
    assert "bot/db/migrations/0001_initial_schema.sql" in names


def test_wheel__has_the_version_and_the_console_script(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (info,) = {name.partition("/")[0] for name in archive.namelist() if ".dist-info/" in name}
        metadata = message_from_string(archive.read(f"{info}/METADATA").decode())
        entry_points = archive.read(f"{info}/entry_points.txt").decode()

    assert (metadata["Name"], metadata["Version"]) == ("purecloud-revoke-bot", __version__)
    assert entry_points.split("\n\n")[0].strip() == "[console_scripts]\npurecloud-bot = bot.cli:main"


@pytest.mark.wheel
def test_wheel__runs_from_an_empty_environment(wheel: Path, tmp_path: Path) -> None:
    environment = tmp_path / "venv"
    subprocess.run([sys.executable, "-m", "venv", environment], check=True)
    subprocess.run([environment / "bin" / "python", "-m", "pip", "install", "--quiet", wheel], check=True)
    program, environ = environment / "bin" / "purecloud-bot", {"PATH": os.defpath, "PORT": "0", "HOME": str(tmp_path)}

    version = subprocess.run([program, "--version"], check=True, capture_output=True, text=True, cwd=tmp_path)
    assert version.stdout == f"purecloud-bot {__version__}\n"

    with subprocess.Popen(
        [program, "sandbox"], stdout=subprocess.PIPE, text=True, cwd=tmp_path, env=environ
    ) as running:
        assert running.stdout
        timer = Timer(START_TIMEOUT, running.kill)
        timer.start()
        assert any("http://127.0.0.1:" in line for line in running.stdout)
        running.terminate()
        assert running.wait() == 0
        timer.cancel()
