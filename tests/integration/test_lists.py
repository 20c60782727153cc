"""`/purecloud pending` and `/purecloud history` over HTTP."""

from __future__ import annotations

from bot.domain.pages import PAGE_SIZE
from bot.sandbox import personas
from bot.sandbox.slack.messages import PostedMessage
from tests.conftest import StartApp
from tests.support.app_harness import AppHarness
from tests.support.finished_requests import copy_finished_request


async def request_and_cancel(app: AppHarness, line: str) -> str:
    """Make a request and cancel it; return its reference."""
    card = await app.request_card(personas.RAVI, line)
    await app.slack.click(personas.RAVI, card, "cancel", force=True)
    await app.wait_until_idle()
    return app.slack.text_of(card).split("reference `")[1][:7]


async def ask(app: AppHarness, user_id: str, line: str, words: str) -> PostedMessage:
    await app.send_command(user_id, line)
    return await app.wait_for_private_message(user_id, words)


async def test_pending__shows_each_person_what_waits_for_them(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.wait_until_idle()

    for user_id in (personas.BEN, personas.RAVI):
        shown = await ask(app, user_id, "pending", "Open requests")
        assert "Revoke all sessions of Tom Target?" in app.slack.text_of(shown)
        assert "laptop stolen" in app.slack.text_of(shown)
        assert ("waits for your decision" in app.slack.text_of(shown)) is (user_id == personas.BEN)
        assert "Open the card" in app.slack.text_of(shown)
        assert shown.only_for == user_id
    await ask(app, personas.NADIA, "pending", "There is no open request")


async def test_pending__lets_a_requester_cancel_what_others_decide(app: AppHarness) -> None:
    """The requester need not see the channel of the card."""
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.wait_until_idle()
    for_others = await ask(app, personas.BEN, "pending", "Open requests")
    assert app.slack.buttons(for_others) == []
    shown = await ask(app, personas.RAVI, "pending", "Open requests")
    assert [one["action_id"] for one in app.slack.buttons(shown)] == ["cancel"]

    for _ in range(2):
        await app.slack.click(personas.RAVI, shown, "cancel", force=True)
        await app.wait_until_idle()

    assert "Cancelled: sessions of Tom Target not touched" in app.slack.text_of(card)
    assert app.slack.buttons(card) == []
    assert "Cancelled: sessions of Tom Target not touched" in app.slack.text_of(shown)
    assert (await app.audit_tags()).count("request:cancelled") == 1
    assert app.deletes == []


async def test_pending__lets_no_one_else_cancel(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.wait_until_idle()
    shown = await ask(app, personas.RAVI, "pending", "Open requests")

    await app.slack.click(personas.NADIA, shown, "cancel", force=True)
    await app.wait_for_private_message(personas.NADIA, "can cancel this request")

    assert app.slack.buttons(card) != []
    assert "request:cancelled" not in await app.audit_tags()


async def test_pending__shows_no_cancel_button_to_a_requester_whom_others_follow(app: AppHarness) -> None:
    await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.send_command(personas.OLIVIA, "revoke @tom phished")
    await app.wait_until_idle()
    shown = await ask(app, personas.RAVI, "pending", "Open requests")
    assert app.slack.buttons(shown) == []


async def test_pending_and_home__let_an_approver_cancel_although_others_follow(start_app_with: StartApp) -> None:
    app = await start_app_with(SELF_APPROVAL="false")
    card = await app.request_card(personas.BEN, "revoke @tom laptop stolen")
    await app.send_command(personas.RAVI, "revoke @tom phished")
    await app.wait_for_private_message(personas.RAVI, "has already requested this")
    await app.wait_until_idle()
    await app.slack.open_home(personas.BEN)
    await app.server.services.tasks.drain(5)
    assert "'action_id': 'cancel'" in str(app.slack.views.homes[personas.BEN].body)
    shown = await ask(app, personas.BEN, "pending", "Open requests")
    (button,) = app.slack.buttons(shown)
    assert button["action_id"] == "cancel"
    assert "Tom Target" in button["confirm"]["text"]["text"]

    await app.slack.click(personas.BEN, shown, "cancel")
    await app.wait_until_idle()
    assert "Cancelled: sessions of Tom Target not touched" in app.slack.text_of(card)
    assert app.deletes == []


async def test_history__finds_requests_by_person_and_reference(app: AppHarness) -> None:
    tom = await request_and_cancel(app, "revoke @tom laptop stolen")
    pia = await request_and_cancel(app, "revoke @pia left her desk")

    everything = app.slack.text_of(await ask(app, personas.OLIVIA, "history", "Finished requests"))
    assert tom in everything
    assert everything.index(pia) < everything.index(tom)
    for line in ("history @tom", "history tom.target@example.com", f"history {tom.lower()}"):
        before = len(app.slack.messages)
        await app.send_command(personas.OLIVIA, line)
        await app.server.services.tasks.drain(5)
        (shown,) = app.slack.messages[before:]
        assert tom in app.slack.text_of(shown)
        assert pia not in app.slack.text_of(shown)


async def test_history_and_home__show_a_request_to_and_of_its_followers(app: AppHarness) -> None:
    card = await app.request_card(personas.RAVI, "revoke @tom laptop stolen")
    await app.wait_until_idle()
    await app.send_command(personas.OLIVIA, "revoke @tom phished")
    await app.wait_for_private_message(personas.OLIVIA, "has already requested this")
    await app.slack.click(personas.BEN, card, "approve")
    await app.wait_for_message("Revoked: all sessions of Tom Target")
    await app.wait_until_idle()
    other = await request_and_cancel(app, "revoke @pia")

    reference = app.slack.text_of(card).split("reference `")[1][:7]
    for line in (f"history <@{personas.OLIVIA}>", f"history <@{personas.RAVI}>", "history olivia.ortega@example.com"):
        before = len(app.slack.messages)
        await app.send_command(personas.OLIVIA, line)
        await app.server.services.tasks.drain(5)
        text = app.slack.text_of(app.slack.messages[before])
        assert (reference in text) is ("example.com" not in line), line
        assert (other in text) is (personas.RAVI in line), line
    for person, sees in ((personas.OLIVIA, True), (personas.RAVI, True), (personas.BEN, True), (personas.SAM, False)):
        await app.slack.open_home(person)
        await app.server.services.tasks.drain(5)
        assert (reference in str(app.slack.views.homes[person].body)) is sees, person


async def test_history__pages_with_buttons_in_place(app: AppHarness) -> None:
    newest = await request_and_cancel(app, "revoke @tom")
    references = [*await copy_finished_request(app.server.services.store, PAGE_SIZE), newest]
    shown = await ask(app, personas.OLIVIA, "history", "Finished requests")
    assert references[0] not in app.slack.text_of(shown)

    assert (await app.slack.click(personas.OLIVIA, shown, "history_older")).status == 200
    shown = await app.wait_for_private_message(personas.OLIVIA, references[0])
    assert references[-1] not in app.slack.text_of(shown)
    await app.slack.click(personas.OLIVIA, shown, "history_newer")
    shown = await app.wait_for_private_message(personas.OLIVIA, references[-1])
    assert references[0] not in app.slack.text_of(shown)


async def test_history__denies_people_who_are_no_admins(app: AppHarness) -> None:
    await request_and_cancel(app, "revoke @tom")
    await ask(app, personas.BEN, "history", "Only admins of this bot")
    assert not any("Finished requests" in app.slack.text_of(one) for one in app.slack.messages)
