"""The cast of the sandbox holds together."""

from __future__ import annotations

import re
from uuid import UUID

from bot.sandbox import personas


def test_cast__ids_are_such_as_slack_gives() -> None:
    assert all(re.fullmatch(r"[UW][A-Z0-9]{6,}", member.id) for member in personas.members())
    assert all(re.fullmatch(r"C[A-Z0-9]{6,}", channel.id) for channel in personas.channels())
    assert all(re.fullmatch(r"S[A-Z0-9]{6,}", group.id) for group in personas.groups())


def test_cast__nobody_shares_an_id_a_name_or_a_genesys_user() -> None:
    members = personas.members()
    assert len({member.id for member in members}) == len({member.name for member in members}) == len(members)
    genesys_ids = [character.genesys_id for character in personas.personas() if character.genesys_id]
    assert len({UUID(genesys_id) for genesys_id in genesys_ids}) == len(genesys_ids)


def test_cast__whoever_stands_in_a_group_channel_or_role_exists() -> None:
    known = {member.id for member in personas.members()}
    rooms = [person for channel in personas.channels() for person in channel.members]
    assert {*rooms, *(person for group in personas.groups() for person in group.members)} <= known
    assert {*personas.REQUESTERS, *personas.ADMINS, *personas.PROTECTED} <= known
    assert set(personas.APPROVERS) == {group.id for group in personas.groups()}


def test_cast__is_made_anew_for_every_run() -> None:
    personas.members()[0].deleted = True
    assert not personas.members()[0].deleted


def test_cast__the_examples_name_people_there_are() -> None:
    named = {name for example in personas.EXAMPLES for name in re.findall(r"(?<!\w)@(\w+)", example)}
    assert named
    assert named <= {member.name for member in personas.members()}


def test_cast__an_outsider_is_in_the_shared_channel_alone() -> None:
    assert [channel.id for channel in personas.channels() if personas.ONA in channel.members] == [personas.SHARED]
    assert [channel.is_ext_shared for channel in personas.channels() if personas.ONA in channel.members] == [True]
