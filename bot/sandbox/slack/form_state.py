"""What a user filled in in a modal, as Slack sends it in `view.state.values`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.sandbox.slack.delivery import NotPossibleInSlack

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    Block = Mapping[str, Any]
    Values = dict[str, dict[str, Any]]

VALUE_KEYS = {
    "plain_text_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "number_input": "value",
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "static_select": "selected_option",
    "external_select": "selected_option",
    "radio_buttons": "selected_option",
    "multi_static_select": "selected_options",
    "multi_external_select": "selected_options",
    "checkboxes": "selected_options",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "file_input": "files",
    "rich_text_input": "rich_text_value",
}
"""The key of an element's value in the state, by the element's type (docs.slack.dev, "Block elements")."""

_LISTS = frozenset({"selected_users", "selected_conversations", "selected_channels", "selected_options", "files"})


def state_values(view: Mapping[str, Any], given: Mapping[str, Any]) -> Values:
    """Return the state of a view's inputs.

    `given` maps a block_id to what the user entered: a text, a user id, the `value` of an option or a list of these.
    A mapping by action_id is taken as it is. Other inputs have their initial value. Raises NotPossibleInSlack for an
    unknown block.
    """
    blocks = {block["block_id"]: block for block in _inputs(view)}
    values = {block_id: {block["element"]["action_id"]: _initial(block)} for block_id, block in blocks.items()}
    for block_id, value in given.items():
        if isinstance(value, dict):
            values[block_id] = value
        elif block_id in blocks:
            element = blocks[block_id]["element"]
            values[block_id] = {element["action_id"]: _entered(element, value)}
        else:
            raise NotPossibleInSlack(f"The modal has no input {block_id!r}.")
    return values


def missing(view: Mapping[str, Any], values: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the block_ids of required inputs without a value."""
    return [block["block_id"] for block in _inputs(view) if not block.get("optional") and not _has_value(block, values)]


def _inputs(view: Mapping[str, Any]) -> Iterator[Block]:
    return (block for block in view["blocks"] if block["type"] == "input")


def _has_value(block: Block, values: Mapping[str, Mapping[str, Any]]) -> bool:
    element = block["element"]
    state = values.get(block["block_id"], {}).get(element["action_id"], {})
    return bool(state.get(_key(element)))


def _key(element: Mapping[str, Any]) -> str:
    return VALUE_KEYS.get(element["type"], "value")


def _initial(block: Block) -> dict[str, Any]:
    element = block["element"]
    key = _key(element)
    name = "initial_value" if key == "value" else key.replace("selected_", "initial_")
    return {"type": element["type"], key: element.get(name, [] if key in _LISTS else None)}


def _entered(element: Mapping[str, Any], value: object) -> dict[str, Any]:
    key = _key(element)
    if key == "selected_option":
        value = _option(element, value)
    elif key == "selected_options" and isinstance(value, list):
        value = [_option(element, one) for one in value]
    return {"type": element["type"], key: value}


def _option(element: Mapping[str, Any], value: object) -> object:
    """Return the option with this value; an option that is not offered cannot be selected."""
    groups = element.get("option_groups") or [{"options": element.get("options", [])}]
    options = (option for group in groups for option in group["options"])
    found = next((option for option in options if option["value"] == value), None)
    if found is None:
        raise NotPossibleInSlack(f"There is no option {value!r}.")
    return found
