"""A message as a person reads it, line by line, so that its words can be reviewed and searched."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

Part = Mapping[str, Any]


def plain(elements: Sequence[Part]) -> str:
    """Return the words of elements of rich text."""
    return "".join(str(element.get("text", "")) for element in elements)


def readable(message: Part) -> str:
    """Show a message: what is notified first, then each block; `|` stands before text shown as it is."""
    lines = [f"notified: {message['text']}"]
    for block in message.get("blocks") or []:
        lines += ["", *_block(block)]
    return "\n".join(lines)


def _block(block: Part) -> Iterator[str]:
    match block["type"]:
        case "header":
            yield f"# {block['text']['text']}"
        case "section" if "fields" in block:
            yield from _text(block["text"]).splitlines() if "text" in block else ()
            labels, values = block["fields"][::2], block["fields"][1::2]
            yield from (f"{_text(one)}  {_text(other)}" for one, other in zip(labels, values, strict=True))
        case "section":
            yield from _text(block["text"]).splitlines()
        case "context":
            yield from (f"({_text(element)})" for element in block["elements"])
        case "actions":
            yield from (_button(element) for element in block["elements"])
        case "rich_text":
            yield from (line for part in block["elements"] for line in _rich_text(part))
        case unknown:
            yield f"?? {unknown}"


def _rich_text(part: Part) -> Iterator[str]:
    match part["type"]:
        case "rich_text_list":
            for number, item in enumerate(part["elements"], start=1):
                mark = "-" if part["style"] == "bullet" else f"{number}."
                yield from (f"{mark} {line}" for line in _rich_text(item))
        case kind:
            mark = "> " if kind == "rich_text_quote" else ""
            line = "".join(_element(element) for element in part["elements"])
            yield from (f"{mark}{one}" for one in line.split("\n"))


_ELEMENTS: Mapping[str, Callable[[Part], str]] = {
    "user": lambda element: f"<@{element['user_id']}>",
    "usergroup": lambda element: f"<!subteam^{element['usergroup_id']}>",
    "channel": lambda element: f"<#{element['channel_id']}>",
    "emoji": lambda element: f":{element['name']}:",
    "date": lambda element: f"{{{element['fallback']}}}",
    "link": lambda element: f"[{element['text']}]({element['url']})",
}


def _element(element: Part) -> str:
    if element["type"] in _ELEMENTS:
        return _ELEMENTS[element["type"]](element)
    style = element.get("style", {})
    mark = "**" if style.get("bold") else "`" if style.get("code") else ""
    return f"{mark}{element['text']}{mark}"


def _text(part: Part) -> str:
    return str(part["text"]) if part["type"] == "mrkdwn" else "\n".join(f"| {one}" for one in part["text"].split("\n"))


def _button(button: Part) -> str:
    shown = f"[{button['text']['text']}] {button['action_id']}={button['value']}"
    if button.get("accessibility_label"):
        shown += f", read as: {button['accessibility_label']}"
    asked = button.get("confirm")
    if not asked:
        return shown
    words = [asked[part]["text"] for part in ("title", "text", "confirm", "deny")]
    style = f" ({button['style']})" if "style" in button else ""
    return f"{shown}{style}, asks: {words[0]} {words[1]} [{words[2]}] [{words[3]}]"


def texts(message: Part, kind: str) -> list[str]:
    """Every text of a kind (`mrkdwn`, `plain_text`), however deep; the top-level text is markup, too."""
    found = [str(message["text"])] if kind == "mrkdwn" else []
    return found + list(_texts(message.get("blocks") or [], kind))


def _texts(part: Any, kind: str) -> Iterator[str]:
    if isinstance(part, Mapping):
        if part.get("type") == kind:
            yield str(part["text"])
        for inner in part.values():
            yield from _texts(inner, kind)
    elif isinstance(part, list):
        for inner in part:
            yield from _texts(inner, kind)


def words(message: Part) -> str:
    """Everything a message says."""
    rich = [line for block in message.get("blocks") or [] if block["type"] == "rich_text" for line in _block(block)]
    return "\n".join([*texts(message, "mrkdwn"), *texts(message, "plain_text"), *rich])


def plain_words(message: Part) -> str:
    """Everything a message says, without the marks for bold and code."""
    return words(message).replace("**", "").replace("`", "")


def buttons(message: Part) -> list[Part]:
    """Every button of a message."""
    return [
        element
        for block in message.get("blocks") or []
        for element in [*block.get("elements", []), block.get("accessory", {})]
        if element.get("type") == "button"
    ]
