"""How far each raw log was decided, so that records that are read again beyond the window are recognized."""

from __future__ import annotations

from stream.core.contracts.events import Origin

#: Topic id, leader epoch, offset and item of the newest decided event of one raw partition; "" and -1 for none.
RawMark = tuple[str, int, int, int]


def advance_mark(marks: dict[str, RawMark], origin: Origin) -> None:
    """Note that the event from ``origin`` is decided.

    Args:
        marks: By raw partition; changed in place. A topic that was recreated replaces the mark of the earlier one.
        origin: The coordinates of its raw event.
    """
    name, mark = _partition_name(origin), _mark_of(origin)
    earlier = marks.get(name)
    if earlier is None or earlier[0] != mark[0] or earlier < mark:
        marks[name] = mark


def is_behind_mark(marks: dict[str, RawMark], origin: Origin) -> bool:
    """Whether an event at ``origin`` or behind it in the same log was decided.

    The events of a raw partition are decided in order, so this one was decided too, or rejected. After a log was
    truncated, new records have a later leader epoch, so they are not behind the mark.

    >>> marks = {}
    >>> advance_mark(marks, Origin(topic="articles.raw", partition=0, offset=7))
    >>> [is_behind_mark(marks, Origin(topic="articles.raw", partition=0, offset=offset)) for offset in (6, 7, 8)]
    [True, True, False]
    """
    mark = marks.get(_partition_name(origin))
    return mark is not None and mark[0] == (origin.topic_id or "") and _mark_of(origin) <= mark


def _partition_name(origin: Origin) -> str:
    return f"{origin.topic}/{origin.partition}"


def _mark_of(origin: Origin) -> RawMark:
    epoch = -1 if origin.leader_epoch is None else origin.leader_epoch
    return origin.topic_id or "", epoch, origin.offset, -1 if origin.item is None else origin.item
