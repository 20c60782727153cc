"""Bulk requests from what an admin types, pastes or uploads to the card that says how they ended."""

from __future__ import annotations

import csv
import re
from collections import Counter
from uuid import NAMESPACE_URL, uuid5

import pytest

from bot.domain.bulk import BULK_AGAIN
from bot.sandbox import personas
from bot.sandbox.genesys.faults import GenesysFault
from bot.sandbox.genesys.server import CLIENT
from bot.sandbox.genesys.state import GenesysUser, UserSet
from bot.sandbox.slack.faults import SlackFault
from bot.sandbox.slack.workspace import UserGroup
from handlers import revoke_many
from handlers.ui.modals import FILE, PEOPLE, REASON
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness
from tests.support.components import TOM
from tests.support.hostile_files import hostile_files

ENDED = "Revoked: all sessions of 2 people"

VIPS = "S0VIPS0001"


@pytest.mark.parametrize("transport", ["http", "socket"])
async def test_mentions__post_one_card_and_revoke_everyone_after_one_approval(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}> laptops stolen")
    assert "Revoke all sessions of 2 people?" in app.slack.text_of(card)
    assert "Takes about 1 s." in app.slack.text_of(card)
    assert app.deletes == []

    await app.slack.click(personas.OLIVIA, card, "approve")

    await app.wait_for_message(ENDED)
    await app.wait_until_idle()
    assert [one.status for one in app.deletes] == [200, 200]
    assert (await app.audit_tags())[:2] == ["request:asked", "request:approved"]
    assert app.slack.buttons(card) == []


async def test_mentions__by_anyone_else_are_refused(app: AppHarness) -> None:
    await app.send_command(personas.RAVI, f"revoke <@{personas.TOM}> <@{personas.BEN}>")

    await app.wait_for_private_message(personas.RAVI, "Only admins of this bot can name several people")
    assert await app.audit_tags() == ["request:ask_refused"]


async def test_requester__is_left_out_and_named(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.OLIVIA}>")
    assert "Revoke all sessions of one person?" in app.slack.text_of(card)
    assert "'s own account" in app.slack.text_of(card)


async def test_protected_people__need_other_admins(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.PIA}>")
    await app.wait_for_private_message(personas.OLIVIA, "No one could approve this request")  # the only admin
    assert app.deletes == []


async def test_user_group__is_a_list(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke <!subteam^{personas.TOKEN_APPROVERS}|@approvers> phished")
    assert "from the user group" in app.slack.text_of(card)
    assert "phished" in app.slack.text_of(card)


async def test_modal__with_a_pasted_list(app: AppHarness) -> None:
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    listed = f"{TOM.email}, {app.slack.members[personas.BEN].email}\nnone@example.com\nwho?"
    await app.slack.submit_view(personas.OLIVIA, {PEOPLE: listed, REASON: "phished"})

    card = await app.wait_for_message("Revoke all sessions of 2 people?")
    assert "1 unknown in Genesys Cloud, 1 that I can't read" in app.slack.text_of(card)
    assert app.deletes == []


async def test_modal__with_a_file(app: AppHarness) -> None:
    file = app.slack.files.add("phished.csv", f"Name;Email\nTom;{TOM.email}\nX;?\n".encode())
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, {FILE: [app.slack.files.as_slack(file)]})

    card = await app.wait_for_message("Revoke all sessions of one person?")
    assert "from the file phished.csv" in app.slack.text_of(card)


@pytest.mark.parametrize(
    ("values", "block"),
    [({}, PEOPLE), ({PEOPLE: "tom, ann"}, PEOPLE), ({PEOPLE: "tom@example.com", FILE: [{"id": "F1"}]}, FILE)],
)
async def test_modal__shows_what_is_wrong_with_the_input(
    app: AppHarness, values: dict[str, object], block: str
) -> None:
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    delivery = await app.slack.submit_view(personas.OLIVIA, values)

    assert delivery.json["response_action"] == "errors"
    assert list(delivery.json["errors"]) == [block]
    assert app.slack.messages == []


async def test_command__without_people_opens_the_modal(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "revoke-many")
    await app.slack.submit_view(personas.OLIVIA, {PEOPLE: TOM.email})
    await app.wait_for_message("Revoke all sessions of one person?")


async def test_list__without_anyone_is_refused(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, "revoke none@example.com no-one@example.com")
    await app.wait_for_private_message(personas.OLIVIA, "I found no one in Genesys Cloud")
    assert await app.audit_tags() == ["request:ask_refused"]


