"""What is counted and timed, for Prometheus; each number answers a question somebody asks at night."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_FAST = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3)
_SLOW = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 15, 60, 600)


class Metrics:
    """The bot's numbers, in a registry of their own so that two bots in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.acks = Histogram(
            "purecloud_bot_ack_seconds",
            "Time to answer what Slack sent, by kind and HTTP status; Slack waits 3 s.",
            ["kind", "status"],
            buckets=_FAST,
            registry=self.registry,
        )
        self.click_to_delete = Histogram(
            "purecloud_bot_click_to_delete_seconds",
            "Time from the deciding click to the first DELETE sent to Genesys Cloud.",
            buckets=_SLOW,
            registry=self.registry,
        )
        self.outcomes = Counter(
            "purecloud_bot_outcomes",
            "Requests that ended, by kind and outcome.",
            ["kind", "outcome"],
            registry=self.registry,
        )
        self.refusals = Counter(
            "purecloud_bot_refusals", "People who were told no, by reason.", ["reason"], registry=self.registry
        )
        self.genesys_calls = Counter(
            "purecloud_bot_genesys_calls", "Calls of Genesys Cloud, by operation and status.", ["operation", "status"],
            registry=self.registry,
        )  # fmt: skip
        self.genesys_seconds = Histogram(
            "purecloud_bot_genesys_call_seconds", "Time a call of Genesys Cloud took.", ["operation"], buckets=_SLOW,
            registry=self.registry,
        )  # fmt: skip
        self.slack_calls = Counter(
            "purecloud_bot_slack_calls",
            "Calls of Slack, by method and status.",
            ["method", "status"],
            registry=self.registry,
        )
        self.queue_depth = Gauge(
            "purecloud_bot_queue_depth",
            "Work that is written down and not done, by kind.",
            ["kind"],
            registry=self.registry,
        )

    def slack(self, method: str, status: str) -> None:
        """Count a call of Slack; the form the directory and the courier are told to report in."""
        self.slack_calls.labels(method, status).inc()

    def genesys(self, operation: str, status: str, seconds: float) -> None:
        """Count and time a call of Genesys Cloud."""
        self.genesys_calls.labels(operation, status).inc()
        self.genesys_seconds.labels(operation).observe(seconds)

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self.registry)
