"""What goes wrong, and which alerts have to tell it. All of it is real, but the alerts are made faster."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import yaml
from rich.table import Table

from tests.e2e.monitoring.producer import Producer
from tests.e2e.monitoring.stack import Stand
from tests.support.dashboard_queries import ALERTS, DEPLOY
from tests.support.processes_of_stack import ObserveError

#: Durations and limits in seconds of the alerts are divided by it.
FASTER: Final = 20
_RULES: Final = DEPLOY / "prometheus" / "rules.py"
_POLL_S: Final = 1.0
#: An alert that has not fired by then does not.
FIRE_S: Final = 180.0
RESOLVE_S: Final = 120.0
#: After the last expected alert, others get so long to fire.
_OTHERS_S: Final = 5.0
#: Rates need some time to tell.
SETTLE_S: Final = 20.0
#: More than the lag in seconds at which the last alert of it begins.
_AHEAD_S: Final = 60.0
#: What they take shows only once they have enough to do.
_TAKEN_AT_LEAST: Final = 500.0
_TAKEN: Final = 'sum(rate(stream_records_consumed_total{step="deduplicate"}[10s]))'
_BACKLOG: Final = "sum(max by (topic, partition) (stream_consumer_lag_records))"
_AT_ONCE: Final = 10_000
_GARBAGE_SHARE: Final = 0.05


@dataclass(frozen=True, slots=True)
class Scenario:
    """One thing that goes wrong while it is entered, and the alerts that have to fire."""

    name: str
    expected: frozenset[str]
    trouble: Callable[[Stand, Producer], contextlib.AbstractContextManager[Callable[[], None]]]


@dataclass(slots=True)
class Outcome:
    """What was seen: for each alert the seconds until it fired; seconds until none did, None if some stayed."""

    scenario: Scenario
    fired: dict[str, float] = field(default_factory=dict)
    resolved: float | None = None

    @property
    def others(self) -> list[str]:
        """Alerts that fired and should not have."""
        return sorted(self.fired.keys() - self.scenario.expected)

    @property
    def is_right(self) -> bool:
        """All expected alerts fired, no other, and all resolved."""
        return self.fired.keys() == self.scenario.expected and self.resolved is not None


@contextlib.contextmanager
def worker_killed(stand: Stand, _producer: Producer) -> Iterator[Callable[[], None]]:
    """A worker is killed, and comes back at the end."""
    stand.workers[0].process.kill()
    yield _nothing
    stand.workers[0].restart()
    stand.workers[0].wait_until_ready()


@contextlib.contextmanager
def producer_stopped(_stand: Stand, producer: Producer) -> Iterator[Callable[[], None]]:
    """Nothing comes in any more."""
    rate, producer.rate = producer.rate, 0.0
    yield _nothing
    producer.rate = rate


@contextlib.contextmanager
def garbage(_stand: Stand, producer: Producer) -> Iterator[Callable[[], None]]:
    """A scraper sends what cannot be used."""
    share, producer.newsroom.garbage_share = producer.newsroom.garbage_share, _GARBAGE_SHARE
    yield _nothing
    producer.newsroom.garbage_share = share


@contextlib.contextmanager
def lag_filled(stand: Stand, producer: Producer) -> Iterator[Callable[[], None]]:
    """More comes in than the workers can take: a scraper starts over, and they have always a minute's work."""

    def fill() -> None:
        takes = max(_figure(stand, _TAKEN), _TAKEN_AT_LEAST)
        producer.send_again(round(min(_AHEAD_S * takes - _figure(stand, _BACKLOG), _AT_ONCE)))

    yield fill


def _figure(stand: Stand, query: str) -> float:
    found = stand.prometheus.at(query)
    return found[0].value if found else 0.0


def _nothing() -> None:
    """Nothing has to be kept up."""


