"""One scope of an index as a transaction sees it: its clock, its two generations, and the transaction's writes.

A value written to the current generation hides the value under the same name in the previous one. All that the previous
generation holds was seen before the current one began. Once that is outside the window, no new decision reads it.
A worker that restarts after a crash may: it consumes again the offsets that were not committed, and has to find what it
found the first time. So the previous generation is dropped only `REDELIVERED_OFFSETS_MAX` offsets later, when the
current one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Final

import msgspec
import numpy as np

from stream.core.dedup.fingerprint import NO_HASHES
from stream.core.folding.hashing import Hashes
from stream.core.index.anchor_lookup import ArticleAnchors, UniqueAnchors, look_up_anchors
from stream.core.index.bloom_filter import AnchorBloomFilter
from stream.core.index.expiry_queue import ExpiryQueue, QueueState
from stream.core.index.keys import SECONDS_MAX, anchor_names, scope_key, scope_prefix
from stream.core.index.raw_marks import RawMark
from stream.core.index.records import unpack
from stream.core.index.store import Store

#: How many offsets of a partition may be consumed again after a crash: those decided and not yet committed.
REDELIVERED_OFFSETS_MAX: Final = 50_000


class ScopeState(msgspec.Struct, array_like=True):
    """The clock of one scope and its current generation.

    Attributes:
        now_s: The latest event time seen, in seconds since 1970.
        generation: Counts generations; its parity is part of every key.
        began_s: The scope's time when the generation began, -1 before the first article.
        expired_at_offset: The offset at which `began_s` left the window, -1 while it is inside.
        raw_marks: How far each raw partition was decided.
        queue: Which entries the queue of clusters has.
    """

    now_s: int = 0
    generation: int = 0
    began_s: int = -1
    expired_at_offset: int = -1
    raw_marks: dict[str, RawMark] = {}
    queue: QueueState = msgspec.field(default_factory=QueueState)


class ScopeView:
    """One scope: the values in the store, overlaid with those that the transaction wrote.

    Args:
        store: The store of the index.
        scope: Tenant and language.
        window_s: Length of the window, in seconds.
    """

    def __init__(self, store: Store, scope: str, *, window_s: int) -> None:
        self._store = store
        self._window_s = window_s
        self._prefix = scope_prefix(scope)
        value = store.get_many([scope_key(self._prefix)])[0]
        #: Whether no article of the scope was ever recorded.
        self.is_new = value is None
        self._state = unpack(value, ScopeState) if value else ScopeState()
        #: The scope's clusters, by the time at which an article joined them.
        self.queue = ExpiryQueue(store, self._prefix + b"\2", self._state.queue)
        # The overlay, name -> value. `_values`: everything read or written. `_written`: the part written to the current
        # generation.
        self._values: dict[bytes, bytes | None] = {}
        self._puts: dict[bytes, bytes] = {}
        self._unique = UniqueAnchors(NO_HASHES, [])
        self._anchors: dict[bytes, ArticleAnchors] = {}
        # Generations by the prefix of their keys: the one that is written, those that may be read (newest first), and
        # those that are deleted from the store. If a generation ends within a transaction, which is rare,
        # `_previous_puts` keeps its writes until the commit.
        self._current, previous = self._prefix + b"\0", self._prefix + b"\1"
        if self._state.generation & 1:
            self._current, previous = previous, self._current
        self._readable = [self._current, previous] if self._state.generation else [self._current]
        #: The store has to delete all keys with one of these prefixes before `changes` are put.
        self.dropped_prefixes: list[bytes] = []
        self._previous_puts: list[tuple[bytes, bytes]] = []

    # The clock

    @property
    def now_s(self) -> int:
        """The scope's time: the latest event time seen in it, in seconds since 1970."""
        return self._state.now_s

    @property
    def raw_marks(self) -> dict[str, RawMark]:
        """How far each raw partition was decided in this scope; never forgotten."""
        return self._state.raw_marks

    def horizon_s(self, time_ms: int = 0) -> int:
        """The beginning of the window, in seconds since 1970; what was seen before is not found.

        Args:
            time_ms: Time of the event that is being decided, which may be later than the scope's.
        """
        return max(0, max(self._state.now_s, _to_seconds(time_ms)) - self._window_s)

    @property
    def oldest_s(self) -> int | None:
        """Approximate scope time (Unix seconds) at which the oldest visible article was recorded."""
        state = self._state
        if state.began_s < 0:
            return None
        # When a later generation begins, the one before it is older than the window.
        return self.horizon_s() if state.generation else max(self.horizon_s(), state.began_s)

    def advance_clock(self, time_ms: int, *, offset: int) -> bool:
        """Set the clock to ``time_ms`` if that is later; return whether a new generation begins.

        If one begins, values that were read before may be gone with the generation that was dropped.

        Args:
            time_ms: Time of the article that is about to be recorded.
            offset: Its offset.
        """
        state = self._state
        state.now_s = max(state.now_s, _to_seconds(time_ms))
        if state.began_s < 0:
            state.began_s = state.now_s
        elif state.expired_at_offset < 0:
            state.expired_at_offset = offset if state.now_s - state.began_s > self._window_s else -1
        elif offset - state.expired_at_offset > REDELIVERED_OFFSETS_MAX:
            self._begin_generation()
            return True
        return False

    # Reading

    def prefetch(self, names: Iterable[bytes]) -> None:
        """Read the values of ``names`` that were not read yet, all at once."""
        missing = [name for name in names if name not in self._values]
        if missing:
            values = self._read(lambda prefix: [prefix + name for name in missing], len(missing))
            self._values.update(zip(missing, values, strict=True))

    def prefetch_anchors(self, packed: Sequence[bytes], bloom_filter: AnchorBloomFilter | None = None) -> None:
        """Read the anchors of all articles of the batch at once.

        Args:
            packed: The anchors of each article, 8 bytes each, little-endian.
            bloom_filter: See `look_up_anchors`.

        Raises:
            RuntimeError: Anchors were read or values were written before, so unique anchors may be in the overlay.
        """
        if self._puts or not self._unique.is_empty:
            raise RuntimeError("anchors must be prefetched once, before anything is written")
        salt = int.from_bytes(self._prefix[2:], "big")
        batch = look_up_anchors(packed, self._read_anchors, bloom_filter=bloom_filter, salt=salt)
        self._values.update(zip(batch.shared, batch.values, strict=True))
        self._unique = UniqueAnchors(batch.unique, batch.owners)
        self._anchors = dict(zip(packed, batch.articles, strict=True))

    def article_anchors(self, packed: bytes) -> ArticleAnchors:
        """The anchors of an article, as `prefetch_anchors` read them; all count as shared if it did not."""
        anchors = self._anchors.get(packed)
        if anchors is None:
            names = anchor_names(np.frombuffer(packed, dtype="<u8"))
            anchors = self._anchors[packed] = ArticleAnchors(names)
        return anchors

    def get(self, name: bytes) -> bytes | None:
        """The value under ``name``."""
        try:
            return self._values[name]
        except KeyError:
            self.prefetch([name])
            return self._values[name]

    def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """The value under each of ``names``."""
        try:
            return list(map(self._values.__getitem__, names))
        except KeyError:
            self.prefetch(names)
            return list(map(self._values.__getitem__, names))

    # Writing

    def put(self, name: bytes, value: bytes) -> None:
        """Write ``value`` under ``name``."""
        self._values[name] = self._puts[name] = value

    def append(
        self, names: Sequence[bytes], value: bytes, *, bytes_max: int, shorten: Callable[[bytes], bytes] | None = None
    ) -> None:
        """Append ``value`` to the value under each of ``names``.

        Args:
            names: Names, each once.
            value: What is appended.
            bytes_max: A longer result is shortened.
            shorten: Shortens it; by default its last ``bytes_max`` bytes are kept.
        """
        appended = dict.fromkeys(names, value)
        for name, existing in zip(names, self.get_many(names), strict=True):
            if existing:
                longer = existing + value
                if len(longer) > bytes_max:
                    longer = shorten(longer) if shorten else longer[-bytes_max:]
                appended[name] = longer
        self._values.update(appended)
        self._puts.update(appended)

    def put_unique(self, number: int, value: bytes) -> None:
        """Write ``value`` under each unique anchor of the article ``number`` of the batch; it cannot be read back."""
        self._unique.put(number, value)

    def remove_postings(self, names: Sequence[bytes], prefix: bytes, size: int) -> None:
        """Remove the postings of ``size`` bytes that begin with ``prefix`` from the value under each of ``names``."""
        for name, value in zip(names, self.get_many(names), strict=True):
            if value and prefix in value:
                postings = [value[start : start + size] for start in range(0, len(value), size)]
                self.put(name, b"".join(posting for posting in postings if not posting.startswith(prefix)))

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        """Return the keys and values to be put into the store, once.

        Nearly in the order of the store, since memtables insert neighbours faster.
        """
        if not self._puts and not self._previous_puts:
            return iter(())
        state = (scope_key(self._prefix), msgspec.msgpack.encode(self._state))
        return chain([state], self._previous_puts, self._take_puts(), self.queue.changes())

    def _take_puts(self) -> Iterator[tuple[bytes, bytes]]:
        """The keys and values written in the current generation."""
        prefix, names = self._current, [name for name in self._values if name in self._puts]
        puts = zip([prefix + name for name in names], map(self._puts.__getitem__, names), strict=True)
        return chain(puts, self._unique.take_puts(prefix))

    def _begin_generation(self) -> None:
        state = self._state
        state.generation += 1
        state.began_s, state.expired_at_offset = state.now_s, -1
        self._previous_puts = list(self._take_puts())
        # Other values may come from the generation that is dropped.
        self._values = dict(self._puts)
        self._puts.clear()
        previous, self._current = self._current, self._prefix + (b"\1" if state.generation & 1 else b"\0")
        self._readable = [prefix for prefix in self._readable if prefix == previous]
        if self._current not in self.dropped_prefixes:
            self.dropped_prefixes.append(self._current)

    def _read_anchors(self, anchors: Hashes) -> list[bytes | None]:
        return self._read(lambda prefix: anchor_names(anchors, prefix), len(anchors))

    def _read(self, keys_below: Callable[[bytes], list[bytes]], count: int) -> list[bytes | None]:
        """Read ``count`` values, each from the newest generation that has it.

        Args:
            keys_below: Makes all keys below the prefix of a generation.
            count: How many keys there are.
        """
        if not self._readable:
            return [None] * count
        newest, *older = self._readable
        values = self._store.get_many(keys_below(newest))
        for prefix in older:
            keys = keys_below(prefix)
            missing = [i for i, value in enumerate(values) if value is None]
            for i, value in zip(missing, self._store.get_many([keys[i] for i in missing]), strict=True):
                values[i] = value
        return values


def _to_seconds(time_ms: int) -> int:
    # Years before 1970 are outside every window, so they count as 1970; times that do not fit into a posting count as
    # the last one that does.
    return min(max(0, time_ms // 1000), SECONDS_MAX)
