"""Findings, and figures as people say them."""

from __future__ import annotations

import pytest

from stream.doctor.facts import Unknown
from stream.doctor.findings import Finding, State, count, fail, is_well, names, ok, size, skipped, span, unknown, warn


def test_only_a_failure_is_not_well() -> None:
    assert is_well([ok("a", "b"), warn("a", "b", "c"), unknown("a", Unknown("b")), skipped("a", "b")])
    assert not is_well([ok("a", "b"), fail("a", "b", "c")])


@pytest.mark.parametrize("state", [State.WARN, State.FAIL])
def test_what_is_wrong_has_a_next_step(state: State) -> None:
    with pytest.raises(ValueError, match="next step"):
        Finding("disk", state, "full")


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.0031, "3 ms"), (1, "1 s"), (119, "119 s"), (150, "2.5 min"), (7200, "2 h"), (7 * 86400, "7 days")],
)
def test_spans(seconds: float, said: str) -> None:
    assert span(seconds) == said


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (25 << 20, "25 MiB"), (3 << 40, "3 TiB")],
)
def test_sizes(number: float, said: str) -> None:
    assert size(number) == said


def test_lists_and_counts() -> None:
    assert names(range(3)) == "0, 1, 2"
    assert names(range(9), most=2) == "0, 1 and 7 more"
    assert (count(1, "topic"), count(2000, "topic")) == ("1 topic", "2,000 topics")
