"""Read whom a line names: exactly one person, or the reason why not."""

from __future__ import annotations

import html
import re

from bot.domain.actions import Action
from bot.domain.commands import Invoker, RequestCommand, TargetRef
from bot.domain.denials import DenialCode, Denied

MAX_WORD_LENGTH = 80
"""Characters of an unreadable word that the reply repeats."""

MAX_LISTED_TARGETS = 5

MAX_LINE_LENGTH = 1000
"""Characters of a line; a longer one is denied before it is read."""

# Every repetition that may start anywhere is bounded, so that the time grows linearly with the length of a line.
_TARGET = re.compile(
    r"<@(?P<slack>[UW][A-Z0-9]{1,30})(?:\|[^<>]{0,200})?>"
    r"|<mailto:(?P<mailto>[^|<>\s]{1,254})(?:\|[^<>]{0,300})?>"
    r"|(?<![\w@])(?P<email>[^\s<>@\"'“”‘’(),;:|]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,20})"  # noqa: RUF001 - quotes of a phone
    r"|(?<!\w)(?P<genesys>[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?!\w|-\w)"
    r"|(?<![\w@])(?P<bare>[UW](?=[A-Z0-9]*[0-9])[A-Z0-9]{8,})(?!\w)"
)
_GROUP = re.compile(r"<!(?:subteam\^|here|channel|everyone)[^<>]{0,200}>")
_CHANNEL = re.compile(r"<#[CG][A-Z0-9]{1,30}(?:\|[^<>]{0,200})?>")
_PLAIN_NAME = re.compile(r"(?<!\w)@\w[\w.-]*")
_QUOTES = "\"'“”‘’"  # noqa: RUF001 - Slack on a phone types curly ones


def read_request(action: Action, invoker: Invoker, line: str) -> RequestCommand:
    """Return the command that a line requests. What is wrong with the line becomes its `problem`."""
    if not action.has_target:
        return RequestCommand(action.name, invoker)
    try:
        target, reason = read_line(line)
    except Denied as problem:
        return RequestCommand(action.name, invoker, problem=problem)
    return RequestCommand(action.name, invoker, target, reason)


def read_line(line: str) -> tuple[TargetRef, str]:
    """Read `@user reason`, `email reason` or `Genesys user id reason`; return the target and the reason.

    A second person anywhere in the line is denied, even in the reason, so that the bot never picks the first silently.
    """
    if len(line) > MAX_LINE_LENGTH:
        raise Denied(DenialCode.LINE_TOO_LONG, length=str(len(line)), limit=str(MAX_LINE_LENGTH))
    found = list(_TARGET.finditer(line))
    targets = {_target_ref(match): match[0] for match in found}
    plain = _PLAIN_NAME.findall(_TARGET.sub(" ", line))
    if _GROUP.search(line):
        raise Denied(DenialCode.TARGET_IS_A_GROUP)
    if len(targets) + len(plain) > 1:
        names = _listed([*targets.values(), *plain])
        raise Denied(DenialCode.SEVERAL_TARGETS, count=str(len(targets) + len(plain)), names=names)
    if plain:
        raise Denied(DenialCode.TARGET_IS_A_PLAIN_NAME, word=plain[0])
    if not found or line[: found[0].start()].strip(_QUOTES + " "):
        raise _unreadable(line)
    return next(iter(targets)), _reason(_TARGET.sub("", line))


def _target_ref(match: re.Match[str]) -> TargetRef:
    groups = match.groupdict()
    if groups["genesys"]:
        return TargetRef(genesys_user_id=groups["genesys"].lower())
    if groups["slack"] or groups["bare"]:
        return TargetRef(slack_user_id=groups["slack"] or groups["bare"])
    return TargetRef(email=html.unescape(groups["mailto"] or groups["email"]).lower())


def _unreadable(line: str) -> Denied:
    word = line.split(maxsplit=1)[0] if line.split() else ""
    if not word:
        return Denied(DenialCode.TARGET_MISSING)
    if _CHANNEL.match(line):
        return Denied(DenialCode.TARGET_IS_A_CHANNEL)
    return Denied(DenialCode.TARGET_UNREADABLE, word=html.unescape(word)[:MAX_WORD_LENGTH].replace("`", "'"))


def _reason(rest: str) -> str:
    """Return the rest of a line as it was typed; Slack sends `&`, `<` and `>` as entities."""
    return html.unescape(rest.strip().strip(_QUOTES + " ").lstrip(",:;- ")).strip()


def _listed(words: list[str]) -> str:
    shown = [
        html.unescape(word).strip("<>").split("|")[-1].removeprefix("mailto:") for word in words[:MAX_LISTED_TARGETS]
    ]
    return ", ".join(shown) + (" …" if len(words) > len(shown) else "")
