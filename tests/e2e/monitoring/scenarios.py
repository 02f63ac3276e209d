"""Faults, and the alerts that have to fire for each. The faults are real; only the alerts have a faster clock."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml
from rich.table import Table

from tests.e2e.monitoring.stack import Stack
from tests.support.article_producer import ArticleProducer
from tests.support.dashboard_queries import ALERTS
from tests.support.faster_alerts import faster_alerts
from tests.support.processes_of_stack import MonitoringError

#: All times of the alerts are divided by it.
FASTER: Final = 20
_POLL_S: Final = 1.0
#: An alert that has not fired by then will not fire.
FIRE_S: Final = 180.0
RESOLVE_S: Final = 120.0
#: After the last expected alert, how long unexpected ones have to fire.
_UNEXPECTED_S: Final = 5.0
#: Rates need some samples first.
SETTLE_S: Final = 20.0
#: More than the lag in seconds at which the last of the lag alerts fires.
_LAG_S: Final = 60.0
#: Records a second; the measured rate of an idle worker says little.
_CAPACITY_MIN: Final = 500.0
_CAPACITY: Final = 'sum(rate(stream_records_consumed_total{step="deduplicate"}[10s]))'
_LAG: Final = "sum(max by (topic, partition) (stream_consumer_lag_records))"
_BURST_MAX: Final = 10_000
_GARBAGE_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Scenario:
    """A fault that lasts while its context is open, and the alerts that have to fire.

    The context yields a function that keeps the fault going; it is called once a second.
    """

    name: str
    expected: frozenset[str]
    fault: Callable[[Stack, ArticleProducer], contextlib.AbstractContextManager[Callable[[], None]]]


@dataclass(slots=True)
class Outcome:
    """Seconds until each alert fired, and from the end of the fault until all were resolved (None: not all were)."""

    scenario: Scenario
    fired: dict[str, float] = field(default_factory=dict)
    resolved: float | None = None

    @property
    def unexpected(self) -> list[str]:
        """Alerts that fired although they should not have."""
        return sorted(self.fired.keys() - self.scenario.expected)

    @property
    def is_right(self) -> bool:
        """All expected alerts fired, no others did, and all were resolved."""
        return self.fired.keys() == self.scenario.expected and self.resolved is not None


@contextlib.contextmanager
def kill_worker(stack: Stack, _producer: ArticleProducer) -> Iterator[Callable[[], None]]:
    """Kill a worker, and restart it at the end."""
    stack.workers[0].process.kill()
    yield _do_nothing
    stack.workers[0].restart()
    stack.workers[0].wait_until_ready()


@contextlib.contextmanager
def stop_producer(_stack: Stack, producer: ArticleProducer) -> Iterator[Callable[[], None]]:
    """Send nothing."""
    rate, producer.rate = producer.rate, 0.0
    yield _do_nothing
    producer.rate = rate


@contextlib.contextmanager
def send_garbage(_stack: Stack, producer: ArticleProducer) -> Iterator[Callable[[], None]]:
    """Send invalid messages among the others."""
    share, producer.feed.garbage_share = producer.feed.garbage_share, _GARBAGE_SHARE
    yield _do_nothing
    producer.feed.garbage_share = share


@contextlib.contextmanager
def overload_workers(stack: Stack, producer: ArticleProducer) -> Iterator[Callable[[], None]]:
    """Keep a minute's work waiting for the workers."""

    def fill_up() -> None:
        capacity = max(_query(stack, _CAPACITY), _CAPACITY_MIN)
        producer.send_burst(round(min(_LAG_S * capacity - _query(stack, _LAG), _BURST_MAX)))

    yield fill_up


def _query(stack: Stack, expr: str) -> float:
    samples = stack.prometheus.at(expr)
    return samples[0].value if samples else 0.0


def _do_nothing() -> None:
    """This fault continues by itself."""


SCENARIOS: Final[Sequence[Scenario]] = (
    Scenario("a worker is killed", frozenset({"WorkerDown"}), kill_worker),
    Scenario("5 % garbage", frozenset({"RejectsHigh"}), send_garbage),
    Scenario("the producer stops", frozenset({"NothingConsumed"}), stop_producer),
    # Lag that stays makes a ticket first, and pages later.
    Scenario("the workers are overloaded", frozenset({"ConsumerLagGrowing", "ConsumerLagHigh"}), overload_workers),
)


def run_scenario(stack: Stack, producer: ArticleProducer, scenario: Scenario) -> Outcome:
    """Cause the fault until the expected alerts fire, end it, and wait until no alert is firing.

    Raises:
        BrokerError: The producer failed.
        MonitoringError: Prometheus does not answer, or a worker that has to run has exited.
    """
    outcome = Outcome(scenario)
    start = time.monotonic()
    with scenario.fault(stack, producer) as keep_going:
        complete: float | None = None
        while complete is None or time.monotonic() - complete < _UNEXPECTED_S:
            keep_going()
            time.sleep(_POLL_S)
            _record(outcome, stack.prometheus.firing(), time.monotonic() - start)
            if complete is None and (outcome.fired.keys() >= scenario.expected):
                complete = time.monotonic()
            if time.monotonic() - start > FIRE_S:
                break
    end = time.monotonic()
    while time.monotonic() - end < RESOLVE_S:
        firing = stack.prometheus.firing()
        _record(outcome, firing, time.monotonic() - start)
        if not firing:
            outcome.resolved = time.monotonic() - end
            break
        time.sleep(_POLL_S)
    producer.raise_if_failed()
    stack.raise_if_ended()
    return outcome


def settle(stack: Stack, producer: ArticleProducer) -> None:
    """Wait until the alerts have some history and none is firing.

    Raises:
        BrokerError: The producer failed.
        MonitoringError: An alert is firing before the first fault.
    """
    time.sleep(SETTLE_S)
    producer.raise_if_failed()
    stack.raise_if_ended()
    if firing := stack.prometheus.firing():
        raise MonitoringError(f"{', '.join(sorted(firing))} is firing before the first fault")


def _record(outcome: Outcome, firing: Iterable[str], seconds: float) -> None:
    for name in firing:
        outcome.fired.setdefault(name, seconds)


def write_faster_rules(folder: Path) -> Path:
    """Write the alerts with a clock `FASTER` times as fast to a file in ``folder``.

    The disk alerts stay as they are: they predict hours, and other programs write to this machine's disk as well.
    """
    path = folder / "alerts-faster.yml"
    path.write_text(yaml.safe_dump(faster_alerts(ALERTS, FASTER, keep="Disk")), encoding="utf-8")
    return path


def outcomes_table(outcomes: Iterable[Outcome]) -> Table:
    """Every scenario with the alerts that fired."""
    table = Table(title=f"Alerts, {FASTER} times as fast", title_justify="left")
    for name in ("scenario", "expected", "fired after", "unexpected"):
        table.add_column(name, overflow="fold")
    table.add_column("resolved after", justify="right")
    for outcome in outcomes:
        expected = sorted(outcome.scenario.expected)
        fired = [f"{name} {seconds:.0f} s" for name, seconds in outcome.fired.items() if name in expected]
        table.add_row(
            outcome.scenario.name,
            "\n".join(expected),
            "\n".join(fired),
            "\n".join(outcome.unexpected) or "none",
            "never" if outcome.resolved is None else f"{outcome.resolved:.0f} s",
            style="" if outcome.is_right else "bold red",
        )
    return table
