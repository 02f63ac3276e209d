"""Offsets that repeat are told apart by the generation of their log."""

from __future__ import annotations

from tests.e2e.faults.log_history import LogHistory

TP = ("raw", 0)


def test_a_topic_that_was_created_again_has_a_new_generation_from_its_start() -> None:
    history = LogHistory()
    history.begin_generation(TP, begin=0, end=50, lost=[])
    assert [history.generation(TP, offset) for offset in (0, 60)] == [1, 1]
    assert history.generation(("raw", 1), 0) == 0
    assert history.ends == {TP: 50}


def test_what_a_truncation_has_left_stays_in_its_generation() -> None:
    history = LogHistory()
    history.begin_generation(TP, begin=30, end=50, lost=[])
    assert [history.generation(TP, offset) for offset in (29, 30)] == [0, 1]
    history.begin_generation(TP, begin=40, end=60, lost=[])
    assert [history.generation(TP, offset) for offset in (29, 30, 40)] == [0, 1, 2]
    history.begin_generation(TP, begin=35, end=70, lost=[])
    assert [history.generation(TP, offset) for offset in (29, 30, 40)] == [0, 1, 3]
    assert history.ends == {TP: 50, ("raw#1", 0): 60, ("raw#2", 0): 70}


def test_offsets_get_the_name_of_the_newest_generation() -> None:
    history = LogHistory()
    history.begin_generation(TP, begin=30, end=50, lost=[])
    assert history.tag({TP: 31, ("raw", 1): 7}) == {("raw#1", 0): 31, ("raw", 1): 7}
