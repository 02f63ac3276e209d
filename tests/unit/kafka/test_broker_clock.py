"""A clock that is set while a worker runs."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from stream.core.timestamps import HOUR_MS
from stream.kafka.broker_clock import ClockSkew, JumpGuard


@dataclass
class Clocks:
    """The time, and the seconds that have passed."""

    time_ms: int = 1_800_000_000_000
    passed_s: float = 5000.0

    def guard(self) -> JumpGuard:
        """A guard over these clocks."""
        return JumpGuard(now_ms=lambda: self.time_ms, elapsed_s=lambda: self.passed_s, limit_ms=HOUR_MS)


@pytest.mark.parametrize(
    ("set_by_ms", "passed_s", "jump_ms"),
    [
        (0, 90_000, 0),
        (HOUR_MS, 60, 0),
        (-HOUR_MS, 60, 0),
        (HOUR_MS + 1, 60, HOUR_MS + 1),
        (-26 * HOUR_MS, 60, -26 * HOUR_MS),
    ],
)
def test_a_clock_that_is_set_by_more_than_the_limit_has_jumped(set_by_ms: int, passed_s: int, jump_ms: int) -> None:
    clocks = Clocks()
    guard = clocks.guard()
    clocks.passed_s += passed_s
    clocks.time_ms += passed_s * 1000 + set_by_ms
    assert guard.jump_ms() == jump_ms


@pytest.mark.parametrize(("ahead_ms", "error_ms", "certain_ms"), [(50, 20, 30), (-50, 20, 30), (10, 20, 0)])
def test_clocks_differ_at_least_by_what_the_round_trip_does_not_explain(
    ahead_ms: float, error_ms: float, certain_ms: float
) -> None:
    assert ClockSkew(ahead_ms, error_ms).certain_ms == certain_ms
