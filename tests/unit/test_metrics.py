"""The metrics as Prometheus reads them."""

from __future__ import annotations

import platform
import re
import sys

import pytest

from bot import __version__
from bot.bootstrap.clients import metrics_of
from bot.domain.actions import ACTIONS
from bot.domain.requests import FINAL
from bot.metrics import Metrics


def test_metrics__have_no_created_series() -> None:
    metrics = Metrics()
    metrics.acks.labels("click", 200).observe(0.1)
    metrics.count_slack_call("chat.update", "ok")

    text = metrics.render().decode()
    assert 'purecloud_bot_slack_calls_total{method="chat.update",status="ok"} 1.0' in text
    assert 'purecloud_bot_ack_seconds_count{kind="click",status="200"} 1.0' in text
    assert "_created" not in text


def test_metrics__name_the_versions_of_the_bot_and_of_python() -> None:
    labels = {"version": __version__, "python": platform.python_version()}

    assert Metrics().registry.get_sample_value("purecloud_bot_build_info", labels) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")
@pytest.mark.parametrize("name", ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds"])
def test_metrics__describe_the_process(name: str) -> None:
    assert (Metrics().registry.get_sample_value(name) or 0) > 0


def test_metrics__of_two_bots_in_a_process_do_not_mix() -> None:
    one, other = Metrics(), Metrics()
    one.leases_lost.inc()

    assert other.registry.get_sample_value("purecloud_bot_leases_lost_total") == 0


def test_metrics__show_the_stored_work_and_forget_kinds_that_are_done() -> None:
    metrics = Metrics()
    metrics.set_work({"click": 2, "newer": 1}, oldest=12.5, pending=3)
    metrics.set_work({"click": 1}, oldest=0.0, pending=2)

    value = metrics.registry.get_sample_value
    assert value("purecloud_bot_queue_depth", {"kind": "click"}) == 1
    assert value("purecloud_bot_queue_depth", {"kind": "newer"}) is None
    assert (value("purecloud_bot_queue_oldest_seconds"), value("purecloud_bot_requests_pending")) == (0, 2)


def test_metrics__begin_with_a_zero_for_each_outcome_so_that_a_rule_sees_the_first() -> None:
    text = metrics_of(ACTIONS).render().decode()

    found = set(re.findall(r'outcomes_total{kind="([\w-]+)",outcome="(\w+)"} 0.0', text))
    assert found == {(kind, str(outcome)) for kind in ACTIONS for outcome in FINAL}
    assert 'refusals_total{reason="request_altered"} 0.0' in text