#: A lag that stays is a ticket first, and wakes somebody where it goes on.
SCENARIOS: Final[Sequence[Scenario]] = (
    Scenario("a worker is killed", frozenset({"WorkerDown"}), worker_killed),
    Scenario("5 % garbage", frozenset({"RejectsHigh"}), garbage),
    Scenario("the producer stops", frozenset({"NothingConsumed"}), producer_stopped),
    Scenario("more than they can take", frozenset({"ConsumerLagGrowing", "ConsumerLagHigh"}), lag_filled),
)


def perform(stand: Stand, producer: Producer, scenario: Scenario) -> Outcome:
    """Let it go wrong until the alerts have told it, mend it, and wait until none fires.

    Raises:
        ObserveError: Prometheus, the producer or a worker that has to run does not.
    """
    outcome = Outcome(scenario)
    start = time.monotonic()
    with scenario.trouble(stand, producer) as keep_up:
        complete: float | None = None
        while complete is None or time.monotonic() - complete < _OTHERS_S:
            keep_up()
            time.sleep(_POLL_S)
            _note(outcome, stand.prometheus.firing(), time.monotonic() - start)
            if complete is None and (outcome.fired.keys() >= scenario.expected):
                complete = time.monotonic()
            if time.monotonic() - start > FIRE_S:
                break
    mended = time.monotonic()
    while time.monotonic() - mended < RESOLVE_S:
        firing = stand.prometheus.firing()
        _note(outcome, firing, time.monotonic() - start)
        if not firing:
            outcome.resolved = time.monotonic() - mended
            break
        time.sleep(_POLL_S)
    producer.raise_if_failed()
    stand.raise_if_ended()
    return outcome


def settle(stand: Stand, producer: Producer) -> None:
    """Wait until the alerts have a past to look at and none fires.

    Raises:
        ObserveError: some fire while nothing has gone wrong yet.
    """
    time.sleep(SETTLE_S)
    producer.raise_if_failed()
    stand.raise_if_ended()
    if firing := stand.prometheus.firing():
        raise ObserveError(f"{', '.join(sorted(firing))} fires while nothing has gone wrong")


def _note(outcome: Outcome, firing: Iterable[str], seconds: float) -> None:
    for name in firing:
        outcome.fired.setdefault(name, seconds)


def faster_rules(folder: Path) -> Path:
    """The alerts with a clock `FASTER` times as fast, in a file in ``folder``.

    Those of the disk keep theirs: they look hours ahead, and others write on this machine's disk as well.

    Raises:
        ObserveError: they cannot be made.
    """
    rules = folder / "alerts-faster.yml"
    command = [sys.executable, str(_RULES), "--faster", str(FASTER), "-o", str(rules)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise ObserveError(f"{' '.join(command)} failed:\n{made.stderr.strip()}")
    faster, usual = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in (rules, ALERTS))
    kept = {rule["alert"]: rule for group in usual["groups"] for rule in group["rules"] if "Disk" in rule["alert"]}
    for group in faster["groups"]:
        group["rules"] = [kept.get(rule["alert"], rule) for rule in group["rules"]]
    rules.write_text(yaml.safe_dump(faster), encoding="utf-8")
    return rules


def outcomes_table(outcomes: Iterable[Outcome]) -> Table:
    """Every scenario with what fired."""
    table = Table(title=f"Alerts, {FASTER} times as fast", title_justify="left")
    for name in ("scenario", "expected", "fired after", "others"):
        table.add_column(name, overflow="fold")
    table.add_column("resolved after", justify="right")
    for outcome in outcomes:
        expected = sorted(outcome.scenario.expected)
        fired = [f"{name} {seconds:.0f} s" for name, seconds in outcome.fired.items() if name in expected]
        table.add_row(
            outcome.scenario.name,
            "\n".join(expected),
            "\n".join(fired),
            "\n".join(outcome.others) or "none",
            "not" if outcome.resolved is None else f"{outcome.resolved:.0f} s",
            style="" if outcome.is_right else "bold red",
        )
    return table
