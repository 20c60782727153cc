"""Whom a line names: exactly one person, or a refusal that says what was found instead."""

from __future__ import annotations

import html
import re

from bot.domain.policy import DenialCode, Denied
from bot.services.requesting import TargetRef

_TARGET = re.compile(
    r"<@(?P<member>[UW][A-Z0-9]+)(?:\|[^>]*)?>"
    r"|<mailto:(?P<mailto>[^|>\s]+)(?:\|[^>]*)?>"
    r"|(?<![\w@])(?P<email>[^\s<>@\"'“”‘’(),;:|]+@[\w-]+(?:\.[\w-]+)+)"  # noqa: RUF001 - quotes of a phone
    r"|(?<!\w)(?P<person>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?!\w|-\w)"
    r"|(?<![\w@])(?P<bare>[UW](?=[A-Z0-9]*[0-9])[A-Z0-9]{8,})(?!\w)"
)
_MANY = re.compile(r"<!(?:subteam\^|here|channel|everyone)[^>]*>")
_CHANNEL = re.compile(r"<#[CG][A-Z0-9]+(?:\|[^>]*)?>")
_PLAIN_NAME = re.compile(r"(?<!\w)@\w[\w.-]*")
_QUOTES = "\"'“”‘’"  # noqa: RUF001 - Slack on a phone types curly ones


def read_line(line: str) -> tuple[TargetRef, str]:
    """Read `@user reason`, `e-mail reason` or `Genesys user id reason`; returns the one wanted and the reason.

    A second person anywhere in the line, also in what may be meant as a reason, is refused: never silently the first.
    """
    found = list(_TARGET.finditer(line))
    names = {_wanted(match): match[0] for match in found}
    plain = _PLAIN_NAME.findall(_TARGET.sub(" ", line))
    if _MANY.search(line):
        raise Denied(DenialCode.TARGET_IS_A_GROUP)
    if len(names) + len(plain) > 1:
        raise Denied(
            DenialCode.SEVERAL_TARGETS, count=str(len(names) + len(plain)), names=_listed([*names.values(), *plain])
        )
    if plain:
        raise Denied(DenialCode.TARGET_IS_A_PLAIN_NAME, word=plain[0])
    if not found or line[: found[0].start()].strip(_QUOTES + " "):
        raise _not_a_target(line)
    wanted = next(iter(names))
    return wanted, _reason(_TARGET.sub("", line))


def _wanted(match: re.Match[str]) -> TargetRef:
    groups = match.groupdict()
    if groups["person"]:
        return TargetRef(person=groups["person"].lower())
    if groups["member"] or groups["bare"]:
        return TargetRef(member=groups["member"] or groups["bare"])
    return TargetRef(email=html.unescape(groups["mailto"] or groups["email"]).lower())


def _not_a_target(line: str) -> Denied:
    word = line.split(maxsplit=1)[0] if line.split() else ""
    if not word:
        return Denied(DenialCode.TARGET_MISSING)
    if _CHANNEL.match(line):
        return Denied(DenialCode.TARGET_IS_A_CHANNEL)
    return Denied(DenialCode.TARGET_UNREADABLE, word=html.unescape(word)[:80].replace("`", "'"))


def _reason(rest: str) -> str:
    """What remains, as it was typed: Slack sends `&`, `<` and `>` as entities."""
    return html.unescape(rest.strip().strip(_QUOTES + " ").lstrip(",:;- ")).strip()


def _listed(words: list[str]) -> str:
    shown = [html.unescape(word).strip("<>").split("|")[-1].removeprefix("mailto:") for word in words[:5]]
    return ", ".join(shown) + (" …" if len(words) > len(shown) else "")
