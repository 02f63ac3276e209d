"""How an index goes on after a log went back: see `stream recover`."""

from __future__ import annotations

from collections.abc import Iterable

from stream.core.contracts.events import DecidedUpTo, Origin, RecoveryEvent
from stream.core.index.raw_marks import RawMark, advance_mark
from stream.core.index.records import Position


def apply_recovery(position: Position, event: RecoveryEvent) -> None:
    """Go on at the offsets that ``event`` names; what the index holds stays."""
    position.last = event.offset
    position.base = event.base
    position.log = event.log
    position.recovery_id = event.event_id
    lost_marks = dict(position.lost_marks)
    for decided in event.decided:
        advance_mark(lost_marks, _to_origin(decided))
    position.lost_marks = lost_marks


def decided_up_to(origins: Iterable[Origin]) -> list[DecidedUpTo]:
    """How far each raw partition was decided, if the events from ``origins`` were decided in this order.

    >>> [(each.partition, each.offset) for each in decided_up_to(
    ...     [Origin(topic="raw", partition=1, offset=4), Origin(topic="raw", partition=1, offset=7)])]
    [(1, 7)]
    """
    marks: dict[str, RawMark] = {}
    for origin in origins:
        advance_mark(marks, origin)
    return [_to_decided(name, mark) for name, mark in sorted(marks.items())]


def _to_decided(name: str, mark: RawMark) -> DecidedUpTo:
    topic, _, partition = name.rpartition("/")
    topic_id, leader_epoch, offset, item = mark
    return DecidedUpTo(
        topic=topic, partition=int(partition), topic_id=topic_id, leader_epoch=leader_epoch, offset=offset, item=item
    )


def _to_origin(decided: DecidedUpTo) -> Origin:
    return Origin(
        topic=decided.topic,
        partition=decided.partition,
        offset=decided.offset,
        item=None if decided.item < 0 else decided.item,
        topic_id=decided.topic_id or None,
        leader_epoch=None if decided.leader_epoch < 0 else decided.leader_epoch,
    )