async def test_failed_people__are_requested_again_with_an_approval_of_their_own(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}> phished")
    app.genesys.fault("delete_token", GenesysFault(status=500, times=None))
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Only 0 of 2 people revoked")
    app.genesys.faults.clear()
    before = len(app.deletes)

    await app.slack.click(personas.OLIVIA, card, BULK_AGAIN)
    again = await app.wait_for_message("Revoke all sessions of 2 people?")
    reference = re.search("reference `([0-9A-Z]{7})`", app.slack.text_of(card))
    assert reference
    source = f"whose revocation failed or is unknown in the request {reference[1]}"
    assert source in app.slack.text_of(again)
    assert "phished" in app.slack.text_of(again)
    assert len(app.deletes) == before
    await app.slack.click(personas.OLIVIA, again, "approve")
    await app.wait_for_message(ENDED)
    assert len(app.deletes) == before + 2


async def test_failed_people__are_requested_again_once_by_two_admins(start_app_with: StartApp) -> None:
    app = await start_app_with(ADMINS=f"{personas.OLIVIA},{personas.BEN}")
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.NADIA}> phished")
    app.genesys.fault("delete_token", GenesysFault(status=500, times=None))
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Only 0 of 2 people revoked")

    await app.slack.click(personas.OLIVIA, card, BULK_AGAIN)
    again = await app.wait_for_message("whose revocation failed or is unknown")
    await app.slack.click(personas.BEN, card, BULK_AGAIN, force=True)
    reply = await app.wait_for_private_message(personas.BEN, "is already about those left by")
    assert "Nothing was changed" in app.slack.text_of(reply)
    tags = await app.audit_tags()
    assert (tags.count("request:asked"), tags.count("request:ask_refused")) == (2, 1)

    await app.slack.click(personas.OLIVIA, again, "cancel")
    await app.wait_until_idle()
    await app.slack.click(personas.BEN, card, BULK_AGAIN, force=True)
    await app.wait_until_idle()
    assert (await app.audit_tags()).count("request:asked") == 3


async def test_failed_people__who_became_protected_need_other_admins(start_app_with: StartApp) -> None:
    app = await start_app_with(PROTECTED=VIPS, ADMINS=f"{personas.OLIVIA},{personas.BEN},{personas.SAM}")
    app.slack.groups[VIPS] = UserGroup(id=VIPS, handle="vips", members=[personas.PIA])
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.NADIA}> phished")
    app.genesys.fault("delete_token", GenesysFault(status=500, times=None))
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Only 0 of 2 people revoked")
    app.slack.groups[VIPS].members.append(personas.TOM)

    await app.slack.click(personas.BEN, card, BULK_AGAIN, force=True)
    again = await app.wait_for_message("Protected: 0 of 2 approvals")
    said = app.slack.text_of(again)
    assert "1 protected" in said
    assert f"two other approvers, not <@{personas.BEN}>" in said


@pytest.mark.parametrize("source", ["pasted", "file", "queue"])
@pytest.mark.parametrize("count", [2, 3])
async def test_limit__is_the_number_of_people_of_one_request(start_app_with: StartApp, source: str, count: int) -> None:
    app = await start_app_with(BULK_LIMIT="2")
    people = [personas.TOM, personas.BEN, personas.NADIA][:count]
    app.genesys.state.queues = [set_of(app, "Agents", *people)]
    addresses = [app.slack.members[one].email or "" for one in people]
    file = app.slack.files.add("list.csv", "\n".join(["email", *addresses]).encode())
    values: dict[str, dict[str, object]] = {
        "pasted": {PEOPLE: "\n".join(addresses)},
        "file": {FILE: [app.slack.files.as_slack(file)]},
        "queue": {PEOPLE: 'queue:"Agents"'},
    }
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, values[source])

    if count == 2:
        await app.wait_for_message("Revoke all sessions of 2 people?")
        return
    reply = await app.wait_for_private_message(personas.OLIVIA, "one request takes 2 at most")
    assert "Nothing was changed" in app.slack.text_of(reply)
    assert await app.audit_tags() == ["request:ask_refused"]
    assert app.genesys.received("search_by_email") == []


