"""The clusters of one scope in the order in which articles joined them, to find those that left the window.

An entry is a cluster, and the scope's time when an article joined it. An article that joins later adds another entry,
and the earlier one no longer counts. So entries are in the order of their times, and only the first one is looked at.

Entries are not part of a generation: one that is dropped may hold clusters that were not taken from the queue yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import Struct
from typing import Final, NamedTuple

import msgspec

from stream.core.index.store import Store
from stream.errors import IndexDamaged

_ENTRY: Final = Struct("<I16s")


class QueueState(msgspec.Struct, array_like=True):
    """Which entries a queue has.

    Attributes:
        first: Number of the first entry.
        end: Number behind the last entry.
        first_s: The time of the first entry, in seconds since 1970.
    """

    first: int = 0
    end: int = 0
    first_s: int = 0


class QueueEntry(NamedTuple):
    """An entry that was taken from a queue."""

    number: int
    cluster_id: str


class ExpiryQueue:
    """The queue of one scope, overlaid with what the transaction added and took.

    Args:
        store: The store of the index.
        prefix: The prefix of the queue's keys.
        state: Changed in place.
    """

    def __init__(self, store: Store, prefix: bytes, state: QueueState) -> None:
        self._store = store
        self._prefix = prefix
        self._state = state
        self._added: dict[int, bytes] = {}
        self._taken: list[int] = []

    def add(self, cluster_id: str, now_s: int) -> int:
        """Add an entry, and return its number.

        Args:
            cluster_id: The cluster that an article joins.
            now_s: The scope's time, in seconds since 1970; not before that of the entry before.
        """
        state = self._state
        number = state.end
        self._added[number] = _ENTRY.pack(now_s, bytes.fromhex(cluster_id))
        if state.first == number:
            state.first_s = now_s
        state.end += 1
        return number

    def take_before(self, horizon_s: int) -> QueueEntry | None:
        """Take the first entry if its time is before ``horizon_s``.

        Raises:
            IndexDamaged: The store lacks an entry.
        """
        state = self._state
        if state.first == state.end or state.first_s >= horizon_s:
            return None
        number = state.first
        _, cluster_id = self._read(number)
        self._taken.append(number)
        state.first += 1
        if state.first < state.end:
            state.first_s, _ = self._read(state.first)
        return QueueEntry(number, cluster_id.hex())

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        """Return the keys and values to be put into the store."""
        return ((self._key(number), entry) for number, entry in self._added.items() if number >= self._state.first)

    def deletions(self) -> Iterator[bytes]:
        """Return the keys to be deleted from the store."""
        return map(self._key, self._taken)

    def _read(self, number: int) -> tuple[int, bytes]:
        value = self._added.get(number)
        if value is None:
            value = self._store.get_many([self._key(number)])[0]
            if value is None or len(value) != _ENTRY.size:
                raise IndexDamaged(f"the index lacks entry {number} of its queue of clusters")
            self._added[number] = value
        time_s, cluster_id = _ENTRY.unpack(value)
        return time_s, cluster_id

    def _key(self, number: int) -> bytes:
        return self._prefix + number.to_bytes(8, "big")
