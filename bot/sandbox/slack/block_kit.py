"""Validates messages and views (docs.slack.dev, "Block Kit reference")."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Part = Mapping[str, Any]
Problems = Iterator[str]
Check = Callable[[str, Part], Problems]
"""A check of one block or element; its first argument is the path that problems name."""

MAX_BLOCKS = 50
MAX_VIEW_BLOCKS = 100
MAX_TEXT = 40_000
"""Maximum length of a message's top-level text, in characters."""
_MAX_ID = 255
_VIEW_STRINGS = {"private_metadata": 3000, "callback_id": _MAX_ID, "external_id": _MAX_ID}
"""Maximum length of a view's own strings, in characters."""
_STYLES = {"primary", "danger"}
_RICH_TEXT_PARTS = {"rich_text_section", "rich_text_list", "rich_text_quote", "rich_text_preformatted"}
_RICH_TEXT_ELEMENTS: Mapping[str, Mapping[str, type]] = {
    "text": {"text": str},
    "link": {"url": str},
    "user": {"user_id": str},
    "usergroup": {"usergroup_id": str},
    "channel": {"channel_id": str},
    "emoji": {"name": str},
    "date": {"timestamp": int, "format": str},
}
"""The elements of rich text, and their required fields."""


def problems(message: Part) -> list[str]:
    """Return the problems of a message with `text` and `blocks`, one sentence each.

    Unlike Slack, this requires a top-level text beside blocks, because notifications and screen readers use it.
    """
    return [*_top_level(message.get("text")), *block_problems(message.get("blocks") or [])]


def block_problems(blocks: object, maximum: int = MAX_BLOCKS) -> list[str]:
    """Return the problems of a list of blocks."""
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        return ["blocks: must be a list of objects."]
    found = list(_limit("blocks", "blocks", len(blocks), maximum))
    found += _unique("blocks", "block_id", blocks)
    for index, block in enumerate(blocks):
        found += _block(f"blocks[{index}]", block)
    return found


def view_problems(view: object, kind: str) -> list[str]:
    """Return the problems of a view of the type `home` or `modal`."""
    if not isinstance(view, Mapping) or view.get("type") != kind:
        return [f"view: must be a view of type {kind!r}."]
    blocks = view.get("blocks")
    if not isinstance(blocks, list) or not all(isinstance(block, Mapping) for block in blocks):
        return ["view.blocks: must be a list of objects."]
    found = list(_view_fields(view, kind))
    inputs = [(index, block) for index, block in enumerate(blocks) if block.get("type") == "input"]
    for index, block in inputs:
        found += _input(f"view.blocks[{index}] (input)", block)
    if inputs and kind == "modal" and "submit" not in view:
        found.append("view.submit: is required because the view has input blocks.")
    found += _unique("view.blocks", "block_id", [block for _, block in inputs])
    others = [block for block in blocks if block.get("type") != "input"]
    return found + block_problems(others, MAX_VIEW_BLOCKS - len(inputs))


def _view_fields(view: Part, kind: str) -> Problems:
    for key in ("title", "submit", "close") if kind == "modal" else ():
        if key == "title" or key in view:
            yield from _plain_text(f"view.{key}", view.get(key), 24)
    for key, maximum in _VIEW_STRINGS.items():
        if view.get(key):
            yield from _string(f"view.{key}", view[key], maximum)


def _input(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"label", "element", "hint", "optional", "dispatch_action"})
    yield from _plain_text(f"{path}.label", block.get("label"), 2000)
    if not isinstance(block.get("element"), Mapping) or not isinstance(block["element"].get("type"), str):
        yield f"{path}.element: must be an element with a type."


def _top_level(text: object) -> Problems:
    if not isinstance(text, str) or not text.strip():
        yield "text: is required because notifications and screen readers use it instead of the blocks."
    else:
        yield from _limit("text", "characters", len(text), MAX_TEXT)


def _block(path: str, block: Part) -> Problems:
    kind = block.get("type")
    check = _BLOCKS.get(kind) if isinstance(kind, str) else None
    if check is None:
        yield f"{path}: {kind!r} is not a block for messages."
        return
    if "block_id" in block:
        yield from _string(f"{path}.block_id", block["block_id"], _MAX_ID)
    yield from check(f"{path} ({kind})", block)


