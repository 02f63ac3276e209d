"""Log lines about changes of state: one for each change."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from faust.types import TP

from stream.core.index.records import Promotion
from stream.core.pipeline.outcome import Outcome
from stream.observability.flow_log import FlowLog, format_partitions
from stream.observability.log_setup import configure_logging
from stream.observability.progress_watch import HealthCheck
from tests.support.logging import restored_logging


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    with restored_logging():
        yield


def states(log_changes: Callable[[FlowLog], None]) -> list[dict[str, Any]]:
    """The logged lines, without time, logger and level."""
    out = io.StringIO()
    handler = configure_logging("DEBUG", "json", stream=out)
    log_changes(FlowLog())
    handler.close()
    lines = [json.loads(line) for line in out.getvalue().splitlines()]
    return [{name: value for name, value in line.items() if name not in ("time", "logger", "level")} for line in lines]


def health(**stalled: float) -> HealthCheck:
    seconds = {name.replace("_", "/"): value for name, value in stalled.items()}
    return HealthCheck(not seconds, {"partitions": 4, "stalled_seconds": seconds})


def test_a_stall_and_its_end_are_logged_once_for_each_partition() -> None:
    ready = HealthCheck(is_good=False, details={})

    def log_fault(log: FlowLog) -> None:
        for check in (health(), health(raw_0=121.0), health(raw_0=122.0), health(raw_0=123.0, raw_1=121.0), health()):
            log.log_changes(check, ready)

    assert states(log_fault) == [
        {"event": "stalled", "partitions": "raw/0", "seconds": 121.0},
        {"event": "stalled", "partitions": "raw/1", "seconds": 121.0},
        {"event": "no longer stalled", "partitions": "raw/0-1"},
    ]


def test_changes_of_readiness_are_logged_once() -> None:
    def log_fault(log: FlowLog) -> None:
        for is_ready in (False, False, True, True, False, True):
            log.log_changes(health(), HealthCheck(is_ready, {}))

    assert [line["event"] for line in states(log_fault)] == ["ready", "not ready", "ready"]


def test_promotions_of_a_batch_that_are_lost_are_one_line() -> None:
    lost = [
        Promotion.of_takedown("0" * 32, name, "c" * 32, offset=offset, event_id=b"e", revision=1)
        for name, offset in (("a", 17), ("b", 19))
    ]
    outcomes = [Outcome("withdrawn", [], promotions=lost, lost_promotions=[each]) for each in lost]

    def log_fault(log: FlowLog) -> None:
        log.log_lost_promotions(TP("normalized", 3), outcomes)
        log.log_lost_promotions(TP("normalized", 3), [Outcome("withdrawn", [], promotions=lost)])

    event = "canonical articles cannot be published again: their records are gone"
    assert states(log_fault) == [{"event": event, "topic": "normalized", "partition": 3, "records": 2, "offset": 17}]


def test_waiting_for_partitions_is_logged_once() -> None:
    def log_fault(log: FlowLog) -> None:
        for seconds in (121, 122):
            details = {"partitions": 0, "stalled_seconds": {}, "waiting_for_group_seconds": seconds}
            log.log_changes(HealthCheck(is_good=False, details=details), HealthCheck(is_good=False, details={}))

    assert states(log_fault) == [{"event": "no partitions assigned by the group", "seconds": 121}]


@pytest.mark.parametrize(
    ("partitions", "expected"),
    [
        ([], ""),
        ([("raw", 0)], "raw/0"),
        ([("raw", 7), ("raw", 0), ("raw", 2), ("raw", 1), ("a", 3)], "a/3 raw/0-2,7"),
        ([("raw", number) for number in range(1000)], "raw/0-999"),
    ],
)
def test_partitions_are_formatted_as_ranges(partitions: list[Any], expected: str) -> None:
    assert format_partitions(partitions) == expected
