"""The rules of Block Kit, each broken by one message."""

from __future__ import annotations

from typing import Any

import pytest
from slack_sdk.models import blocks as official

from bot.sandbox.slack.block_kit import block_problems, problems, view_problems
from tests.sandbox.conftest import card, field, modal


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

VALID = [
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

INVALID: list[tuple[object, str]] = [
    ("blocks", "blocks: must be a list of objects."),
    (["block"], "blocks: must be a list of objects."),
    ([section()] * 51, "blocks: 51 blocks exceed the limit of 50."),
    ([section(block_id="a"), section(block_id="a")], "blocks: duplicate block_id 'a'."),
    ([section(block_id="x" * 256)], "blocks[0].block_id: 256 characters exceed the limit of 255."),
    ([{"type": "alert"}], "blocks[0]: 'alert' is not a block for messages."),
    ([{}], "blocks[0]: None is not a block for messages."),
    ([{"type": "section"}], "blocks[0] (section): text or fields is required."),
    ([section(text="Hello")], "blocks[0] (section).text: must be a text object, plain_text or mrkdwn."),
    ([section(text=mrkdwn(""))], "blocks[0] (section).text.text: must be a string that is not empty."),
    ([section(text=mrkdwn("x" * 3001))], "blocks[0] (section).text.text: 3001 characters exceed the limit of 3000."),
    ([section(text={**mrkdwn("x"), "emoji": True})], "blocks[0] (section).text: unknown key 'emoji'."),
    ([section(fields=[])], "blocks[0] (section).fields: must be a list that is not empty."),
    ([section(fields=[plain("x")] * 11)], "blocks[0] (section).fields: 11 items exceed the limit of 10."),
    (
        [section(fields=[plain("x" * 2001)])],
        "blocks[0] (section).fields[0].text: 2001 characters exceed the limit of 2000.",
    ),
    ([section(accessory={"type": "section"})], "blocks[0] (section).accessory: 'section' is not allowed here."),
    ([section(color="red")], "blocks[0] (section): unknown key 'color'."),
    (
        [{"type": "header", "text": mrkdwn("x")}],
        "blocks[0] (header).text: must be plain_text, not mrkdwn.",
    ),
    (
        [{"type": "header", "text": plain("x" * 151)}],
        "blocks[0] (header).text.text: 151 characters exceed the limit of 150.",
    ),
    ([actions()], "blocks[0] (actions).elements: must be a list that is not empty."),
    (
        [actions(*[button(action_id=str(number)) for number in range(26)])],
        "blocks[0] (actions).elements: 26 items exceed the limit of 25.",
    ),
    ([actions(button(), button())], "blocks[0] (actions): duplicate action_id 'go'."),
    ([actions("button")], "blocks[0] (actions).elements[0]: None is not allowed here."),
    (
        [{"type": "context", "elements": [mrkdwn("x")] * 11}],
        "blocks[0] (context).elements: 11 items exceed the limit of 10.",
    ),
    ([{"type": "divider", "text": "x"}], "blocks[0] (divider): unknown key 'text'."),
    ([{"type": "image"}], "blocks[0] (image).alt_text: must be a string that is not empty."),
    ([{"type": "rich_text"}], "blocks[0] (rich_text).elements: must be a list."),
    (
        [{"type": "markdown", "text": "x" * 12_001}],
        "blocks[0] (markdown).text: 12001 characters exceed the limit of 12000.",
    ),
]

INVALID_BUTTONS: list[tuple[dict[str, Any], str]] = [
    ({"text": plain("x" * 76)}, "(button).text.text: 76 characters exceed the limit of 75."),
    ({"text": mrkdwn("Go")}, "(button).text: must be plain_text, not mrkdwn."),
    ({"value": "x" * 2001}, "(button).value: 2001 characters exceed the limit of 2000."),
    ({"value": 7}, "(button).value: must be a string that is not empty."),
    ({"action_id": "x" * 256}, ".action_id: 256 characters exceed the limit of 255."),
    ({"style": "warning"}, "(button).style: 'warning' is neither primary nor danger."),
    ({"confirm": "sure?"}, ".confirm: must be an object."),
    ({"confirm": confirm(title=plain("x" * 101))}, ".confirm.title.text: 101 characters exceed the limit of 100."),
    ({"confirm": confirm(text=plain("x" * 301))}, ".confirm.text.text: 301 characters exceed the limit of 300."),
    ({"confirm": confirm(confirm=plain("x" * 31))}, ".confirm.confirm.text: 31 characters exceed the limit of 30."),
    ({"confirm": confirm(deny=None)}, ".confirm.deny: must be a text object, plain_text or mrkdwn."),
    ({"confirm": confirm(style="loud")}, ".confirm.style: 'loud' is neither primary nor danger."),
]


@pytest.mark.parametrize("blocks", VALID)
def test_problems__accepts_what_slack_accepts(blocks: list[dict[str, Any]]) -> None:
    assert problems({"text": "Hello", "blocks": blocks}) == []


@pytest.mark.parametrize(("blocks", "sentence"), INVALID)
def test_problems__is_one_sentence_with_the_path(blocks: object, sentence: str) -> None:
    assert problems({"text": "Hello", "blocks": blocks}) == [sentence]


@pytest.mark.parametrize(("parts", "sentence"), INVALID_BUTTONS)
def test_problems__finds_the_problem_of_a_button(parts: dict[str, Any], sentence: str) -> None:
    [problem] = block_problems([actions(button(**parts))])
    assert problem.startswith("blocks[0] (actions).elements[0]")
    assert problem.endswith(sentence)


def test_problems__finds_the_problems_of_an_overflow_menu() -> None:
    menu = overflow(*[OPTION] * 4, "one", {"text": plain("x" * 76), "value": ""})
    assert block_problems([actions(menu)]) == [
        "blocks[0] (actions).elements[0] (overflow).options: 6 items exceed the limit of 5.",
        "blocks[0] (actions).elements[0] (overflow).options[4]: must be an object.",
        "blocks[0] (actions).elements[0] (overflow).options[5].text.text: 76 characters exceed the limit of 75.",
        "blocks[0] (actions).elements[0] (overflow).options[5].value: must be a string that is not empty.",
    ]


@pytest.mark.parametrize("message", [{}, {"text": ""}, {"text": "  ", "blocks": [section()]}, {"text": None}])
def test_problems__requires_a_top_level_text(message: dict[str, Any]) -> None:
    [problem] = problems(message)
    assert problem.startswith("text: is required")


def test_problems__limits_the_top_level_text() -> None:
    assert problems({"text": "x" * 40_001}) == ["text: 40001 characters exceed the limit of 40000."]


def test_problems__accepts_the_official_models() -> None:
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


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ("nothing", "view: must be a view of type 'modal'."),
        (modal(blocks="none"), "view.blocks: must be a list of objects."),
        (modal("x" * 25), "view.title.text: 25 characters exceed the limit of 24."),
        ({**modal(), "submit": None}, "view.submit: must be a text object, plain_text or mrkdwn."),
        (
            {key: part for key, part in modal().items() if key != "submit"},
            "view.submit: is required because the view has input blocks.",
        ),
        (
            modal(blocks=[{**field(), "element": 7}]),
            "view.blocks[0] (input).element: must be an element with a type.",
        ),
        (modal(blocks=[{"type": "divider"}] * 101), "blocks: 101 blocks exceed the limit of 100."),
        (modal(private_metadata="x" * 3001), "view.private_metadata: 3001 characters exceed the limit of 3000."),
        (modal(callback_id="x" * 256), "view.callback_id: 256 characters exceed the limit of 255."),
        (modal(blocks=[field(), field()]), "view.blocks: duplicate block_id 'reason'."),
        (modal(blocks=[{"type": "novelty"}]), "blocks[0]: 'novelty' is not a block for messages."),
    ],
)
def test_view_problems__names_what_slack_rejects(view: object, problem: str) -> None:
    assert view_problems(view, "modal") == [problem]


def test_view_problems__accepts_inputs_that_messages_cannot_have() -> None:
    assert view_problems(modal(blocks=[field(), *card("again")]), "modal") == []
    assert block_problems([field()]) == ["blocks[0]: 'input' is not a block for messages."]
