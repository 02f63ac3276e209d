"""When a worker counts as stalled; the time is an argument."""

from __future__ import annotations

from faust.types import TP

from stream.observability.progress_watch import ProgressWatch, lag
from stream.transport.record_batch import Progress

ONE, TWO = TP("raw", 0), TP("raw", 1)


def test_lag_is_the_number_of_unfinished_records() -> None:
    assert lag(Progress(3, 10)) == 7
    assert lag(Progress(10, 10)) == 0
    assert lag(Progress(11, 10)) == 0  # the end was read before the position
    assert lag(Progress(3, None)) == 0


def test_a_worker_without_partitions_is_healthy() -> None:
    check = ProgressWatch(10).check(1000)
    assert check.is_good
    assert check.details == {"partitions": 0, "stalled_seconds": {}}


def test_a_partition_with_lag_and_no_progress_is_stalled() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9), TWO: Progress(5, 5)}, 100)
    watch.observe({ONE: Progress(5, 9), TWO: Progress(5, 5)}, 110)
    assert watch.check(110).is_good
    watch.observe({ONE: Progress(5, 20), TWO: Progress(5, 5)}, 111)
    check = watch.check(111)
    assert not check.is_good
    assert check.details == {"partitions": 2, "stalled_seconds": {"raw/0": 11.0}}


def test_progress_ends_a_stall() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9)}, 100)
    assert not watch.check(120).is_good
    assert watch.observe({ONE: Progress(6, 9)}, 120) == [ONE]
    assert watch.check(130).is_good
    assert not watch.check(131).is_good


def test_an_idle_partition_has_the_whole_limit_when_work_arrives() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 5)}, 100)
    watch.observe({ONE: Progress(5, 5)}, 500)
    watch.observe({ONE: Progress(5, 6)}, 501)
    assert watch.check(509).is_good
    assert not watch.check(511).is_good


def test_a_revoked_partition_is_forgotten() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9), TWO: Progress(1, 1)}, 100)
    watch.observe({TWO: Progress(1, 1)}, 150)
    assert watch.check(200).details == {"partitions": 1, "stalled_seconds": {"raw/1": 50.0}}
    watch.observe({ONE: Progress(5, 9), TWO: Progress(1, 1)}, 200)
    assert watch.check(205).is_good


def test_only_partitions_with_progress_are_returned() -> None:
    watch = ProgressWatch(10)
    assert watch.observe({ONE: Progress(5, 9), TWO: Progress(0, 0)}, 100) == [ONE, TWO]
    assert watch.observe({ONE: Progress(5, 9), TWO: Progress(0, 0)}, 101) == []
    assert watch.observe({ONE: Progress(5, 9), TWO: Progress(1, 1)}, 102) == [TWO]


def test_an_advancing_restore_is_no_stall() -> None:
    watch = ProgressWatch(10)
    for now, restored in ((100, 0), (109, 500), (118, 900)):
        assert watch.observe({ONE: Progress(5, 9)}, now, restoring={ONE: restored}) == ([ONE] if restored == 0 else [])
        assert watch.check(now).is_good
    watch.observe({ONE: Progress(5, 9)}, 125, restoring={ONE: 900})
    assert watch.check(128).is_good
    assert not watch.check(129).is_good


def test_the_first_batch_after_a_restore_has_the_whole_limit() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9)}, 100, restoring={ONE: 900})
    watch.observe({ONE: Progress(5, 9)}, 109)
    assert watch.check(118).is_good
    assert not watch.check(120).is_good
