"""When a worker counts as stuck; the clock is a number that is handed in."""

from __future__ import annotations

from faust.types import TP

from stream.observability.progress_watch import ProgressWatch, lag
from stream.transport.record_batch import Progress

ONE, TWO = TP("raw", 0), TP("raw", 1)


def test_lag_is_what_is_not_finished() -> None:
    assert lag(Progress(3, 10)) == 7
    assert lag(Progress(10, 10)) == 0
    assert lag(Progress(11, 10)) == 0  # the end is older news than the position
    assert lag(Progress(3, None)) == 0


def test_no_partitions_are_healthy() -> None:
    check = ProgressWatch(10).check(1000)
    assert check.is_good
    assert check.details == {"partitions": 0, "stalled_seconds": {}}


def test_a_partition_with_a_lag_that_does_not_move_is_a_stall() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9), TWO: Progress(5, 5)}, 100)
    watch.observe({ONE: Progress(5, 9), TWO: Progress(5, 5)}, 110)
    assert watch.check(110).is_good
    watch.observe({ONE: Progress(5, 20), TWO: Progress(5, 5)}, 111)
    check = watch.check(111)
    assert not check.is_good
    assert check.details == {"partitions": 2, "stalled_seconds": {"raw/0": 11.0}}


def test_moving_on_ends_the_stall() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9)}, 100)
    assert not watch.check(120).is_good
    assert watch.observe({ONE: Progress(6, 9)}, 120) == [ONE]
    assert watch.check(130).is_good
    assert not watch.check(131).is_good


def test_an_idle_partition_is_given_the_whole_limit_when_work_arrives() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 5)}, 100)
    watch.observe({ONE: Progress(5, 5)}, 500)
    watch.observe({ONE: Progress(5, 6)}, 501)
    assert watch.check(509).is_good
    assert not watch.check(511).is_good


def test_a_partition_that_was_given_back_is_forgotten() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9), TWO: Progress(1, 1)}, 100)
    watch.observe({TWO: Progress(1, 1)}, 150)
    assert watch.check(200).details == {"partitions": 1, "stalled_seconds": {"raw/1": 50.0}}
    watch.observe({ONE: Progress(5, 9), TWO: Progress(1, 1)}, 200)
    assert watch.check(205).is_good


def test_only_what_moved_is_told() -> None:
    watch = ProgressWatch(10)
    assert watch.observe({ONE: Progress(5, 9), TWO: Progress(0, 0)}, 100) == [ONE, TWO]
    assert watch.observe({ONE: Progress(5, 9), TWO: Progress(0, 0)}, 101) == []
    assert watch.observe({ONE: Progress(5, 9), TWO: Progress(1, 1)}, 102) == [TWO]


def test_a_restore_that_gets_on_is_no_stall() -> None:
    watch = ProgressWatch(10)
    for moment, reached in ((100, 0), (109, 500), (118, 900)):
        assert watch.observe({ONE: Progress(5, 9)}, moment, restoring={ONE: reached}) == ([ONE] if reached == 0 else [])
        assert watch.check(moment).is_good
    watch.observe({ONE: Progress(5, 9)}, 125, restoring={ONE: 900})
    assert watch.check(128).is_good
    assert not watch.check(129).is_good


def test_the_end_of_a_restore_gives_the_whole_limit_to_the_first_batch() -> None:
    watch = ProgressWatch(10)
    watch.observe({ONE: Progress(5, 9)}, 100, restoring={ONE: 900})
    watch.observe({ONE: Progress(5, 9)}, 109)
    assert watch.check(118).is_good
    assert not watch.check(120).is_good