async def test_dry_run__shows_the_preview_and_requests_nothing(app: AppHarness) -> None:
    await app.send_command(personas.OLIVIA, f"revoke --dry-run <@{personas.TOM}> <@{personas.BEN}>")
    message = await app.wait_for_private_message(personas.OLIVIA, "Revoke all sessions of 2 people?")
    assert app.slack.buttons(message) == []
    assert "The thread" not in app.slack.text_of(message)  # a dry run has none
    assert await app.audit_tags() == ["request:dry_run"]


async def files_of(app: AppHarness) -> dict[str, list[str]]:
    """Return the lines of the files that the bot has shared, by the end of their names."""
    await app.wait_until_idle()
    shared = [one for one in app.slack.files.stored.values() if one.shared_in]
    return {one.name.partition("-")[2]: one.content.decode("utf-8-sig").splitlines() for one in shared}


async def test_thread__gets_the_list_and_then_the_outcome_of_each_person(app: AppHarness) -> None:
    line = f"revoke {TOM.email}, none@example.com, {app.slack.members[personas.BEN].email} phished"
    card = await app.request_card(personas.OLIVIA, line)
    before = await files_of(app)
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message(ENDED)
    after = await files_of(app)

    assert list(before) == ["preview.csv"]
    assert [one.partition(",")[2].partition(",")[0] for one in before["preview.csv"]] == [
        "finding", "found", "unknown", "found",
    ]  # fmt: skip
    assert len(after["outcomes.csv"]) == 3
    assert all(f"{TOM.id},revoked,executed,200," in one for one in after["outcomes.csv"][1:2])
    assert {one.shared_in for one in app.slack.files.stored.values()} == {(card.channel_id, card.ts)}


async def test_thread__says_why_there_is_no_file(app: AppHarness) -> None:
    app.slack.fault("files.getUploadURLExternal", SlackFault(error="missing_scope", times=None))
    await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}>")

    await app.wait_for_message("I could not share the file about this request: the bot's app in Slack lacks a scope.")
    assert await files_of(app) == {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"is_external": True}, "I take only files that are stored in Slack itself"),
        ({"mode": "external"}, "I take only files that are stored in Slack itself"),
        ({"url_private_download": "https://evil.example/list.csv"}, "I take only files that are stored in Slack"),
        ({"url_private_download": "http://files.slack.com/list.csv"}, "I take only files that are stored in Slack"),
        ({"size": 2_000_000}, "That file is larger than 1024 KiB"),
    ],
    ids=["external", "external mode", "another host", "without TLS", "too large"],
)
async def test_file__that_is_not_safe_to_download_is_refused(
    app: AppHarness, change: dict[str, object], words: str
) -> None:
    file = app.slack.files.add("list.csv", TOM.email.encode(), **change)
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, {FILE: [{"id": file.id}]})

    await app.wait_for_private_message(personas.OLIVIA, words)
    assert file.downloads == 0


async def test_file__that_leads_elsewhere_is_refused_and_the_token_stays_here(app: AppHarness) -> None:
    file = app.slack.files.add("list.csv", TOM.email.encode())
    file.redirect = f"{app.slack.files.base_url}/files/elsewhere"
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, {FILE: [{"id": file.id}]})

    await app.wait_for_private_message(personas.OLIVIA, "I take only files that are stored in Slack itself")
    assert file.downloads == 1


async def test_file__that_is_larger_than_slack_says_is_not_read_to_its_end(app: AppHarness) -> None:
    file = app.slack.files.add("list.csv", b"x" * 1_100_000, size=10)
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, {FILE: [{"id": file.id}]})

    await app.wait_for_private_message(personas.OLIVIA, "That file is larger than 1024 KiB")


@pytest.mark.parametrize("count", [100, pytest.param(5000, marks=pytest.mark.heavy)])
async def test_files__of_any_content_are_answered_and_revoke_nothing(
    start_app_with: StartApp, caplog: pytest.LogCaptureFixture, count: int
) -> None:
    app = await start_app_with(MAX_COMMANDS_PER_MINUTE="10000", MAX_OPEN_REQUESTS="100")
    for data in hostile_files(7, count):
        file = app.slack.files.add(f"{data[:20]!r}.csv", data)
        await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
        delivery = await app.slack.submit_view(personas.OLIVIA, {FILE: [app.slack.files.as_slack(file)]})
        assert (delivery.status, delivery.body) == (200, "")
    await app.wait_until_idle()

    tags = Counter(await app.audit_tags())
    assert tags.keys() == {"request:asked", "request:ask_refused"}
    assert tags.total() == count
    assert app.deletes == []
    assert "Traceback" not in caplog.text + "".join(app.slack.text_of(one) for one in app.slack.messages)


