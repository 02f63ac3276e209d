"""How far each raw log was decided."""

from __future__ import annotations

from typing import Any

import pytest

from stream.core.contracts.events import Origin
from stream.core.index.raw_marks import RawMark, advance_mark, is_behind_mark

TOPIC_ID = "AAAAAAAAAAAAAAAAAAAAAA"


def origin(offset: int, **fields: Any) -> Origin:
    return Origin(topic="articles.raw", partition=0, offset=offset, **fields)


@pytest.mark.parametrize(
    ("decided", "event", "is_behind"),
    [
        (origin(7), origin(7), True),
        (origin(7), origin(8), False),
        (origin(7, item=1), origin(7, item=1), True),
        (origin(7, item=1), origin(7, item=0), True),
        (origin(7, item=1), origin(7, item=2), False),
        (origin(7), origin(3, leader_epoch=0), False),
        (origin(7, leader_epoch=2), origin(3, leader_epoch=3), False),
        (origin(7, leader_epoch=2), origin(9, leader_epoch=1), True),
        (origin(7, topic_id=TOPIC_ID), origin(3), False),
    ],
    ids=[
        "the same record",
        "a later record",
        "the same item",
        "an earlier item",
        "a later item",
        "the first epoch after records without one",
        "a later epoch, after the log was truncated",
        "an earlier epoch",
        "another log",
    ],
)
def test_an_event_is_behind_the_newest_one_of_its_log(decided: Origin, event: Origin, is_behind: bool) -> None:
    marks: dict[str, RawMark] = {}
    advance_mark(marks, decided)
    assert is_behind_mark(marks, event) is is_behind


def test_a_mark_does_not_go_back_within_its_log() -> None:
    marks: dict[str, RawMark] = {}
    for offset in (7, 3):
        advance_mark(marks, origin(offset))
    assert is_behind_mark(marks, origin(7))


def test_a_topic_that_was_recreated_replaces_the_mark() -> None:
    marks: dict[str, RawMark] = {}
    advance_mark(marks, origin(7))
    advance_mark(marks, origin(1, topic_id=TOPIC_ID))
    assert [is_behind_mark(marks, origin(offset, topic_id=TOPIC_ID)) for offset in (1, 2)] == [True, False]


def test_partitions_and_topics_have_marks_of_their_own() -> None:
    marks: dict[str, RawMark] = {}
    advance_mark(marks, origin(7))
    assert not is_behind_mark(marks, Origin(topic="articles.raw", partition=1, offset=3))
    assert not is_behind_mark(marks, Origin(topic="other", partition=0, offset=3))
