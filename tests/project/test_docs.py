"""README.md and docs/ describe the code as it is."""

from __future__ import annotations

import re
import textwrap
import tomllib
from pathlib import Path

import pytest
import yaml

from bot import __version__
from bot.checks.genesys import ACTION_PERMISSIONS, VIEW_GRANTS, VIEW_QUEUES, VIEW_USERS
from bot.checks.report import as_text
from bot.db.migrate import MIGRATIONS
from bot.domain.actions import ACTIONS, REVOKE
from bot.sandbox.genesys.state import BOT_PERMISSIONS
from bot.settings import SECRETS, Settings
from handlers.commands import READ_ONLY
from tests.support.checks_harness import open_checks_harness
from tests.support.state_diagram import diagram

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
ARCHITECTURE = (ROOT / "docs" / "architecture.md").read_text()
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = ROOT / "docs" / "decisions"
UPGRADING = (ROOT / "docs" / "upgrading.md").read_text()

SCOPES_OF_0_1 = {"commands", "chat:write", "im:write", "users:read", "users:read.email", "usergroups:read"}
SETTINGS_OF_0_1 = {
    "SLACK_BOT_TOKEN", "SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET", "SLACK_API_URL", "PURECLOUD_CLIENT_ID",
    "PURECLOUD_SECRET", "PURECLOUD_ENVIRONMENT", "PURECLOUD_API_URL", "PURECLOUD_LOGIN_URL", "DATABASE_URL", "HOST",
    "PORT", "REQUESTERS", "APPROVERS", "ADMINS", "PROTECTED", "SELF_APPROVAL", "APPROVALS_CHANNEL", "AUDIT_CHANNEL",
    "REQUEST_TTL", "LOG_LEVEL", "LOG_FORMAT",
}  # fmt: skip

MIN_HIGHLIGHTS = 6
"""Highlights of README, so that an empty table does not pass."""

MAX_DECISION_WORDS = 250
"""Half a page; a longer record explains code, which belongs in the code."""


def section(page: str, heading: str) -> str:
    """Return the text of a page below a heading of the second level."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"there is no section {heading}"
    return found[1]


def table_rows(text: str) -> list[list[str]]:
    """Return the cells of every table in a text, without the heads."""
    rows = []
    for lines in re.findall(r"(?:^ *\|.*\n)+", text, re.MULTILINE):
        rows += [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines.splitlines()[2:]]
    return rows


def anchors(page: Path) -> set[str]:
    """Return the anchors that GitHub gives to the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def requirement_names(requirements: list[str]) -> list[str]:
    """Return the names of the packages without extras, versions and markers."""
    return [re.split(r"[\[><=; ]", requirement)[0] for requirement in requirements]


def test_readme__shows_the_proof_of_every_highlight() -> None:
    rows = table_rows(section(README, "Highlights"))
    proofs = {row[0]: re.findall(r"\[`?([^\]`]+)`?\]\(([^)#]+)[^)]*\)", row[1]) for row in rows}
    links = [(name, ROOT / path) for found in proofs.values() for name, path in found]

    assert len(rows) >= MIN_HIGHLIGHTS
    assert [claim for claim, found in proofs.items() if not found] == []
    assert [str(path) for _, path in links if not path.exists()] == []
    assert [name for name, path in links if name.startswith("test_") and not is_test(name, path)] == []


def is_test(name: str, path: Path) -> bool:
    """Return whether a file has this name, or contains a test with this name."""
    return name == path.name or f"def {name}(" in path.read_text()


def test_pages__link_to_tests_that_exist() -> None:
    links = [
        (name, page.parent / path)
        for page in PAGES
        for name, path in re.findall(r"\[`(test_\w+)`\]\(([^)#]+)\)", page.read_text())
    ]

    assert len(links) >= MIN_HIGHLIGHTS
    assert [(name, str(path)) for name, path in links if not is_test(name, path)] == []


def test_readme__lists_every_setting_and_no_other() -> None:
    rows = table_rows(section(README, "Settings"))
    listed = [name for row in rows for name in re.findall(r"`([A-Z_]+)`", row[0])]

    assert sorted(listed) == sorted(str(field.alias) for field in Settings.model_fields.values())


def test_readme__lists_the_file_of_every_secret_and_no_other() -> None:
    listed = re.findall(r"`([A-Z_]+)_FILE`", section(README, "Settings"))

    assert sorted(listed) == sorted(SECRETS)


def test_readme__marks_exactly_the_required_settings_as_required() -> None:
    rows = table_rows(section(README, "Settings"))
    required = {name for row in rows if row[1] == "required" for name in re.findall(r"`(\w+)`", row[0])}

    assert required == {str(field.alias) for field in Settings.model_fields.values() if field.is_required()}


def test_readme__lists_every_command_and_no_other() -> None:
    commands = " ".join(row[0] for row in table_rows(section(README, "What people type")))

    assert sorted(re.findall(r"`/purecloud ([\w-]+)", commands)) == sorted([*READ_ONLY, *ACTIONS])


def test_readme__draws_the_state_table() -> None:
    assert re.findall(r"```mermaid\n(stateDiagram.*?)\n```", README, re.DOTALL) == [diagram()]


def test_readme__lists_exactly_the_permissions_the_client_needs() -> None:
    rows = table_rows(section(README, "To a real workspace"))
    listed = {name for row in rows for name in re.findall(r"^`([a-z:]+)`$", row[0])}

    assert listed == {VIEW_USERS, VIEW_GRANTS, VIEW_QUEUES, *ACTION_PERMISSIONS} == BOT_PERMISSIONS