async def test_failed_people__can_be_requested_again_where_a_reason_is_required(start_app_with: StartApp) -> None:
    app = await start_app_with(REQUIRE_REASON="true")
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}> phished")
    app.genesys.fault("delete_token", GenesysFault(status=500, times=None))
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Only 0 of 2 people revoked")

    await app.slack.click(personas.OLIVIA, card, BULK_AGAIN)
    assert "phished" in app.slack.text_of(await app.wait_for_message("Revoke all sessions of 2 people?"))


async def test_again__by_anyone_but_an_admin_is_refused(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}> phished")
    app.genesys.fault("delete_token", GenesysFault(status=500, times=None))
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Only 0 of 2 people revoked")
    before = len(app.deletes)

    await app.slack.click(personas.RAVI, card, BULK_AGAIN, force=True)
    await app.wait_for_private_message(personas.RAVI, "Only admins of this bot can name several people")
    assert len(app.deletes) == before


async def test_approver__who_is_on_the_list_cannot_decide(start_app_with: StartApp) -> None:
    app = await start_app_with(ADMINS=f"{personas.OLIVIA},{personas.BEN}")
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}> phished")
    await app.slack.click(personas.BEN, card, "approve", force=True)

    await app.wait_for_private_message(personas.BEN, "This request is about you")
    assert app.deletes == []


async def test_more_than_ten_people__need_two_admins_besides_the_requester(start_app_with: StartApp) -> None:
    app = await start_app_with(ADMINS=f"{personas.OLIVIA},{personas.BEN},{personas.NADIA}", PROTECTED="")
    for number in range(11):
        user_id = f"00000000-0000-4000-8000-{number:012x}"
        address = f"agent{number}@example.com"
        app.genesys.state.users[user_id] = GenesysUser(user_id, f"Agent {number}", address)
    line = "revoke " + " ".join(f"agent{number}@example.com" for number in range(11))
    card = await app.request_card(personas.OLIVIA, line)
    assert "0 of 2 approvals" in app.slack.text_of(card)

    for user_id in (personas.OLIVIA, personas.BEN, personas.BEN):
        await app.slack.click(user_id, card, "approve", force=True)
        await app.wait_until_idle()
    assert app.deletes == []
    await app.slack.click(personas.NADIA, card, "approve", force=True)
    await app.wait_for_message("Revoked: all sessions of 11 people")
    assert len(app.deletes) == 11
    assert len({one.path for one in app.deletes}) == 11


def set_of(app: AppHarness, name: str, *members: str) -> UserSet:
    """Return a group or queue with personas, by their Slack ids."""
    ids = [one.genesys_id for one in personas.personas() if one.genesys_id and one.member.id in members]
    assert len(ids) == len(members)
    return UserSet(str(uuid5(NAMESPACE_URL, name)), name, tuple(ids))


SETS = [
    ('queue:"Billing EN" phished', "from the queue Billing EN"),
    ("group:night-shift phished", "from the Genesys Cloud group night-shift"),
    ("division:Support phished", "from the division Support"),
]


@pytest.mark.parametrize(("line", "source"), SETS)
async def test_set__of_genesys_cloud_is_a_list(app: AppHarness, line: str, source: str) -> None:
    app.genesys.state.queues = [set_of(app, "Billing EN", personas.TOM)]
    app.genesys.state.groups = [set_of(app, "Night-Shift", personas.TOM)]

    card = await app.request_card(personas.OLIVIA, f"revoke {line}")
    assert "Revoke all sessions of one person?" in app.slack.text_of(card)
    assert source in app.slack.text_of(card)
    assert "phished" in app.slack.text_of(card)
    await app.wait_until_idle()
    assert app.deletes == []


async def test_set__is_frozen_with_the_card_and_judged_like_a_list(app: AppHarness) -> None:
    """The requester's own account is left out, and members who join later are not revoked."""
    state = app.genesys.state
    state.queues = [set_of(app, "Billing", personas.TOM, personas.OLIVIA, personas.BEN)]
    state.users[
        next(one for one in state.queues[0].members if state.users[one].name.startswith("Ben"))
    ].state = "deleted"

    card = await app.request_card(personas.OLIVIA, "revoke queue:Billing")
    assert "Revoke all sessions of one person?" in app.slack.text_of(card)
    assert "'s own account" in app.slack.text_of(card)

    state.queues = [set_of(app, "Billing", personas.TOM, personas.UNA)]
    await app.slack.click(personas.OLIVIA, card, "approve")
    await app.wait_for_message("Revoked: all sessions of one person")
    assert [one.path.rpartition("/")[2] for one in app.deletes] == [TOM.id]


