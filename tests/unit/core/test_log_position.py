"""Whether a log is still the one that was read."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.contracts.records import LogId
from stream.core.log_position import UNKNOWN_LOG, LogChange, LogPosition, LogState, describe_change

FIRST, SECOND = "q8vTzcWnSDm2aSZC9Xv1Yg", "bNf0mMVJQnOQ7tNHZz0gWA"
READ = LogPosition(LogId(FIRST, 3), 100)


@pytest.mark.parametrize(
    ("state", "change"),
    [
        pytest.param(LogState(FIRST, 3, 0, 100, 100), None, id="nothing new"),
        pytest.param(LogState(FIRST, 5, 0, 140, 120), None, id="a clean change of the leader"),
        pytest.param(LogState(FIRST, 3, 130, 140, 140), None, id="retention deleted what was not read"),
        pytest.param(LogState(FIRST, 3, 140, 140, None), None, id="retention deleted everything"),
        pytest.param(LogState(FIRST, 5, 130, 140, 130), None, id="retention deleted the whole epoch"),
        pytest.param(LogState("", -1, 0, 100, None), None, id="a broker without topic ids"),
        pytest.param(LogState(FIRST, 3, 0, 60, 60), LogChange("truncated", 60), id="the end was lost"),
        pytest.param(LogState(FIRST, 4, 0, 140, 60), LogChange("truncated", 60), id="and written anew"),
        pytest.param(LogState(FIRST, 4, 0, 80, 60), LogChange("truncated", 60), id="and written in part"),
        pytest.param(LogState(FIRST, 2, 5, 140, -1), LogChange("truncated", 5), id="the epoch is not known at all"),
        pytest.param(LogState("", -1, 0, 60, None), LogChange("truncated", 60), id="lost, without topic ids"),
        pytest.param(LogState(SECOND, 0, 0, 140, 140), LogChange("recreated", 0), id="another topic, longer"),
        pytest.param(LogState(SECOND, 0, 7, 9, -1), LogChange("recreated", 7), id="another topic, shorter"),
    ],
)
def test_a_log_is_compared_with_what_was_read(state: LogState, change: LogChange | None) -> None:
    assert describe_change(READ, state) == change


@pytest.mark.parametrize(("end", "change"), [(100, None), (99, LogChange("truncated", 99))])
def test_a_position_without_a_topic_id_compares_offsets_only(end: int, change: LogChange | None) -> None:
    assert describe_change(LogPosition(UNKNOWN_LOG, 100), LogState(SECOND, 9, 0, end, None)) == change


@given(st.integers(0, 50), st.integers(0, 50), st.integers(-1, 50))
def test_what_differs_begins_inside_the_log_and_before_the_position(offset: int, end: int, epoch_end: int) -> None:
    start = min(end, 5)
    position = LogPosition(LogId(FIRST, 3), offset)
    change = describe_change(position, LogState(FIRST, 4, start, end, min(epoch_end, end)))
    assert change is None or (change.kind == "truncated" and 0 <= change.keep_until <= end)