async def test_readme__shows_the_output_of_check(tmp_path: Path) -> None:
    (example,) = re.findall(r"^ *```text\n(.*?)^ *```", README, re.MULTILINE | re.DOTALL)
    async with open_checks_harness(tmp_path) as harness:
        harness.client.permissions -= {REVOKE.permission}
        report = await harness.check()

    assert textwrap.dedent(example).strip() in as_text(report.results, width=100)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages__link_to_files_and_headings_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]*)(?:#([^)]+))?\)", page.read_text())
    targets = [((page.parent / name) if name else page, anchor) for name, anchor in links]

    assert [str(file) for file, _ in targets if not file.exists()] == []
    assert [anchor for file, anchor in targets if anchor and anchor not in anchors(file)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_pages__name_make_targets_that_exist(page: Path) -> None:
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert set(re.findall(r"(?:`|^)make (\w+)", page.read_text(), re.MULTILINE)) <= targets


def test_pages__name_tests_and_modules_that_exist() -> None:
    named = {
        (page.name, path)
        for page in PAGES
        for path in re.findall(r"`((?:bot|handlers|tests)/[\w/]+(?:\.py)?)(?:::\w+)?`", page.read_text())
    }

    assert named
    assert [(page, path) for page, path in named if "NNNN" not in path and not (ROOT / path).exists()] == []


def test_architecture__shows_every_package_and_only_files_that_exist() -> None:
    (tree,) = re.findall(r"```\n(bot/\n.*?)```", section(ARCHITECTURE, "Packages"), re.DOTALL)
    shown: set[str] = set()
    root = ""
    for line in tree.splitlines():
        names = re.match(r"(\s*)((?:\S+ {1,2})*\S+)(?:\s{3,}|$)", line)
        assert names, line
        if not names[1]:
            root = names[2]
        shown |= {f"{root}{name}" if names[1] else name for name in names[2].split()}
    packages = {
        f"{path.parent.relative_to(ROOT)}/"
        for top in ("bot", "handlers")
        for path in [ROOT / top / "__init__.py", *(ROOT / top).glob("*/__init__.py")]
    }
    modules = {f"bot/{path.name}" for path in (ROOT / "bot").glob("*.py")} - {"bot/__init__.py"}

    assert shown == packages | modules


def test_architecture__gives_a_reason_for_every_dependency_and_lists_no_other() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    rows = table_rows(section(ARCHITECTURE, "Dependencies"))
    listed = [name for row in rows for name in re.split(r", ", row[0])]
    optional = project["optional-dependencies"]

    assert sorted(listed) == sorted(
        requirement_names([*project["dependencies"], *optional["postgres"], *optional["dev"]])
    )
    assert [row for row in rows if len(row[1].split()) < 2] == []


def test_decisions__are_numbered_and_indexed() -> None:
    index = (DECISIONS / "README.md").read_text()
    records = sorted(DECISIONS.glob("0*.md"))

    assert len({record.name[:4] for record in records}) == len(records)  # a gap is a record that is not written yet
    assert re.findall(r"^\| \[(\d{4})\]\(([\w-]+\.md)\) \|", index, re.MULTILINE) == [
        (record.name[:4], record.name) for record in records
    ]


@pytest.mark.parametrize("record", sorted(DECISIONS.glob("0*.md")), ids=lambda record: record.stem)
def test_decision__has_context_decision_and_consequences_on_half_a_page(record: Path) -> None:
    text = record.read_text()

    assert text.startswith(f"# {record.name[:4]}. ")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == ["Context", "Decision", "Consequences"]
    assert all(section(text, heading).strip() for heading in ("Context", "Decision", "Consequences"))
    assert len(text.split()) <= MAX_DECISION_WORDS


def test_upgrading__lists_every_migration_and_each_scope_that_0_1_lacked() -> None:
    notes = section(UPGRADING, "From 0.1 to 0.2")
    manifest = yaml.safe_load((ROOT / "manifest.yml").read_text())

    assert re.findall(r"^\| (\d{4}) \|", notes, re.MULTILINE) == [one.revision for one in MIGRATIONS[1:]]
    assert {one for one in manifest["oauth_config"]["scopes"]["bot"] if f"`{one}`" not in notes} == SCOPES_OF_0_1


def test_upgrading__names_every_setting_that_0_1_lacked() -> None:
    new = {str(field.alias) for field in Settings.model_fields.values()} - SETTINGS_OF_0_1
    tables = " ".join(row[0] for row in table_rows(section(UPGRADING, "From 0.1 to 0.2")))

    assert new - set(re.findall(r"`([A-Z_]+)[`=]", tables)) == set()


def test_changelog__describes_this_version_below_what_is_not_released_yet() -> None:
    headings = re.findall(r"^## (.+)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)

    assert headings[0] == "Unreleased"
    assert re.fullmatch(rf"{re.escape(__version__)} - \d{{4}}-\d\d-\d\d", headings[1])
    assert f"| {__version__.rpartition('.')[0]}.x | yes |" in (ROOT / "SECURITY.md").read_text()


def test_procfile__runs_the_bot() -> None:
    assert re.fullmatch(r"web: python -m bot( serve)?\n", (ROOT / "Procfile").read_text())