async def test_set__in_the_modal(app: AppHarness) -> None:
    app.genesys.state.queues = [set_of(app, "Billing EN", personas.TOM)]
    await app.slack.shortcut(personas.OLIVIA, revoke_many.SHORTCUT)
    await app.slack.submit_view(personas.OLIVIA, {PEOPLE: 'queue:"Billing EN"', REASON: "phished"})

    card = await app.wait_for_message("Revoke all sessions of one person?")
    assert "from the queue Billing EN" in app.slack.text_of(card)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Sales", "I find nothing named `queue:Sales` in Genesys Cloud."),
        ("Twice", "Genesys Cloud has several named `queue:Twice`"),
        ("Empty", "I found no one in Genesys Cloud whom this list names"),
    ],
)
async def test_set__that_is_not_exactly_one_with_people_is_refused(app: AppHarness, name: str, said: str) -> None:
    app.genesys.state.queues = [UserSet("1", "Twice"), UserSet("2", "twice"), UserSet("3", "Empty")]

    await app.send_command(personas.OLIVIA, f"revoke queue:{name}")
    reply = await app.wait_for_private_message(personas.OLIVIA, said)
    assert "Nothing was changed" in app.slack.text_of(reply)
    assert app.slack.calls_of("chat.postMessage") == []


async def test_queue__without_its_permission_names_it(app: AppHarness) -> None:
    app.genesys.state.clients[CLIENT.id].permissions -= {"routing:queue:view"}

    await app.send_command(personas.OLIVIA, "revoke queue:Billing")
    reply = await app.wait_for_private_message(personas.OLIVIA, "routing:queue:view")
    assert "Nothing was changed" in app.slack.text_of(reply)


async def test_set__by_anyone_but_an_admin_is_refused_without_a_look(app: AppHarness) -> None:
    app.genesys.state.queues = [set_of(app, "Billing", personas.TOM)]

    await app.send_command(personas.RAVI, "revoke queue:Billing")
    await app.wait_for_private_message(personas.RAVI, "Only admins")
    assert app.genesys.received("get_routing_queues") == []


async def preview_of(app: AppHarness) -> list[dict[str, str]]:
    """Return the rows of the file with what was found."""
    return list(csv.DictReader((await files_of(app))["preview.csv"]))


async def test_people_in_a_call__are_counted_on_the_card_and_named_in_the_file(app: AppHarness) -> None:
    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}>")
    assert "1 in a call or chat now" in app.slack.text_of(card)
    assert {row["name"]: row["conversations"] for row in await preview_of(app)} == {"Tom Target": "1", "Ben Baker": "0"}
    assert len(app.genesys.received("search_by_email")) == 1  # the search for the people says it too
    assert app.genesys.received("get_user") == []


async def test_people_in_a_call__that_genesys_cloud_does_not_name_are_not_known(app: AppHarness) -> None:
    tom, ben = (app.genesys.state.users[one] for one in (TOM.id, set_of(app, "", personas.BEN).members[0]))
    entries = [{"id": one.id, "name": one.name, "email": one.email, "state": "active"} for one in (tom, ben)]
    app.genesys.fault("search_by_email", GenesysFault(status=200, body={"pageCount": 1, "results": entries}))

    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}>")
    assert "in a call or chat now" not in app.slack.text_of(card)
    assert "not known who is in a call or chat" in app.slack.text_of(card)
    assert {row["conversations"] for row in await preview_of(app)} == {""}


@pytest.mark.parametrize("status", [400, 403])
async def test_people_in_a_call__are_not_known_if_genesys_cloud_refuses_to_add_them(
    app: AppHarness, status: int
) -> None:
    app.genesys.state.refuses_expanded_search = status

    card = await app.request_card(personas.OLIVIA, f"revoke <@{personas.TOM}> <@{personas.BEN}>")
    assert "not known who is in a call or chat" in app.slack.text_of(card)
    assert {row["conversations"] for row in await preview_of(app)} == {""}
