"""Tell what Slack would refuse in a message, as sentences (docs.slack.dev, "Block Kit reference")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]
Sentences = Iterator[str]

MAX_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_TEXT = 40_000
"""Characters of a message's top-level text."""
_MAX_ID = 255
_STYLES = {"primary", "danger"}


def problems(message: Part) -> list[str]:
    """What Slack would refuse in a message with `text` and `blocks`; empty when all is well.

    Stricter than Slack in one thing: the top-level text is asked for even where blocks are sent, because
    notifications and screen readers read it instead of them.
    """
    return [*_top_level(message.get("text")), *block_problems(message.get("blocks") or [])]


def block_problems(blocks: object, most: int = MAX_BLOCKS) -> list[str]:
    """What Slack would refuse in a list of blocks."""
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        return ["blocks: must be a list of objects."]
    found = list(_at_most("blocks", "blocks", len(blocks), most))
    found += _twice("blocks", "block_id", blocks)
    for place, block in enumerate(blocks):
        found += _block(f"blocks[{place}]", block)
    return found


def view_problems(view: object, kind: str) -> list[str]:
    """What Slack would refuse in a view: a `home` tab or a `modal`, which may also hold fields to fill in."""
    if not isinstance(view, Mapping) or view.get("type") != kind:
        return [f"view: a view of the type {kind} is needed."]
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        return ["view.blocks: must be a list of objects."]
    found: list[str] = []
    for key in ("title", "submit", "close") if kind == "modal" else ():
        if key == "title" or key in view:
            found += _plain(f"view.{key}", view.get(key), 24)
    fields = [(place, block) for place, block in enumerate(blocks) if block.get("type") == "input"]
    for place, block in fields:
        found += _input(f"view.blocks[{place}] (input)", block)
    if fields and kind == "modal" and "submit" not in view:
        found.append("view.submit: it is needed where something can be filled in.")
    others = [block for block in blocks if block.get("type") != "input"]
    return found + block_problems(others, MAX_VIEW_BLOCKS - len(fields))


def _input(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"label", "element", "hint", "optional", "dispatch_action"})
    yield from _plain(f"{where}.label", block.get("label"), 2000)
    if not isinstance(block.get("element"), Mapping) or not isinstance(block["element"].get("type"), str):
        yield f"{where}.element: an element with a type is needed."


def _top_level(text: object) -> Sentences:
    if not isinstance(text, str) or not text.strip():
        yield "text: a top-level text is needed; notifications and screen readers read it instead of the blocks."
    else:
        yield from _at_most("text", "characters", len(text), MAX_TEXT)


def _block(where: str, block: Part) -> Sentences:
    kind = block.get("type")
    check = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        yield f"{where}: {kind!r} is no block that messages may hold."
        return
    if "block_id" in block:
        yield from _string(f"{where}.block_id", block["block_id"], _MAX_ID)
    yield from check(f"{where} ({kind})", block)


def _section(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"text", "fields", "accessory", "expand"})
    if "text" not in block and "fields" not in block:
        yield f"{where}: text or fields is needed."
    if "text" in block:
        yield from _text(f"{where}.text", block["text"], 3000)
    if "fields" in block:
        fields = block["fields"]
        yield from _listed(f"{where}.fields", fields, 10)
        for place, field in enumerate(fields if isinstance(fields, list) else []):
            yield from _text(f"{where}.fields[{place}]", field, 2000)
    if "accessory" in block:
        yield from _element(f"{where}.accessory", block["accessory"], _ACCESSORIES)


def _header(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"text"})
    yield from _plain(f"{where}.text", block.get("text"), 150)


def _actions(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"elements"})
    elements = block.get("elements")
    yield from _listed(f"{where}.elements", elements, 25)
    if isinstance(elements, list):
        yield from _twice(where, "action_id", elements)
        for place, element in enumerate(elements):
            yield from _element(f"{where}.elements[{place}]", element, _INTERACTIVE)


def _context(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"elements"})
    elements = block.get("elements")
    yield from _listed(f"{where}.elements", elements, 10)
    for place, element in enumerate(elements if isinstance(elements, list) else []):
        if isinstance(element, Mapping) and element.get("type") == "image":
            yield from _image_element(f"{where}.elements[{place}]", element)
        else:
            yield from _text(f"{where}.elements[{place}]", element, 3000)


def _divider(where: str, block: Part) -> Sentences:
    yield from _only(where, block, set())


def _image(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"image_url", "slack_file", "alt_text", "title"})
    yield from _string(f"{where}.alt_text", block.get("alt_text"), 2000)
    if "title" in block:
        yield from _plain(f"{where}.title", block["title"], 2000)


def _rich_text(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"elements"})
    if not isinstance(block.get("elements"), list):
        yield f"{where}.elements: must be a list."


def _markdown(where: str, block: Part) -> Sentences:
    yield from _only(where, block, {"text"})
    yield from _string(f"{where}.text", block.get("text"), 12_000)


