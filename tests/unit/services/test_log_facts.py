"""Log lines name the request, its target and its people, as far as they are known."""

from __future__ import annotations

from dataclasses import replace

from bot.db.jobs import Job, JobKind
from bot.db.rows import Snapshot
from bot.domain.commands import Invoker, RequestCommand, TargetRef
from bot.sandbox import personas
from bot.services.log_facts import command_facts, job_facts, log_facts
from tests.support.examples import TOM_IN_GENESYS as TOM
from tests.support.examples import request

INVOKER = Invoker(personas.RAVI, "T0HOME0001", "C0OPS00001", "key", "https://hooks.slack.com/commands/1")
JOB = Job(1, JobKind.CLICK, "one", {}, 1, 0.0)
REQUEST = replace(request(), target=TOM)
NAMED = {"reference": REQUEST.reference, "kind": "revoke", "target": TOM.id, "requester": REQUEST.requester}


def test_log_facts__name_the_request_its_target_and_the_requester() -> None:
    assert log_facts(REQUEST) == NAMED


def test_log_facts__of_a_request_without_a_target_have_none() -> None:
    assert "target" not in log_facts(replace(REQUEST, target=None))


def test_job_facts__name_the_request_that_is_known_from_either_place() -> None:
    assert (
        job_facts(JOB, REQUEST) == job_facts(replace(JOB, snapshot=Snapshot(REQUEST, 0.0))) == {"job": "click"} | NAMED
    )


def test_job_facts__of_a_request_that_was_not_read_have_its_id() -> None:
    assert (
        job_facts(JOB) == job_facts(replace(JOB, snapshot=Snapshot(None, 0.0))) == {"job": "click", "request_id": "one"}
    )


def test_command_facts__name_ids_but_no_email_address_and_no_response_url() -> None:
    facts = [
        command_facts(RequestCommand("revoke", INVOKER, named))
        for named in (
            None,
            TargetRef(genesys_user_id=TOM.id),
            TargetRef(slack_user_id="U1"),
            TargetRef(email="t@x.com"),
        )
    ]

    beginning = {"kind": "revoke", "by": personas.RAVI}
    assert facts == [beginning, beginning | {"target": TOM.id}, beginning | {"target_slack": "U1"}, beginning]
