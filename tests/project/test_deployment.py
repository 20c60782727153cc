"""Procfile, Dockerfile, systemd unit and docs/deployment.md agree with the code."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from aiohttp import web

from bot.app import CLOSE_TIMEOUT, COMMAND_DRAIN_TIMEOUT, DRAIN_TIMEOUT
from bot.settings import SECRETS, Settings, read_settings
from bot.web.connections import MAX_DESCRIPTORS
from tests.support.examples import REQUIRED_SETTINGS

ROOT = Path(__file__).parents[2]
PROCFILE = (ROOT / "Procfile").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNIT = (ROOT / "deploy" / "purecloud-bot.service").read_text()
CREDENTIALS = (ROOT / "deploy" / "credentials.conf").read_text()
PAGE = (ROOT / "docs" / "deployment.md").read_text()
DOCUMENTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "deploy").iterdir(),
    *(ROOT / name for name in ("Dockerfile", "Procfile", "Makefile", ".ci/run", "manifest.yml")),
]
"""The files that show operators what to type."""
REQUIRED = {str(field.alias) for field in Settings.model_fields.values() if field.is_required()} | {
    "SLACK_SIGNING_SECRET"
}
MAX_STOP_SECONDS = 10
"""Time from SIGTERM to the exit, as docs/operations.md promises it."""

COMMAND = shlex.split(PROCFILE.removeprefix("web: "))


def instructions() -> Iterator[tuple[str, str]]:
    """Return the Dockerfile's instructions and their arguments."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, text.splitlines()):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def arguments_of(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def unit_values(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


def example_environments() -> list[dict[str, str]]:
    """Return the environments that the page shows, read as Docker and systemd read them."""
    blocks = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    return [dict(re.findall(r"^([A-Z_]+)=(.*)$", block, re.MULTILINE)) for block in blocks]


def test_procfile_image_and_unit__start_the_same_command() -> None:
    (in_the_image,) = arguments_of("CMD")
    (in_the_unit,) = unit_values("ExecStart")

    assert json.loads(in_the_image) == COMMAND == ["python", "-m", "bot", "serve"]
    assert in_the_unit.split("/bin/", 1)[1] == " ".join(COMMAND)


def test_image__installs_locked_packages_and_sets_no_index() -> None:
    (install,) = [run for run in arguments_of("RUN") if "pip install" in run]

    assert {"--require-hashes", "--only-binary=:all:"} <= set(install.split())
    assert "http" not in " ".join(arguments_of("RUN") + arguments_of("ENV"))


def test_dockerignore__allows_exactly_what_the_image_copies() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = {source for rest in arguments_of("COPY") for source in rest.split()[:-1]}

    assert all((ROOT / source).exists() for source in copied)
    assert {word.removeprefix("!") for word in ignored if word.startswith("!")} == copied
    assert "*" in ignored


def test_image__has_a_base_that_a_digest_can_replace() -> None:
    assert arguments_of("ARG") == ["BASE=python:3.11-slim"]
    assert arguments_of("FROM") == ["${BASE}"]
    assert "--build-arg BASE=python:3.11-slim@sha256:" in PAGE


def test_image__contains_no_fakes_and_needs_none(tmp_path: Path) -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert ignored.index("bot/sandbox") > ignored.index("!bot"), "the last line that matches a path decides"
    for package in ("bot", "handlers"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("sandbox", "__pycache__"))
    every_module = (
        "import importlib, pkgutil, bot, handlers\n"
        "for package in (bot, handlers):\n"
        "    for module in pkgutil.walk_packages(package.__path__, f'{package.__name__}.'):\n"
        "        module.name == 'bot.__main__' or importlib.import_module(module.name)\n"
    )

    imported = run_python(["-c", every_module], tmp_path)
    sandbox = run_python(["-m", "bot", "sandbox"], tmp_path)

    assert (imported.returncode, imported.stderr) == (0, "")
    assert (sandbox.returncode, sandbox.stdout) == (2, "")
    assert sandbox.stderr == "sandbox: this installation has no fakes; use a clone or the Python package\n"


