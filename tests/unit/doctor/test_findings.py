"""Findings, and the formatting of figures."""

from __future__ import annotations

import pytest

from stream.doctor.facts import Unknown
from stream.doctor.findings import (
    Finding,
    State,
    fail,
    format_count,
    format_duration,
    format_size,
    is_acceptable,
    join_names,
    ok,
    skip,
    unknown,
    warn,
)


def test_only_failures_count_as_failures() -> None:
    harmless = [ok("a", "b"), unknown("a", Unknown("b")), skip("a", "b")]
    warning, failure = warn("a", "b", "c"), fail("a", "b", "c")
    for findings, is_good, is_good_if_strict in (
        (harmless, True, True),
        ([*harmless, warning], True, False),
        ([*harmless, failure], False, False),
    ):
        assert is_acceptable(findings, strict=False) is is_good
        assert is_acceptable(findings, strict=True) is is_good_if_strict


@pytest.mark.parametrize("state", [State.WARN, State.FAIL])
def test_a_problem_needs_a_next_step(state: State) -> None:
    with pytest.raises(ValueError, match="next step"):
        Finding("disk", state, "full")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0031, "3 ms"), (1, "1 s"), (119, "119 s"), (150, "2.5 min"), (7200, "2 h"), (7 * 86400, "7 days")],
)
def test_durations_are_formatted_in_the_largest_unit(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KiB"), (25 << 20, "25 MiB"), (3 << 40, "3 TiB")],
)
def test_sizes_are_formatted_in_the_largest_unit(number: float, text: str) -> None:
    assert format_size(number) == text


def test_names_and_counts_are_formatted() -> None:
    assert join_names(range(3)) == "0, 1, 2"
    assert join_names(range(9), limit=2) == "0, 1 and 7 more"
    assert (format_count(1, "topic"), format_count(2000, "topic")) == ("1 topic", "2,000 topics")
