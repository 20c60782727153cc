"""Turn the sentences of the catalog into rich text.

Only a sentence has markup: `*bold*`, `` `code` `` and `:emoji:`. What replaces a placeholder has none, so it may be
text that people wrote.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from string import Formatter

from bot.visible_text import visible_text
from handlers.messages import CHANNEL, USER, Catalog
from handlers.ui.blocks import channel_mention, escape, group_mention, user_mention
from handlers.ui.rich_text import Element, channel, emoji, user, words

Value = str | Element | Sequence[Element]
"""What replaces a placeholder: words, or elements such as a mention or a link."""

_MARKUP = re.compile(r"([*`]|:[a-z_]+:)")
_STYLES = {"*": "bold", "`": "code"}


def sentence(catalog: Catalog, code: str, **values: Value) -> list[Element]:
    """Return a sentence; a placeholder without a value becomes "?"."""
    return _elements(catalog.template(code), {"contact": _contact(catalog), **values})


def sentences(catalog: Catalog, code: str, **values: Value) -> list[list[Element]]:
    """Return the lines of a text that has several."""
    named = {"contact": _contact(catalog), **values}
    return [_elements(line, named) for line in catalog.template(code).splitlines()]


def _contact(catalog: Catalog) -> Value:
    """Return whom to ask, as a mention if it is an id."""
    contact = catalog.contact
    if USER.fullmatch(contact):
        return user(contact)
    return channel(contact) if CHANNEL.fullmatch(contact) else contact


def as_mrkdwn(elements: Sequence[Element]) -> str:
    """Return the words of elements for a notification, in Slack's markup."""
    return "".join(_mrkdwn(element) for element in elements)


def _mrkdwn(element: Element) -> str:
    if element["type"] == "user":
        return user_mention(element["user_id"])
    if element["type"] == "usergroup":
        return group_mention(element["usergroup_id"])
    if element["type"] == "channel":
        return channel_mention(element["channel_id"])
    text = escape(str(element.get("text") or element.get("fallback") or ""))
    return f"`{text.replace('`', chr(39))}`" if element.get("style", {}).get("code") else text


def _elements(template: str, values: dict[str, Value]) -> list[Element]:
    elements: list[Element] = []
    style: dict[str, bool] = {}
    for literal, name, _, _ in Formatter().parse(template):
        for part in _MARKUP.split(literal):
            if part in _STYLES:
                style[_STYLES[part]] = not style.get(_STYLES[part])
            elif _MARKUP.fullmatch(part):
                elements.append(emoji(part.strip(":")))
            elif part:
                _append(elements, words(part, **style))
        for element in _value(values.get(name, "?"), style) if name else ():
            _append(elements, element)
    return elements


def _value(value: Value, style: dict[str, bool]) -> Sequence[Element]:
    if isinstance(value, str):
        text = visible_text(value)
        return [words(text, **style)] if text else []
    return [value] if isinstance(value, dict) else value


def _append(elements: list[Element], element: Element) -> None:
    """Append an element, or its words to the words before it if they have the same style."""
    last = elements[-1] if elements else {}
    if last.get("type") == element["type"] == "text" and last.get("style") == element.get("style"):
        elements[-1] = last | {"text": f"{last['text']}{element['text']}"}
    else:
        elements.append(element)