def run_python(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python in a folder, whose modules come first, without any setting."""
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env={"PATH": ""}, capture_output=True, text=True, check=False
    )


def test_image__runs_as_a_user_that_cannot_change_the_code() -> None:
    (user,) = arguments_of("USER")
    order = [word for word, _ in instructions()]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number, so that the host can verify that it is not root"
    assert order.index("USER") > max(place for place, word in enumerate(order) if word in ("RUN", "COPY"))
    assert f"chown {user} {json.loads(arguments_of('VOLUME')[0])[0]}" in " ".join(arguments_of("RUN"))


def test_image__listens_on_the_exposed_port_and_stores_on_the_volume() -> None:
    environ = dict(pair.split("=", 1) for pair in arguments_of("ENV")[0].split())
    settings = read_settings(environ | REQUIRED_SETTINGS)

    assert [str(settings.port)] == arguments_of("EXPOSE") == [str(Settings.model_fields["port"].default)]
    assert settings.database_path
    assert settings.database_path.is_absolute()
    assert [str(settings.database_path.parent)] == json.loads(arguments_of("VOLUME")[0])
    assert arguments_of("STOPSIGNAL") == ["SIGTERM"]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_image__is_healthy_only_if_healthz_answers_200(status: int, code: int) -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, *arguments = json.loads(arguments_of("HEALTHCHECK")[0].partition("CMD ")[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={"PORT": str(runner.addresses[0][1])}, stderr=asyncio.subprocess.DEVNULL
    )

    assert (await process.wait(), paths) == (code, ["/healthz"])
    await runner.cleanup()


def test_unit__waits_for_the_drain_and_does_not_restart_on_invalid_settings() -> None:
    (stop_timeout,) = unit_values("TimeoutStopSec")

    assert int(stop_timeout) > MAX_STOP_SECONDS > DRAIN_TIMEOUT + 2 * CLOSE_TIMEOUT > COMMAND_DRAIN_TIMEOUT
    assert unit_values("RestartPreventExitStatus") == ["2"]
    assert unit_values("Restart") == ["always"]


def test_unit__stores_the_database_in_its_state_directory() -> None:
    (name,) = unit_values("StateDirectory")
    (variable,) = unit_values("Environment")
    settings = read_settings(dict([variable.split("=", 1)]) | REQUIRED_SETTINGS)

    assert settings.database_path
    assert str(settings.database_path.parent) == f"/var/lib/{name}"
    assert unit_values("DynamicUser") == ["yes"]
    assert UNIT.index("\nEnvironment=") < UNIT.index("\nEnvironmentFile="), (
        "the file must be able to override DATABASE_URL"
    )


def test_unit__restarts_without_an_end() -> None:
    before_service, _, _ = UNIT.partition("[Service]")

    assert "\nStartLimitIntervalSec=0\n" in before_service, "systemd reads it in [Unit] alone"


def test_unit__limits_resources_and_hides_what_the_bot_does_not_need() -> None:
    assert unit_values("LimitNOFILE") == [str(MAX_DESCRIPTORS)]
    expected = {
        "LimitCORE": "0", "MemoryMax": "512M", "TasksMax": "128", "ProcSubset": "pid", "ProtectProc": "invisible",
        "PrivateUsers": "yes", "UMask": "0077", "StateDirectoryMode": "0700",
    }  # fmt: skip
    assert {key: unit_values(key) for key in expected} == {key: [value] for key, value in expected.items()}


def test_container__has_the_limits_of_the_unit() -> None:
    (command,) = re.findall(r"^docker run -d (?:.*\\\n)*.*$", PAGE, re.MULTILINE)
    words = shlex.split(command)
    options = list(pairwise(words))

    assert ("--memory", unit_values("MemoryMax")[0].lower()) in options
    assert ("--pids-limit", unit_values("TasksMax")[0]) in options
    assert {("--ulimit", f"nofile={MAX_DESCRIPTORS}:{MAX_DESCRIPTORS}"), ("--ulimit", "core=0")} <= set(options)
    assert {("--cap-drop", "ALL"), ("--security-opt", "no-new-privileges")} <= set(options)
    assert "--read-only" in words


@pytest.mark.parametrize("name", sorted(SECRETS))
def test_credentials__hand_each_secret_over_in_a_file(name: str) -> None:
    lines = [line.removeprefix("#") for line in CREDENTIALS.splitlines()]
    variables = [line.removeprefix("Environment=").split() for line in lines if line.startswith("Environment=")]

    assert f"LoadCredential={name}:/etc/purecloud-bot/{name}" in lines
    (given,) = [given for given in variables if f"{name}_FILE=%d/{name}" in given]
    assert (f"{name}=" in given) is (f"{name}=" in "".join(unit_values("Environment"))), "the unit's value is emptied"


def test_credentials__active_lines_are_the_required_secrets() -> None:
    active = re.findall(r"^LoadCredential=(\w+):", CREDENTIALS, re.MULTILINE)

    assert set(active) == REQUIRED & SECRETS


async def test_unit__is_valid_for_systemd(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / "purecloud-bot.service"
    (tmp_path / "purecloud-bot.service.d").mkdir()
    (tmp_path / "purecloud-bot.service.d" / "credentials.conf").write_text(
        re.sub("^#(?! )", "", CREDENTIALS, flags=re.MULTILINE)
    )
    installed = UNIT.replace(unit_values("ExecStart")[0].split()[0], sys.executable)
    complaints = []
    for text in (installed, installed.replace("RestrictRealtime=yes", "RestrictRealtime=perhaps")):
        unit.write_text(text)
        process = await asyncio.create_subprocess_exec(verify, "verify", unit, stderr=asyncio.subprocess.PIPE)
        _, stderr = await process.communicate()
        complaints.append(
            [line for line in stderr.decode().splitlines() if unit.name in line or "credentials.conf" in line]
        )

    assert complaints[0] == []
    assert "perhaps" in complaints[1][0]


def test_page__shows_a_valid_environment() -> None:
    shown = example_environments()

    assert len(shown) == 1
    assert shown[0].keys() >= REQUIRED
    assert read_settings({name: value.replace("…", "x") for name, value in shown[0].items()}).approvers
    assert not any(fnmatch.fnmatch(value, "*[ \"']*") for value in shown[0].values()), (
        "Docker and systemd read these characters differently"
    )


def secrets_on_command_lines(text: str) -> list[str]:
    """Return the lines that put a secret, or the content of a file, on a command line.

    The example of an environment file is not a command line, and the address of a SQLite file is not a secret.
    """
    commands = re.sub(r"^```ini\n.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    assignment = re.compile(rf"\b({'|'.join(SECRETS)})=(?!sqlite:)[^\s`]")
    substitution = re.compile(r"\$\((cat\b|<)|`cat |\benv \$|xargs")
    return [line for line in commands.splitlines() if assignment.search(line) or substitution.search(line)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_documents__put_no_secret_on_a_command_line(path: Path) -> None:
    assert secrets_on_command_lines(path.read_text()) == []


@pytest.mark.parametrize(
    "line",
    [
        "env $(cat /etc/purecloud-bot.env) .venv/bin/python -m bot check",
        "export $(grep -v '^#' .env | xargs)",
        "docker run -e SLACK_BOT_TOKEN=xoxb-1 purecloud-bot",
        "PURECLOUD_SECRET=hunter2 python -m bot check",
        "DATABASE_URL=postgres://bot:hunter2@db/bot python -m bot check",
        "python -m bot check --token `cat token`",
        'curl -H "Authorization: Bearer $(< token)"',
    ],
)
def test_secrets_on_command_lines__finds_each_way_to_write_one(line: str) -> None:
    assert secrets_on_command_lines(f"```\n{line}\n```") == [line]


def test_page__names_the_paths_of_the_unit_and_the_image() -> None:
    named = [*unit_values("EnvironmentFile"), *unit_values("WorkingDirectory"), *json.loads(arguments_of("VOLUME")[0])]

    assert [name for name in named if name not in PAGE] == []
