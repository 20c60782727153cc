"""Metrics for Prometheus. docs/operations.md lists each one and when to alert on it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric, ProcessCollector, generate_latest

from bot import __version__

_FAST_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
_SLOW_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600)


class Registry(CollectorRegistry):
    """A registry without the `_created` gauges that prometheus_client adds to each counter and histogram."""

    def collect(self) -> Iterable[Metric]:
        """Yield the families of all metrics."""
        for family in super().collect():
            family.samples = [one for one in family.samples if not one.name.endswith("_created")]
            yield family


class Metrics:
    """The bot's metrics. Each instance has its own registry, so that two bots in a process do not mix."""

    def __init__(self) -> None:
        self.registry = Registry()
        ProcessCollector(registry=self.registry)
        self.build_info = Gauge(
            "purecloud_bot_build_info",
            "1, with the versions of the bot and of Python.",
            ["version", "python"],
            registry=self.registry,
        )
        self.build_info.labels(__version__, platform.python_version()).set(1)
        self.ready = Gauge(
            "purecloud_bot_ready", "1 if the bot can do its work, as in /readyz, otherwise 0.", registry=self.registry
        )
        self.last_success = Gauge(
            "purecloud_bot_last_success_timestamp_seconds",
            "When this process last got Genesys Cloud's confirmation of a DELETE, in epoch seconds; 0 before.",
            registry=self.registry,
        )
        self.requests_pending = Gauge(
            "purecloud_bot_requests_pending", "Requests that wait for an approval.", registry=self.registry
        )
        self.socket_connections = Gauge(
            "purecloud_bot_socket_connections",
            "Socket Mode connections that are up; 0 over HTTP.",
            registry=self.registry,
        )
        self.acks = Histogram(
            "purecloud_bot_ack_seconds",
            "Time to respond to a payload from Slack, by kind and HTTP status; Slack waits 3 s.",
            ["kind", "status"],
            buckets=_FAST_BUCKETS,
            registry=self.registry,
        )
        self.click_to_delete = Histogram(
            "purecloud_bot_click_to_delete_seconds",
            "Time from the deciding click to the first DELETE sent to Genesys Cloud.",
            buckets=_SLOW_BUCKETS,
            registry=self.registry,
        )
        self.outcomes = Counter(
            "purecloud_bot_outcomes",
            "Finished requests, by kind and outcome.",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.bulk_people = Counter(
            "purecloud_bot_bulk_people", "People of bulk requests, by outcome.", ["outcome"], registry=self.registry
        )
        self.bulk_waits = Counter(
            "purecloud_bot_bulk_waits",
            "Times that a token for bulk requests waited because Genesys Cloud had limited it.",
            registry=self.registry,
        )
        self.refusals = Counter(
            "purecloud_bot_refusals", "Refused users, by reason.", ["reason"], registry=self.registry
        )
        self.genesys_calls = Counter(
            "purecloud_bot_genesys_calls",
            "Calls to Genesys Cloud, by operation and status.",
            ["operation", "status"],
            registry=self.registry,
        )
        self.genesys_seconds = Histogram(
            "purecloud_bot_genesys_call_seconds",
            "Duration of a call to Genesys Cloud.",
            ["operation"],
            buckets=_SLOW_BUCKETS,
            registry=self.registry,
        )
        self.slack_calls = Counter(
            "purecloud_bot_slack_calls",
            "Calls to Slack, by method and status.",
            ["method", "status"],
            registry=self.registry,
        )
        self.closed_connections = Counter(
            "purecloud_bot_closed_connections",
            "Connections that the HTTP server closed because of its limits, by reason.",
            ["reason"],
            registry=self.registry,
        )
        self.leases_lost = Counter(
            "purecloud_bot_leases_lost",
            "Jobs that this process lost to another one while it ran them.",
            registry=self.registry,
        )
        self.unreadable_rows = Counter(
            "purecloud_bot_unreadable_rows",
            "Rows that this version of the bot cannot read and leaves alone, by table and column.",
            ["table", "column"],
            registry=self.registry,
        )
        self.requests_under_other_rules = Counter(
            "purecloud_bot_requests_under_other_rules",
            "Open requests that were made under other rules than those of this process.",
            registry=self.registry,
        )
        self.clock_lag = Gauge(
            "purecloud_bot_clock_lag_seconds",
            "Seconds that the clock is behind the last time in the database.",
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "purecloud_bot_queue_depth",
            "Stored jobs that are not done, by kind.",
            ["kind"],
            registry=self.registry,
        )

        self.queue_oldest = Gauge(
            "purecloud_bot_queue_oldest_seconds",
            "Seconds for which the oldest due job has waited; 0 without one.",
            registry=self.registry,
        )

    def set_work(self, depth: Mapping[str, int], oldest: float, pending: int) -> None:
        """Show the stored work: jobs by kind, the wait of the oldest due job, and pending requests."""
        self.queue_depth.clear()  # a kind that only a newer version adds is gone once its jobs are done
        for kind, count in depth.items():
            self.queue_depth.labels(kind).set(count)
        self.queue_oldest.set(oldest)
        self.requests_pending.set(pending)

    def count_slack_call(self, method: str, status: str) -> None:
        """Count a call to Slack."""
        self.slack_calls.labels(method, status).inc()

    def count_closed_connection(self, reason: str) -> None:
        """Count a connection that the HTTP server closed because of its limits."""
        self.closed_connections.labels(reason).inc()

    def count_unreadable_row(self, table: str, column: str) -> None:
        """Count a row that this version of the bot cannot read."""
        self.unreadable_rows.labels(table, column).inc()

    def record_genesys_call(self, operation: str, status: str, seconds: float) -> None:
        """Count a call to Genesys Cloud and record its duration."""
        self.genesys_calls.labels(operation, status).inc()
        self.genesys_seconds.labels(operation).observe(seconds)

    def render(self) -> bytes:
        """Return all metrics in the Prometheus text format."""
        return generate_latest(self.registry)
