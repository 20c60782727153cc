"""The personas of the sandbox are consistent."""

from __future__ import annotations

import re
from uuid import UUID

from bot.domain.actions import ACTIONS
from bot.sandbox import personas
from bot.settings import Settings
from handlers.commands import READ_ONLY


def test_personas__have_ids_in_slacks_format() -> None:
    assert all(re.fullmatch(r"[UW][A-Z0-9]{6,}", member.id) for member in personas.members())
    assert all(re.fullmatch(r"C[A-Z0-9]{6,}", channel.id) for channel in personas.channels())
    assert all(re.fullmatch(r"S[A-Z0-9]{6,}", group.id) for group in personas.groups())


def test_personas__have_unique_ids_names_and_genesys_users() -> None:
    members = personas.members()
    assert len({member.id for member in members}) == len({member.name for member in members}) == len(members)
    genesys_ids = [persona.genesys_id for persona in personas.personas() if persona.genesys_id]
    assert len({UUID(genesys_id) for genesys_id in genesys_ids}) == len(genesys_ids)


def test_personas__include_every_member_of_a_group_channel_or_role() -> None:
    known = {member.id for member in personas.members()}
    channel_members = [person for channel in personas.channels() for person in channel.members]
    assert {*channel_members, *(person for group in personas.groups() for person in group.members)} <= known
    assert {*personas.REQUESTERS, *personas.ADMINS, *personas.PROTECTED} <= known
    assert set(personas.APPROVERS) == {group.id for group in personas.groups()}


def test_personas__are_new_for_every_run() -> None:
    personas.members()[0].deleted = True
    assert not personas.members()[0].deleted


def test_examples__mention_existing_people_only() -> None:
    named = {name for example in personas.EXAMPLES for name in re.findall(r"(?<!\w)@(\w+)", example)}
    assert named
    assert named <= {member.name for member in personas.members()}


def test_examples__show_every_command() -> None:
    assert {example.split()[0] for example in personas.EXAMPLES} == {*READ_ONLY, *ACTIONS}


def test_personas__external_user_is_in_the_shared_channel_only() -> None:
    assert [channel.id for channel in personas.channels() if personas.ONA in channel.members] == [personas.SHARED]
    assert [channel.is_ext_shared for channel in personas.channels() if personas.ONA in channel.members] == [True]


def test_rules__name_settings_of_the_bot() -> None:
    assert set(personas.RULES) <= {name.upper() for name in Settings.model_fields}
