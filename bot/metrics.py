"""Metrics for Prometheus. docs/operations.md lists each one and when to alert on it."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping, Sequence

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
        self._add_process()
        self._add_requests()
        self._add_calls()
        self._add_database()

    def _add_process(self) -> None:
        """Add the metrics of the process and of its connections from Slack."""
        self.build_info = self._gauge(
            "purecloud_bot_build_info", "1, with the versions of the bot and of Python.", "version", "python"
        )
        self.build_info.labels(__version__, platform.python_version()).set(1)
        self.ready = self._gauge("purecloud_bot_ready", "1 if the bot can do its work, as in /readyz, otherwise 0.")
        self.socket_connections = self._gauge(
            "purecloud_bot_socket_connections", "Socket Mode connections that are up; 0 over HTTP."
        )
        self.closed_connections = self._counter(
            "purecloud_bot_closed_connections",
            "Connections that the HTTP server closed because of its limits, by reason.",
            "reason",
        )
        self.acks = self._histogram(
            "purecloud_bot_ack_seconds",
            "Time to respond to a payload from Slack, by kind and HTTP status; Slack waits 3 s.",
            _FAST_BUCKETS,
            "kind",
            "status",
        )

    def _add_requests(self) -> None:
        """Add the metrics of requests and their outcomes."""
        self.outcomes = self._counter(
            "purecloud_bot_outcomes", "Finished requests, by kind and outcome.", "kind", "outcome"
        )
        self.refusals = self._counter("purecloud_bot_refusals", "Refused users, by reason.", "reason")
        self.click_to_delete = self._histogram(
            "purecloud_bot_click_to_delete_seconds",
            "Time from the deciding click to the first DELETE sent to Genesys Cloud.",
            _SLOW_BUCKETS,
        )
        self.last_success = self._gauge(
            "purecloud_bot_last_success_timestamp_seconds",
            "When this process last got Genesys Cloud's confirmation of a DELETE, in epoch seconds; 0 before.",
        )
        self.bulk_people = self._counter("purecloud_bot_bulk_people", "People of bulk requests, by outcome.", "outcome")
        self.bulk_waits = self._counter(
            "purecloud_bot_bulk_waits",
            "Times that a token for bulk requests waited because Genesys Cloud had limited it.",
        )
        self.requests_under_other_rules = self._counter(
            "purecloud_bot_requests_under_other_rules",
            "Open requests that were made under other rules than those of this process.",
        )

    def _add_calls(self) -> None:
        """Add the metrics of calls to Slack and Genesys Cloud."""
        self.genesys_calls = self._counter(
            "purecloud_bot_genesys_calls", "Calls to Genesys Cloud, by operation and status.", "operation", "status"
        )
        self.genesys_seconds = self._histogram(
            "purecloud_bot_genesys_call_seconds", "Duration of a call to Genesys Cloud.", _SLOW_BUCKETS, "operation"
        )
        self.slack_calls = self._counter(
            "purecloud_bot_slack_calls", "Calls to Slack, by method and status.", "method", "status"
        )

    def _add_database(self) -> None:
        """Add the metrics of what the database has, and of how this process shares it."""
        self.requests_pending = self._gauge("purecloud_bot_requests_pending", "Requests that wait for an approval.")
        self.queue_depth = self._gauge("purecloud_bot_queue_depth", "Stored jobs that are not done, by kind.", "kind")
        self.queue_oldest = self._gauge(
            "purecloud_bot_queue_oldest_seconds", "Seconds for which the oldest due job has waited; 0 without one."
        )
        self.leases_lost = self._counter(
            "purecloud_bot_leases_lost", "Jobs that this process lost to another one while it ran them."
        )
        self.unreadable_rows = self._counter(
            "purecloud_bot_unreadable_rows",
            "Rows that this version of the bot cannot read and leaves alone, by table and column.",
            "table",
            "column",
        )
        self.clock_lag = self._gauge(
            "purecloud_bot_clock_lag_seconds", "Seconds that the clock is behind the last time in the database."
        )

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, buckets: Sequence[float], *labels: str) -> Histogram:
        return Histogram(name, text, labels, buckets=buckets, registry=self.registry)

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
