"""Find environment variables whose names are probably misspelt names of settings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

MIN_LENGTH = 6
"""Minimum length of a name that is compared. Shorter ones, such as HOST and PORT, resemble those of other programs."""

LONG_LENGTH = 8
"""Length from which a name may differ in two places; a shorter one may in one."""

LIST_WORDS = frozenset({"GROUP", "GROUPS", "ID", "IDS", "LIST", "MEMBERS", "PEOPLE", "USER", "USERS"})
"""Words that people add to the name of a setting with a list of people, as in PROTECTED_USERS."""

SYNONYMS = {
    "PURECLOUDREGION": "PURECLOUD_ENVIRONMENT",
    "PURECLOUDDOMAIN": "PURECLOUD_ENVIRONMENT",
    "PURECLOUDHOST": "PURECLOUD_ENVIRONMENT",
    "PURECLOUDCLIENTSECRET": "PURECLOUD_SECRET",
    "PURECLOUDID": "PURECLOUD_CLIENT_ID",
}
"""Names that people expect, because other programs for Genesys Cloud use them."""

NOT_COMPARED = frozenset({"HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"})
"""Settings of many programs, which have relatives such as FTP_PROXY."""


def misspelt_names(environ: Iterable[str], names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Return each variable that resembles, shortens or replaces the name of a setting, with that name.

    Case and underscores do not count.
    """
    compared = {_plain(name): name for name in sorted(names) if name not in NOT_COMPARED and len(name) >= MIN_LENGTH}
    for variable in sorted(environ):
        if variable not in names and variable.upper() not in NOT_COMPARED:
            plain = _plain(variable)
            meant = SYNONYMS.get(plain) or compared.get(_meant(plain, compared) or "")
            if meant:
                yield variable, meant


def _meant(variable: str, names: Collection[str]) -> str | None:
    """Return the name that a variable resembles, shortens or continues."""
    nearest = min(names, key=lambda name: _distance(variable, name))
    if _distance(variable, nearest) <= (2 if len(nearest) >= LONG_LENGTH else 1):
        return nearest
    shortens = len(variable) >= LONG_LENGTH
    for name in names:
        if (shortens and name.startswith(variable)) or _continues(variable, name):
            return name
    return None


def _continues(variable: str, name: str) -> bool:
    return variable.startswith(name) and variable[len(name) :] in LIST_WORDS


def _plain(name: str) -> str:
    return name.upper().replace("_", "").replace("-", "")


def _distance(one: str, other: str) -> int:
    """Return how many letters must be inserted, deleted, replaced or swapped (optimal string alignment)."""
    if abs(len(one) - len(other)) > 2:  # noqa: PLR2004 - more than any name may differ
        return abs(len(one) - len(other))
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, wanted in enumerate(other, 1):
            change = last[column - 1] + (letter != wanted)
            best = min(change, last[column] + 1, current[column - 1] + 1)
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                best = min(best, before[column - 2] + 1)
            current.append(best)
        before, last = last, current
    return last[-1]