def _section(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"text", "fields", "accessory", "expand"})
    if "text" not in block and "fields" not in block:
        yield f"{path}: text or fields is required."
    if "text" in block:
        yield from _text(f"{path}.text", block["text"], 3000)
    if "fields" in block:
        fields = block["fields"]
        yield from _list(f"{path}.fields", fields, 10)
        for index, field in enumerate(fields if isinstance(fields, list) else []):
            yield from _text(f"{path}.fields[{index}]", field, 2000)
    if "accessory" in block:
        yield from _element(f"{path}.accessory", block["accessory"], _ACCESSORIES)


def _header(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"text"})
    yield from _plain_text(f"{path}.text", block.get("text"), 150)


def _actions(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"elements"})
    elements = block.get("elements")
    yield from _list(f"{path}.elements", elements, 25)
    if isinstance(elements, list):
        yield from _unique(path, "action_id", elements)
        for index, element in enumerate(elements):
            yield from _element(f"{path}.elements[{index}]", element, _INTERACTIVE)


def _context(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"elements"})
    elements = block.get("elements")
    yield from _list(f"{path}.elements", elements, 10)
    for index, element in enumerate(elements if isinstance(elements, list) else []):
        if isinstance(element, Mapping) and element.get("type") == "image":
            yield from _image_element(f"{path}.elements[{index}]", element)
        else:
            yield from _text(f"{path}.elements[{index}]", element, 3000)


def _divider(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, set())


def _image(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"image_url", "slack_file", "alt_text", "title"})
    yield from _string(f"{path}.alt_text", block.get("alt_text"), 2000)
    if "title" in block:
        yield from _plain_text(f"{path}.title", block["title"], 2000)


def _rich_text(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"elements"})
    elements = block.get("elements")
    if not isinstance(elements, list):
        yield f"{path}.elements: must be a list."
        return
    for index, element in enumerate(elements):
        yield from _rich_text_part(f"{path}.elements[{index}]", element)


def _rich_text_part(path: str, part: object) -> Problems:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if not isinstance(part, Mapping) or kind not in _RICH_TEXT_PARTS:
        yield f"{path}: {kind!r} is not allowed here."
        return
    if not isinstance(part.get("elements"), list) or not part["elements"]:
        yield f"{path}.elements: must be a list that is not empty."
        return
    if kind == "rich_text_list" and part.get("style") not in {"bullet", "ordered"}:
        yield f"{path}.style: must be bullet or ordered."
    for index, element in enumerate(part["elements"]):
        if kind == "rich_text_list":
            yield from _rich_text_part(f"{path}.elements[{index}]", element)
        else:
            yield from _rich_text_element(f"{path}.elements[{index}]", element)


def _rich_text_element(path: str, element: object) -> Problems:
    kind = element.get("type") if isinstance(element, Mapping) else None
    required = _RICH_TEXT_ELEMENTS.get(str(kind))
    if not isinstance(element, Mapping) or required is None:
        yield f"{path}: {kind!r} is not allowed here."
        return
    for name, expected in required.items():
        if not isinstance(element.get(name), expected) or element[name] == "":
            yield f"{path}.{name}: is required."


def _markdown(path: str, block: Part) -> Problems:
    yield from _known_keys(path, block, {"text"})
    yield from _string(f"{path}.text", block.get("text"), 12_000)


def _element(path: str, element: object, allowed: Mapping[str, Check]) -> Problems:
    kind = element.get("type") if isinstance(element, Mapping) else None
    if not isinstance(element, Mapping) or not isinstance(kind, str) or kind not in allowed:
        yield f"{path}: {kind!r} is not allowed here."
        return
    if "action_id" in element:
        yield from _string(f"{path}.action_id", element["action_id"], _MAX_ID)
    if "confirm" in element:
        yield from _confirm(f"{path}.confirm", element["confirm"])
    yield from allowed[kind](f"{path} ({kind})", element)


