"""Read secrets from files, so that they need not be in the environment."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bot.errors import SettingsError

SUFFIX = "_FILE"
"""What the name of a secret's variable ends with when it holds a path, as in SLACK_BOT_TOKEN_FILE."""

MAX_SIZE = 65_536
"""Maximum size of a file, in bytes. A path such as /dev/zero must not fill the memory."""


def read_secret_files(environ: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """Return the secrets that `<NAME>_FILE` names by a path, by NAME and without surrounding white space.

    A blank variable counts as not set. Raises SettingsError with one line per file. A line shows neither the path nor
    the content, because a path may be a secret that was set in the wrong variable.
    """
    found: dict[str, str] = {}
    problems: list[str] = []
    for name in sorted(names):
        path = environ.get(f"{name}{SUFFIX}", "").strip()
        if not path:
            continue
        if environ.get(name, "").strip():
            problems.append(f"{name}{SUFFIX}: {name} is set too; set only one of the two")
            continue
        try:
            found[name] = _read(path)
        except ValueError as error:
            problems.append(f"{name}{SUFFIX}: {error}")
    if problems:
        raise SettingsError(problems)
    return found


def _read(path: str) -> str:
    """Return the content of a file. Raises ValueError with a message for the user."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 - Path collapses what the user wrote, such as a final slash
            content = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise ValueError(f"the file cannot be read ({error.strerror})") from None
    except ValueError:  # a character that no path may have
        raise ValueError("it is not a path") from None
    if len(content) > MAX_SIZE:
        raise ValueError(f"the file is larger than {MAX_SIZE} bytes")
    try:
        text = content.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8") from None
    if not text:
        raise ValueError("the file is empty")
    if len(text.splitlines()) > 1:
        raise ValueError("the file has more than one line; write the value alone")
    return text
