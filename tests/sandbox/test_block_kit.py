"""The limits of Block Kit, each met by a message just over it."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models import blocks as official

from bot.sandbox.slack.block_kit import block_problems, problems


def plain(text: object) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: object) -> dict[str, Any]:
    return {"type": "mrkdwn", "text": text}


def section(**parts: object) -> dict[str, Any]:
    return {"type": "section", "text": mrkdwn("Hello"), **parts}


def button(**parts: object) -> dict[str, Any]:
    return {"type": "button", "action_id": "go", "text": plain("Go"), **parts}


def actions(*elements: object) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def confirm(**parts: object) -> dict[str, Any]:
    words = {"title": plain("Sure?"), "text": mrkdwn("It cannot be undone."), "confirm": plain("Do it")}
    return words | {"deny": plain("Leave it"), "style": "danger"} | parts


def overflow(*options: object) -> dict[str, Any]:
    return {"type": "overflow", "action_id": "more", "options": list(options)}


OPTION = {"text": plain("One"), "value": "1"}

FINE = [
    [],
    [section(fields=[plain("a"), mrkdwn("b")], accessory=button(), expand=True)],
    [section(accessory={"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"})],
    [{"type": "header", "text": plain("x" * 150)}, {"type": "divider"}],
    [actions(button(value="x" * 2000, style="danger", confirm=confirm()), overflow(OPTION))],
    [actions({"type": "users_select", "action_id": "who", "placeholder": plain("Who?")})],
    [{"type": "context", "elements": [mrkdwn("a"), {"type": "image", "image_url": "https://e.com", "alt_text": "a"}]}],
    [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a", "title": plain("A")}],
    [{"type": "rich_text", "elements": []}, {"type": "markdown", "text": "**hello**"}],
    [section(block_id="a"), section(block_id="b")],
    [actions(button()), actions(button())],
]

REFUSED: list[tuple[object, str]] = [
    ("blocks", "blocks: must be a list of objects."),
    (["block"], "blocks: must be a list of objects."),
    ([section()] * 51, "blocks: 51 blocks, at most 50 are allowed."),
    ([section(block_id="a"), section(block_id="a")], "blocks: the block_id 'a' stands there twice."),
    ([section(block_id="x" * 256)], "blocks[0].block_id: 256 characters, at most 255 are allowed."),
    ([{"type": "alert"}], "blocks[0]: 'alert' is no block that messages may hold."),
    ([{}], "blocks[0]: None is no block that messages may hold."),
    ([{"type": "section"}], "blocks[0] (section): text or fields is needed."),
    ([section(text="Hello")], "blocks[0] (section).text: a text object is needed, plain_text or mrkdwn."),
    ([section(text=mrkdwn(""))], "blocks[0] (section).text.text: must be a text that is not empty."),
    ([section(text=mrkdwn("x" * 3001))], "blocks[0] (section).text.text: 3001 characters, at most 3000 are allowed."),
    ([section(text={**mrkdwn("x"), "emoji": True})], "blocks[0] (section).text: 'emoji' is not known there."),
    ([section(fields=[])], "blocks[0] (section).fields: must be a list that is not empty."),
    ([section(fields=[plain("x")] * 11)], "blocks[0] (section).fields: 11 entries, at most 10 are allowed."),
    (
        [section(fields=[plain("x" * 2001)])],
        "blocks[0] (section).fields[0].text: 2001 characters, at most 2000 are allowed.",
    ),
    ([section(accessory={"type": "section"})], "blocks[0] (section).accessory: 'section' cannot stand here."),
    ([section(color="red")], "blocks[0] (section): 'color' is not known there."),
    (
        [{"type": "header", "text": mrkdwn("x")}],
        "blocks[0] (header).text: plain_text is needed here, not mrkdwn.",
    ),
    (
        [{"type": "header", "text": plain("x" * 151)}],
        "blocks[0] (header).text.text: 151 characters, at most 150 are allowed.",
    ),
    ([actions()], "blocks[0] (actions).elements: must be a list that is not empty."),
    (
        [actions(*[button(action_id=str(number)) for number in range(26)])],
        "blocks[0] (actions).elements: 26 entries, at most 25 are allowed.",
    ),
    ([actions(button(), button())], "blocks[0] (actions): the action_id 'go' stands there twice."),
    ([actions("button")], "blocks[0] (actions).elements[0]: None cannot stand here."),
    (
        [{"type": "context", "elements": [mrkdwn("x")] * 11}],
        "blocks[0] (context).elements: 11 entries, at most 10 are allowed.",
    ),
    ([{"type": "divider", "text": "x"}], "blocks[0] (divider): 'text' is not known there."),
    ([{"type": "image"}], "blocks[0] (image).alt_text: must be a text that is not empty."),
    ([{"type": "rich_text"}], "blocks[0] (rich_text).elements: must be a list."),
    (
        [{"type": "markdown", "text": "x" * 12_001}],
        "blocks[0] (markdown).text: 12001 characters, at most 12000 are allowed.",
    ),
]

REFUSED_BUTTONS: list[tuple[dict[str, Any], str]] = [
    ({"text": plain("x" * 76)}, "(button).text.text: 76 characters, at most 75 are allowed."),
    ({"text": mrkdwn("Go")}, "(button).text: plain_text is needed here, not mrkdwn."),
    ({"value": "x" * 2001}, "(button).value: 2001 characters, at most 2000 are allowed."),
    ({"value": 7}, "(button).value: must be a text that is not empty."),
    ({"action_id": "x" * 256}, ".action_id: 256 characters, at most 255 are allowed."),
    ({"style": "warning"}, "(button).style: 'warning' is neither primary nor danger."),
    ({"confirm": "sure?"}, ".confirm: must be an object."),
    ({"confirm": confirm(title=plain("x" * 101))}, ".confirm.title.text: 101 characters, at most 100 are allowed."),
    ({"confirm": confirm(text=plain("x" * 301))}, ".confirm.text.text: 301 characters, at most 300 are allowed."),
    ({"confirm": confirm(confirm=plain("x" * 31))}, ".confirm.confirm.text: 31 characters, at most 30 are allowed."),
    ({"confirm": confirm(deny=None)}, ".confirm.deny: a text object is needed, plain_text or mrkdwn."),
    ({"confirm": confirm(style="loud")}, ".confirm.style: 'loud' is neither primary nor danger."),
]


@pytest.mark.parametrize("blocks", FINE)
def test_problems__none_with_what_slack_takes(blocks: list[dict[str, Any]]) -> None:
    assert problems({"text": "Hello", "blocks": blocks}) == []


@pytest.mark.parametrize(("blocks", "sentence"), REFUSED)
def test_problems__each_is_one_sentence_that_names_the_place(blocks: object, sentence: str) -> None:
    assert problems({"text": "Hello", "blocks": blocks}) == [sentence]


@pytest.mark.parametrize(("parts", "sentence"), REFUSED_BUTTONS)
def test_problems__of_a_button(parts: dict[str, Any], sentence: str) -> None:
    [problem] = block_problems([actions(button(**parts))])
    assert problem.startswith("blocks[0] (actions).elements[0]")
    assert problem.endswith(sentence)


def test_problems__of_a_menu() -> None:
    menu = overflow(*[OPTION] * 4, "one", {"text": plain("x" * 76), "value": ""})
    assert block_problems([actions(menu)]) == [
        "blocks[0] (actions).elements[0] (overflow).options: 6 entries, at most 5 are allowed.",
        "blocks[0] (actions).elements[0] (overflow).options[4]: must be an object.",
        "blocks[0] (actions).elements[0] (overflow).options[5].text.text: 76 characters, at most 75 are allowed.",
        "blocks[0] (actions).elements[0] (overflow).options[5].value: must be a text that is not empty.",
    ]


@pytest.mark.parametrize("message", [{}, {"text": ""}, {"text": "  ", "blocks": [section()]}, {"text": None}])
def test_problems__a_message_needs_a_top_level_text(message: dict[str, Any]) -> None:
    [problem] = problems(message)
    assert problem.startswith("text: a top-level text is needed")


def test_problems__a_top_level_text_has_an_end() -> None:
    assert problems({"text": "x" * 40_001}) == ["text: 40001 characters, at most 40000 are allowed."]


def test_problems__none_with_what_the_official_models_write() -> None:
    written = [
        official.HeaderBlock(text="Revoke?"),
        official.SectionBlock(text="Who", fields=["a", "b"]),
        official.ActionsBlock(
            elements=[
                official.ButtonElement(
                    text="Go", action_id="go", confirm=official.ConfirmObject(title="Sure?", text="Really")
                )
            ]
        ),
        official.ContextBlock(elements=[official.MarkdownTextObject(text="by *you*")]),
        official.DividerBlock(),
    ]
    assert block_problems([block.to_dict() for block in written]) == []