def _button(path: str, button: Part) -> Problems:
    known = {"text", "action_id", "value", "url", "style", "confirm", "accessibility_label"}
    yield from _known_keys(path, button, known)
    yield from _plain_text(f"{path}.text", button.get("text"), 75)
    for key, maximum in (("value", 2000), ("url", 3000), ("accessibility_label", 75)):
        if key in button:
            yield from _string(f"{path}.{key}", button[key], maximum)
    yield from _style(path, button)


def _overflow(path: str, menu: Part) -> Problems:
    yield from _known_keys(path, menu, {"action_id", "options", "confirm"})
    options = menu.get("options")
    yield from _list(f"{path}.options", options, 5)
    for index, option in enumerate(options if isinstance(options, list) else []):
        if not isinstance(option, Mapping):
            yield f"{path}.options[{index}]: must be an object."
            continue
        yield from _plain_text(f"{path}.options[{index}].text", option.get("text"), 75)
        yield from _string(f"{path}.options[{index}].value", option.get("value"), 150)


def _image_element(path: str, image: Part) -> Problems:
    yield from _string(f"{path}.alt_text", image.get("alt_text"), 2000)


def _unchecked(_path: str, _element: Part) -> Problems:
    """Accept menus and pickers, because the bot's messages have none."""
    return iter(())


def _confirm(path: str, confirm: object) -> Problems:
    if not isinstance(confirm, Mapping):
        yield f"{path}: must be an object."
        return
    yield from _known_keys(path, confirm, {"title", "text", "confirm", "deny", "style"})
    yield from _plain_text(f"{path}.title", confirm.get("title"), 100)
    yield from _text(f"{path}.text", confirm.get("text"), 300)
    yield from _plain_text(f"{path}.confirm", confirm.get("confirm"), 30)
    yield from _plain_text(f"{path}.deny", confirm.get("deny"), 30)
    yield from _style(path, confirm)


def _style(path: str, part: Part) -> Problems:
    if "style" in part and part["style"] not in _STYLES:
        yield f"{path}.style: {part['style']!r} is neither primary nor danger."


def _plain_text(path: str, text: object, maximum: int) -> Problems:
    if isinstance(text, Mapping) and text.get("type") == "mrkdwn":
        yield f"{path}: must be plain_text, not mrkdwn."
    else:
        yield from _text(path, text, maximum)


def _text(path: str, text: object, maximum: int) -> Problems:
    kind = text.get("type") if isinstance(text, Mapping) else None
    if not isinstance(text, Mapping) or kind not in {"plain_text", "mrkdwn"}:
        yield f"{path}: must be a text object, plain_text or mrkdwn."
        return
    yield from _known_keys(path, text, {"text", "emoji" if kind == "plain_text" else "verbatim"})
    yield from _string(f"{path}.text", text.get("text"), maximum)


def _string(path: str, value: object, maximum: int) -> Problems:
    if not isinstance(value, str) or not value:
        yield f"{path}: must be a string that is not empty."
    else:
        yield from _limit(path, "characters", len(value), maximum)


def _list(path: str, value: object, maximum: int) -> Problems:
    if not isinstance(value, list) or not value:
        yield f"{path}: must be a list that is not empty."
    else:
        yield from _limit(path, "items", len(value), maximum)


def _limit(path: str, what: str, count: int, maximum: int) -> Problems:
    if count > maximum:
        yield f"{path}: {count} {what} exceed the limit of {maximum}."


def _known_keys(path: str, part: Part, known: set[str]) -> Problems:
    for key in sorted(part.keys() - known - {"type", "block_id"}):
        yield f"{path}: unknown key {key!r}."


def _unique(path: str, key: str, parts: list[Any]) -> Problems:
    seen: set[str] = set()
    for value in (part[key] for part in parts if isinstance(part, Mapping) and key in part):
        if value in seen:
            yield f"{path}: duplicate {key} {value!r}."
        seen.add(value)


_BLOCKS: dict[str, Check] = {
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
_INTERACTIVE: dict[str, Check] = {
    "button": _button,
    "overflow": _overflow,
    **dict.fromkeys((*_MENUS, "radio_buttons", "timepicker", "external_select", "datetimepicker"), _unchecked),
}
_ACCESSORIES = _INTERACTIVE | {"image": _image_element}