def _element(where: str, element: object, allowed: Mapping[str, Callable[[str, Part], Sentences]]) -> Sentences:
    kind = element.get("type") if isinstance(element, Mapping) else None
    if not isinstance(element, Mapping) or not isinstance(kind, str) or kind not in allowed:
        yield f"{where}: {kind!r} cannot stand here."
        return
    if "action_id" in element:
        yield from _string(f"{where}.action_id", element["action_id"], _MAX_ID)
    if "confirm" in element:
        yield from _confirm(f"{where}.confirm", element["confirm"])
    yield from allowed[kind](f"{where} ({kind})", element)


def _button(where: str, button: Part) -> Sentences:
    yield from _only(where, button, {"text", "action_id", "value", "url", "style", "confirm", "accessibility_label"})
    yield from _plain(f"{where}.text", button.get("text"), 75)
    for key, most in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
        if key in button:
            yield from _string(f"{where}.{key}", button[key], most)
    yield from _style(where, button)


def _overflow(where: str, menu: Part) -> Sentences:
    yield from _only(where, menu, {"action_id", "options", "confirm"})
    options = menu.get("options")
    yield from _listed(f"{where}.options", options, 5)
    for place, option in enumerate(options if isinstance(options, list) else []):
        if not isinstance(option, Mapping):
            yield f"{where}.options[{place}]: must be an object."
            continue
        yield from _plain(f"{where}.options[{place}].text", option.get("text"), 75)
        yield from _string(f"{where}.options[{place}].value", option.get("value"), 150)


def _image_element(where: str, image: Part) -> Sentences:
    yield from _string(f"{where}.alt_text", image.get("alt_text"), 2000)


def _unread(_where: str, _element: Part) -> Sentences:
    """Menus and pickers are let through: only what the cards are made of is measured."""
    return iter(())


def _confirm(where: str, confirm: object) -> Sentences:
    if not isinstance(confirm, Mapping):
        yield f"{where}: must be an object."
        return
    yield from _only(where, confirm, {"title", "text", "confirm", "deny", "style"})
    yield from _plain(f"{where}.title", confirm.get("title"), 100)
    yield from _text(f"{where}.text", confirm.get("text"), 300)
    yield from _plain(f"{where}.confirm", confirm.get("confirm"), 30)
    yield from _plain(f"{where}.deny", confirm.get("deny"), 30)
    yield from _style(where, confirm)


def _style(where: str, part: Part) -> Sentences:
    if "style" in part and part["style"] not in _STYLES:
        yield f"{where}.style: {part['style']!r} is neither primary nor danger."


def _plain(where: str, text: object, most: int) -> Sentences:
    if isinstance(text, Mapping) and text.get("type") == "mrkdwn":
        yield f"{where}: plain_text is needed here, not mrkdwn."
    else:
        yield from _text(where, text, most)


def _text(where: str, text: object, most: int) -> Sentences:
    kind = text.get("type") if isinstance(text, Mapping) else None
    if not isinstance(text, Mapping) or kind not in {"plain_text", "mrkdwn"}:
        yield f"{where}: a text object is needed, plain_text or mrkdwn."
        return
    yield from _only(where, text, {"text", "emoji" if kind == "plain_text" else "verbatim"})
    yield from _string(f"{where}.text", text.get("text"), most)


def _string(where: str, value: object, most: int) -> Sentences:
    if not isinstance(value, str) or not value:
        yield f"{where}: must be a text that is not empty."
    else:
        yield from _at_most(where, "characters", len(value), most)


def _listed(where: str, value: object, most: int) -> Sentences:
    if not isinstance(value, list) or not value:
        yield f"{where}: must be a list that is not empty."
    else:
        yield from _at_most(where, "entries", len(value), most)


def _at_most(where: str, what: str, count: int, most: int) -> Sentences:
    if count > most:
        yield f"{where}: {count} {what}, at most {most} are allowed."


def _only(where: str, part: Part, allowed: set[str]) -> Sentences:
    for key in sorted(part.keys() - allowed - {"type", "block_id"}):
        yield f"{where}: {key!r} is not known there."


def _twice(where: str, key: str, parts: list[Any]) -> Sentences:
    seen: set[str] = set()
    for value in (part[key] for part in parts if isinstance(part, Mapping) and key in part):
        if value in seen:
            yield f"{where}: the {key} {value!r} stands there twice."
        seen.add(value)


_BLOCKS: dict[str, Callable[[str, Part], Sentences]] = {
    "section": _section,
    "header": _header,
    "actions": _actions,
    "context": _context,
    "divider": _divider,
    "image": _image,
    "rich_text": _rich_text,
    "markdown": _markdown,
}
_MENUS = ("static_select", "users_select", "conversations_select", "channels_select", "datepicker", "checkboxes")
_INTERACTIVE: dict[str, Callable[[str, Part], Sentences]] = {
    "button": _button,
    "overflow": _overflow,
    **dict.fromkeys((*_MENUS, "radio_buttons", "timepicker", "external_select", "datetimepicker"), _unread),
}
_ACCESSORIES = _INTERACTIVE | {"image": _image_element}
