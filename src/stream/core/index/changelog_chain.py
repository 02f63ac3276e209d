"""Which records of the changelog follow each other: each names the offset of the record before it."""

from __future__ import annotations

from collections.abc import Callable

from stream.core.contracts.events import FingerprintEvent, RemovalEvent
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
