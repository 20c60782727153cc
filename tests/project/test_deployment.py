"""What brings the bot to a host says what the code says: Procfile, Dockerfile, systemd unit, the page about them."""

from __future__ import annotations

import asyncio
import fnmatch
import json
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from bot.app import BEGUN, CLOSE, DRAIN
from bot.settings import Settings, read_settings

ROOT = Path(__file__).parents[2]
PROCFILE = (ROOT / "Procfile").read_text()
DOCKERFILE = (ROOT / "Dockerfile").read_text()
UNIT = (ROOT / "deploy" / "purecloud-bot.service").read_text()
PAGE = (ROOT / "docs" / "deployment.md").read_text()
REQUIRED = {str(field.alias) for field in Settings.model_fields.values() if field.is_required()} | {
    "SLACK_SIGNING_SECRET"
}
LONGEST_STOP = 10
"""Seconds from SIGTERM to the end that operations.md promises."""

COMMAND = shlex.split(PROCFILE.removeprefix("web: "))


def instructions() -> Iterator[tuple[str, str]]:
    """The Dockerfile's instructions with what they say, a line each."""
    whole = re.sub(r"^#.*\n", "", DOCKERFILE, flags=re.MULTILINE).replace("\\\n", " ")
    for line in filter(None, whole.splitlines()):
        word, _, rest = line.partition(" ")
        yield word, rest.strip()


def said(word: str) -> list[str]:
    return [rest for name, rest in instructions() if name == word]


def of_unit(key: str) -> list[str]:
    return re.findall(rf"^{key}=(.*)$", UNIT, re.MULTILINE)


def examples() -> list[dict[str, str]]:
    """The environments that the page shows, as the programs that read them would."""
    blocks = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    return [dict(re.findall(r"^([A-Z_]+)=(.*)$", block, re.MULTILINE)) for block in blocks]


def test_commands__are_one_and_the_same() -> None:
    (in_the_image,) = said("CMD")
    (in_the_unit,) = of_unit("ExecStart")

    assert json.loads(in_the_image) == COMMAND == ["python", "-m", "bot", "serve"]
    assert in_the_unit.split("/bin/", 1)[1] == " ".join(COMMAND)


def test_image__is_made_of_locked_packages_and_names_no_index() -> None:
    (install,) = [run for run in said("RUN") if "pip install" in run]

    assert {"--require-hashes", "--only-binary=:all:"} <= set(install.split())
    assert "http" not in " ".join(said("RUN") + said("ENV"))


def test_image__has_what_is_copied_and_nothing_else() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = {source for rest in said("COPY") for source in rest.split()[:-1]}

    assert all((ROOT / source).exists() for source in copied)
    assert {word.removeprefix("!") for word in ignored if word.startswith("!")} == copied
    assert "*" in ignored


def test_image__runs_as_nobody_who_can_change_it() -> None:
    (user,) = said("USER")
    order = [word for word, _ in instructions()]

    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", user), "a number, so that a host can see that it is not root"
    assert order.index("USER") > max(place for place, word in enumerate(order) if word in ("RUN", "COPY"))
    assert f"chown {user} {json.loads(said('VOLUME')[0])[0]}" in " ".join(said("RUN"))


def test_image__listens_where_it_says_and_keeps_its_database_on_the_volume() -> None:
    environ = dict(pair.split("=", 1) for pair in said("ENV")[0].split())
    settings = read_settings(environ | dict.fromkeys(REQUIRED, "U0OLIVIA01"))

    assert [str(settings.port)] == said("EXPOSE") == [str(Settings.model_fields["port"].default)]
    assert settings.database_path
    assert settings.database_path.is_absolute()
    assert [str(settings.database_path.parent)] == json.loads(said("VOLUME")[0])
    assert said("STOPSIGNAL") == ["SIGTERM"]


@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
async def test_image__is_healthy_while_the_process_says_so(status: int, code: int) -> None:
    paths: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        paths.append(request.path)
        return web.Response(status=status)

    app = web.Application()
    app.router.add_get("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    _, *arguments = json.loads(said("HEALTHCHECK")[0].partition("CMD ")[2])
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env={"PORT": str(runner.addresses[0][1])}, stderr=asyncio.subprocess.DEVNULL
    )

    assert (await process.wait(), paths) == (code, ["/healthz"])
    await runner.cleanup()


def test_unit__lets_the_bot_finish_and_does_not_start_it_again_with_wrong_settings() -> None:
    (patience,) = of_unit("TimeoutStopSec")

    assert int(patience) > LONGEST_STOP > DRAIN + 2 * CLOSE > BEGUN
    assert of_unit("RestartPreventExitStatus") == ["2"]
    assert of_unit("Restart") == ["always"]


def test_unit__keeps_the_database_in_a_folder_of_its_own_that_stays() -> None:
    (name,) = of_unit("StateDirectory")
    (variable,) = of_unit("Environment")
    settings = read_settings(dict([variable.split("=", 1)]) | dict.fromkeys(REQUIRED, "U0OLIVIA01"))

    assert settings.database_path
    assert str(settings.database_path.parent) == f"/var/lib/{name}"
    assert of_unit("DynamicUser") == ["yes"]
    assert UNIT.index("\nEnvironment=") < UNIT.index("\nEnvironmentFile="), "the file may say PostgreSQL instead"


async def test_unit__is_one_that_systemd_takes(tmp_path: Path) -> None:
    verify = shutil.which("systemd-analyze")
    if verify is None:
        pytest.skip("systemd-analyze is not here")
    unit = tmp_path / "purecloud-bot.service"
    installed = UNIT.replace(of_unit("ExecStart")[0].split()[0], sys.executable)
    complaints = []
    for text in (installed, installed.replace("RestrictRealtime=yes", "RestrictRealtime=perhaps")):
        unit.write_text(text)
        process = await asyncio.create_subprocess_exec(verify, "verify", unit, stderr=asyncio.subprocess.PIPE)
        _, said_of_all = await process.communicate()
        complaints.append([line for line in said_of_all.decode().splitlines() if unit.name in line])

    assert complaints[0] == []
    assert "perhaps" in complaints[1][0]


def test_page__shows_environments_that_the_bot_takes() -> None:
    shown = examples()

    assert len(shown) == 1
    assert shown[0].keys() >= REQUIRED
    assert read_settings(shown[0]).approvers
    assert not any(fnmatch.fnmatch(value, "*[ \"']*") for value in shown[0].values()), "Docker, systemd and env differ"


def test_page__names_the_files_and_folders_of_the_unit_and_the_image() -> None:
    named = [*of_unit("EnvironmentFile"), *of_unit("WorkingDirectory"), *json.loads(said("VOLUME")[0])]

    assert [name for name in named if name not in PAGE] == []
