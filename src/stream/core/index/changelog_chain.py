"""Which records of the changelog follow each other: each names the offset of the record before it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from stream.core.contracts.events import ChangelogEvent, FingerprintEvent, RecoveryEvent, RemovalEvent
from stream.core.index.changelog_records import SkipCode
from stream.core.index.records import Position
from stream.core.index.transaction import Transaction

#: Gets the index of a record and the reason why it was skipped.
OnSkip = Callable[[int, SkipCode], None]


def follows(position: Position, event: FingerprintEvent | RemovalEvent) -> bool:
    """Whether ``event`` is the next one of an index that has got to ``position``.

    After a record that cannot be used, the next one names that record, or one behind it.
    """
    if event.offset <= position.last:
        return False
    return position.last in (-1, event.previous) or (position.has_gap and event.previous > position.last)


def find_last(events: Iterable[ChangelogEvent | None], *, is_incomplete: bool = False) -> ChangelogEvent | None:
    """Return the last event of the chain in a part of the changelog; None if there is none.

    It is not known how the chain began, so the longest one counts: a forged record has no predecessor, and none follows
    it.

    Args:
        events: The records in the order of the changelog; None for one of a worker that cannot be used.
        is_incomplete: Whether records are known to be lost, so that the chain may go on behind them.
    """
    last: ChangelogEvent | None = None
    lengths: dict[int, int] = {}
    length_max, has_gap = 0, is_incomplete
    for event in events:
        if event is None:
            has_gap = True
            continue
        if isinstance(event, RecoveryEvent) or (has_gap and last is not None and event.previous > last.offset):
            length = length_max + 1
        else:
            length = lengths.get(event.previous, 0) + 1
        lengths[event.offset] = max(length, lengths.get(event.offset, 0))
        if length > length_max:
            last, length_max, has_gap = event, length, is_incomplete
    return last


def reason_to_skip(transaction: Transaction, event: FingerprintEvent | RemovalEvent) -> SkipCode | None:
    """Return why ``event``, which does not follow, is skipped; None if it repeats what the index has.

    Workers repeat records when they retry, or when two had the same partition for a moment: then the bytes are equal.
    """
    if event.offset > transaction.position.last:
        return "broken_chain"
    if isinstance(event, RemovalEvent):
        takedown = transaction.find_takedown(event)
        is_repeat = takedown is not None and takedown.target == (event.id, event.url_key)
    else:
        is_repeat = transaction.has_article(event)
    return None if is_repeat else "conflict"
