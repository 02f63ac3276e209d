"""The index of one partition: look up, record, expire, restore.

A `PartitionIndex` is a fold over fingerprint events: it holds nothing that a replay of the changelog would not produce
again. Everything is kept by scope, and time is the scope's own (the latest event time seen in it), so a verdict depends
only on the earlier messages of its scope, however scopes share partitions.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from stream.core.contracts.events import ChangelogEvent, FingerprintEvent, RecoveryEvent, RemovalEvent
from stream.core.dedup.articles import IndexedArticle
from stream.core.dedup.rules import VERSION
from stream.core.index import keys
from stream.core.index.bloom_filter import AnchorBloomFilter
from stream.core.index.changelog_chain import OnSkip, follows, reason_to_skip
from stream.core.index.records import Position, unpack
from stream.core.index.recovery import apply_recovery
from stream.core.index.store import Store
from stream.core.index.takedown import apply_takedown
from stream.core.index.transaction import DocumentKey, Transaction
from stream.errors import IndexDamaged

__all__ = ["LAYOUT_VERSION", "RECENT_MAX", "PartitionIndex", "Transaction"]

#: Layout of the store, and version of the rules whose verdicts it holds.
LAYOUT_VERSION: Final = f"3/{VERSION}"
#: How many decoded articles are cached, of about 4 KiB each.
RECENT_MAX: Final = 4096
#: How many scopes `PartitionIndex.oldest_s` covers; their number is unbounded, since producers choose tenants.
MEASURED_SCOPES_MAX: Final = 1000


class PartitionIndex:
    """The index of one partition over a `Store`.

    Args:
        store: Holds everything; the index closes it.
        window_ms: How far back articles are found, in milliseconds of the scope's own time.

    Raises:
        IndexDamaged: The store was written by another version of the rules, or is damaged.
    """

    def __init__(self, store: Store, *, window_ms: int) -> None:
        self.store = store
        self._window_s = window_ms // 1000
        self._position = _read_position(store)
        # Only while an index that was empty is restored.
        self._bloom_filter: AnchorBloomFilter | None = None
        # The articles that transactions used last, oldest first; all of them are committed.
        self._recent: dict[DocumentKey, IndexedArticle] = {}
        self._oldest_s: dict[str, int] = {}

    @property
    def last_offset(self) -> int:
        """Offset of the newest record, as a `Position` counts; -1 for none."""
        return self._position.last

    @property
    def changelog_end(self) -> int:
        """Offset in the changelog up to which it was read."""
        return self._position.changelog_end

    @property
    def position(self) -> Position:
        """How far it has read; not to be changed."""
        return self._position

    @property
    def documents(self) -> int:
        """How many articles were recorded since the index was empty."""
        return self._position.documents

    @property
    def oldest_s(self) -> int | None:
        """Approximate scope time (Unix seconds) at which the oldest visible article was recorded.

        Covers the scopes that had articles since the index was opened, the last `MEASURED_SCOPES_MAX` of them; None if
        there is none.
        """
        return min(self._oldest_s.values(), default=None)

    def begin_transaction(self) -> Transaction:
        """Begin a batch of decisions."""
        self.end_restore()
        return self._new_transaction()

    def commit(
        self, transaction: Transaction, *, changelog_end: int | None = None, last_event_id: str | None = None
    ) -> None:
        """Write what ``transaction`` recorded, in one step.

        Args:
            transaction: The last transaction that was begun.
            changelog_end: Offset in the changelog behind the transaction's records.
            last_event_id: Event id of the last of these records.

        Raises:
            IndexFault: The store cannot be written.
        """
        if changelog_end is not None:
            transaction.position.changelog_end = max(transaction.position.changelog_end, changelog_end)
            if last_event_id is not None:
                transaction.position.last_event = changelog_end - 1, last_event_id
        self.store.write(transaction.changes(), transaction.dropped_prefixes, transaction.deletions())
        self._position = transaction.position
        self._oldest_s.update(transaction.oldest_s)
        _drop_first(self._oldest_s, MEASURED_SCOPES_MAX)
        for key in transaction.deleted_keys:
            self._recent.pop(key, None)
        for key, article in transaction.used_articles.items():
            self._recent.pop(key, None)
            self._recent[key] = article
        _drop_first(self._recent, RECENT_MAX)

    def apply_changelog(
        self,
        events: Sequence[ChangelogEvent | None],
        *,
        changelog_end: int,
        offsets: Sequence[int] | None = None,
        on_skip: OnSkip = lambda _index, _code: None,
    ) -> int:
        """Apply changelog records that were read, and return how many of them were new.

        A record that does not follow the last applied one is skipped: what its verdict was based on never reached the
        changelog, so its input was not committed, and is decided again. After trimming, the first record is
        accepted without a predecessor, and after a record that cannot be used the first one behind it.

        Args:
            events: The records, in the order of the changelog; None for one of a worker that cannot be used.
            changelog_end: Offset in the changelog behind the last of them.
            offsets: Where they are in the changelog; None if they directly precede ``changelog_end``.
            on_skip: Called for each record that is skipped and that is no repetition of an earlier one, with its index
                in ``events`` and the reason.

        Raises:
            IndexFault: The store cannot be read or written.
        """
        if self._position.last < 0 and self._bloom_filter is None:
            self._bloom_filter = AnchorBloomFilter()
            self.store.set_bulk_load(enabled=True)
        transaction = self._new_transaction()
        fingerprints = [event for event in events if isinstance(event, FingerprintEvent)]
        transaction.prefetch_changelog(fingerprints, self._bloom_filter)
        applied = 0
        for number, event in enumerate(events):
            if event is None:
                transaction.position.has_gap = True
            elif isinstance(event, RecoveryEvent):
                apply_recovery(transaction.position, event)
                applied += 1
            elif follows(transaction.position, event):
                _apply_event(transaction, event)
                applied += 1
            elif code := reason_to_skip(transaction, event):
                on_skip(number, code)
        offsets = offsets or range(changelog_end - len(events), changelog_end)
        read = [(offset, event.event_id) for offset, event in zip(offsets, events, strict=True) if event]
        if read:
            transaction.position.last_event = read[-1]
        self.commit(transaction, changelog_end=changelog_end)
        return applied

    def follow_changelog(self, topic_id: str, *, begin: int | None = None) -> None:
        """Note which topic is the changelog.

        Args:
            topic_id: Its id.
            begin: Read it from this offset on; None to go on where the index is.

        Raises:
            IndexFault: The store cannot be written.
        """
        transaction = self._new_transaction()
        transaction.position.changelog_id = topic_id
        if begin is not None:
            transaction.position.changelog_end = begin
            transaction.position.last_event = None
        self.commit(transaction)

    def end_restore(self) -> None:
        """Release what only a restore needs, and have the store merge its files as usual."""
        if self._bloom_filter is not None:
            self._bloom_filter = None
            self.store.set_bulk_load(enabled=False)

    def reset(self) -> None:
        """Delete everything, so that the index can be restored from the beginning of the changelog."""
        self.end_restore()
        self.store.clear()
        self._position = _read_position(self.store)
        self._recent.clear()
        self._oldest_s.clear()

    def close(self) -> None:
        """Close the store."""
        self.store.close()

    def _new_transaction(self) -> Transaction:
        position = msgspec.structs.replace(self._position)
        return Transaction(self.store, position, window_s=self._window_s, recent=self._recent)


def _apply_event(transaction: Transaction, event: FingerprintEvent | RemovalEvent) -> None:
    """Apply an event that follows the last one."""
    position = transaction.position
    position.log, position.base, position.has_gap = event.log, event.base, False
    if isinstance(event, FingerprintEvent):
        transaction.add(event)
    else:
        apply_takedown(transaction, event)


def _drop_first(items: dict[Any, Any], size_max: int) -> None:
    """Delete the first ``items``, so that at most ``size_max`` remain."""
    for key in list(islice(items, max(0, len(items) - size_max))):
        del items[key]


def _read_position(store: Store) -> Position:
    value = store.get_many([keys.POSITION])[0]
    position = unpack(value, Position) if value else Position(LAYOUT_VERSION)
    if position.version != LAYOUT_VERSION:
        raise IndexDamaged(f"the index was written by version {position.version}, this is {LAYOUT_VERSION}")
    return position
