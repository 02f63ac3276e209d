"""The index of one partition: look up, record, expire, restore.

It is a fold over fingerprint events: `PartitionIndex` holds nothing that a replay of the changelog would not
give again. Everything is kept by scope, and time is the scope's own (the latest event time seen in it), so a
verdict depends on the earlier messages of its scope and on nothing else, however scopes share partitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Final

import msgspec

from stream.core.contracts.events import FingerprintEvent, RemovalEvent
from stream.core.dedup.rules import VERSION, IndexedArticle
from stream.core.index import keys
from stream.core.index.anchor_lookup import AnchorBloomFilter
from stream.core.index.records import Position, unpack
from stream.core.index.store import Store
from stream.core.index.takedown import remove
from stream.core.index.transaction import DocumentKey, Transaction
from stream.errors import IndexDamaged

__all__ = ["LAYOUT_VERSION", "RECENT_MAX", "PartitionIndex", "Transaction"]

#: Layout of the store, and the rules whose verdicts it holds.
LAYOUT_VERSION: Final = f"2/{VERSION}"
#: Articles kept at hand, decoded: about 4 KiB each.
RECENT_MAX: Final = 4096
#: Scopes whose oldest article is remembered; tenants are whatever producers name.
SCOPES_TOLD_MAX: Final = 1000


class PartitionIndex:
    """The index of one partition over a `Store`.

    ``window_ms``: how far back articles are remembered, in milliseconds of the scope's own time.

    Raises:
        IndexDamaged: the store was written by another version of the rules, or is damaged.
    """

    def __init__(self, store: Store, *, window_ms: int) -> None:
        self.store = store
        self._window_s = window_ms // 1000
        self._position = _read_position(store)
        # Of a restore that began with nothing.
        self._unseen: AnchorBloomFilter | None = None
        # The newest articles that sessions looked at or recorded, oldest first; all of them are committed.
        self._recent: dict[DocumentKey, IndexedArticle] = {}
        self._oldest: dict[str, int] = {}

    @property
    def last_offset(self) -> int:
        """Offset in the normalized topic of the newest article, -1 for none."""
        return self._position.last

    @property
    def changelog_end(self) -> int:
        """Offset in the changelog from which on it has not been read."""
        return self._position.changelog_end

    @property
    def documents(self) -> int:
        """Articles recorded since the index began."""
        return self._position.documents

    @property
    def oldest_s(self) -> int | None:
        """When about the oldest article was recorded that is still found, in seconds since 1970 of its scope's time.

        Of the scopes with articles since the index was opened, at most `SCOPES_TOLD_MAX` of them; None without one.
        """
        return min(self._oldest.values(), default=None)

    def transaction(self) -> Transaction:
        """A batch of decisions on the index as it stands."""
        self.end_restore()
        return self._transaction()

    def _transaction(self) -> Transaction:
        position = msgspec.structs.replace(self._position)
        return Transaction(self.store, position, window_s=self._window_s, recent=self._recent)

    def commit(self, transaction: Transaction, *, changelog_end: int | None = None) -> None:
        """Write what ``transaction`` recorded, in one step."""
        if changelog_end is not None:
            transaction.position.changelog_end = max(transaction.position.changelog_end, changelog_end)
        self.store.write(transaction.changes(), transaction.dropped)
        self._position = transaction.position
        self._oldest.update(transaction.oldest)
        for scope in list(islice(self._oldest, max(0, len(self._oldest) - SCOPES_TOLD_MAX))):
            del self._oldest[scope]
        for place in transaction.gone:
            self._recent.pop(place, None)
        self._remember(transaction.seen)

    def restore(self, events: Sequence[FingerprintEvent | RemovalEvent], *, changelog_end: int) -> int:
        """Take over changelog records and return how many were new.

        A record that does not follow the last one taken over is left out: what it was based on never reached
        the changelog, so nothing behind it was committed, and it is decided again. The first record of a
        trimmed changelog follows nothing.
        """
        if self._position.last < 0 and self._unseen is None:
            self._unseen = AnchorBloomFilter()
            self.store.set_bulk_load(enabled=True)
        transaction = self._transaction()
        transaction.prefetch_records([event for event in events if isinstance(event, FingerprintEvent)], self._unseen)
        taken = 0
        for event in events:
            if event.offset > transaction.position.last and transaction.position.last in (-1, event.previous):
                _take(transaction, event)
                taken += 1
        self.commit(transaction, changelog_end=changelog_end)
        return taken

    def end_restore(self) -> None:
        """Let go of what only a restore needs."""
        if self._unseen is not None:
            self._unseen = None
            self.store.set_bulk_load(enabled=False)

    def reset(self) -> None:
        """Forget everything: the index is to be restored from the beginning of the changelog."""
        self.end_restore()
        self.store.clear()
        self._position = _read_position(self.store)
        self._recent.clear()
        self._oldest.clear()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _remember(self, seen: dict[DocumentKey, IndexedArticle]) -> None:
        recent = self._recent
        for place, earlier in seen.items():
            recent.pop(place, None)
            recent[place] = earlier
        for place in list(islice(recent, max(0, len(recent) - RECENT_MAX))):
            del recent[place]


def _take(transaction: Transaction, event: FingerprintEvent | RemovalEvent) -> None:
    if isinstance(event, FingerprintEvent):
        transaction.record(event)
    else:
        remove(transaction, event)
        transaction.position.last = event.offset


def _read_position(store: Store) -> Position:
    value = store.get_many([keys.POSITION])[0]
    position = unpack(value, Position) if value else Position(LAYOUT_VERSION)
    if position.version != LAYOUT_VERSION:
        raise IndexDamaged(f"the index was written by version {position.version}, this is {LAYOUT_VERSION}")
    return position
