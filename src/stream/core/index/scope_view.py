"""One scope's part of an index: its clock, its two generations, and what a session wrote over them.

A value written in the current generation replaces that of the previous one. What stands in the previous one was seen
before the current one began. Once that lies outside the window nobody asks for it, but a worker that crashed: it
reads again the offsets that it had not committed, and has to find what it found then. So only
`REDELIVERED_OFFSETS_MAX` offsets later the previous generation is dropped, and the current one takes its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress
from typing import Final

import msgspec

from stream.core.dedup.fingerprint import NO_HASHES
from stream.core.folding import Hashes
from stream.core.index.keys import SECONDS_MAX, anchor_names, scope_key, scope_prefix
from stream.core.index.records import unpack
from stream.core.index.store import Store

#: So many offsets of a partition may be read again after a crash: those decided and not yet committed.
REDELIVERED_OFFSETS_MAX: Final = 50_000

_PARITIES: Final = (b"\0", b"\1")


class ScopeState(msgspec.Struct, array_like=True):
    """The clock of one scope and the current one of its generations; times in seconds since 1970.

    ``began``: the scope's time when the generation began. ``aged``: the offset at which that left the window.
    Both -1 as long as there is none.
    """

    now: int = 0
    generation: int = 0
    began: int = -1
    aged: int = -1


class ScopeView:
    """One scope as a session sees it: what the store holds, under what the session wrote."""

    def __init__(self, store: Store, scope: str, *, window_s: int) -> None:
        self._store = store
        self._window_s = window_s
        self._prefix = scope_prefix(scope)
        value = store.get_many([scope_key(self._prefix)])[0]
        #: Nothing was recorded in it before.
        self.is_new = value is None
        self._state = unpack(value, ScopeState) if value else ScopeState()
        # Name -> value, of both generations: all that was read or written.
        self._values: dict[bytes, bytes | None] = {}
        # Name -> value written in this session, by parity of the generation.
        self._written: tuple[dict[bytes, bytes], dict[bytes, bytes]] = ({}, {})
        # Parities whose part of the store is not to be read any more.
        self._dropped: set[int] = set()
        # Anchors whose names are nowhere yet, and the number of the article that has each; see `expect`.
        self._fresh: tuple[Hashes, list[int]] = (NO_HASHES, [])
        # Number of an article -> value of its fresh anchors, by parity of the generation.
        self._fresh_values: tuple[dict[int, bytes], dict[int, bytes]] = ({}, {})

    @property
    def now(self) -> int:
        """The scope's time: the latest event time seen in it, in seconds since 1970."""
        return self._state.now

    @property
    def salt(self) -> int:
        """48 bits of its own."""
        return int.from_bytes(self._prefix[2:], "big")

    def horizon(self, time: int = 0) -> int:
        """What was seen before this moment, in seconds, is forgotten; ``time`` is that of the event in hand, in ms."""
        return max(0, max(self._state.now, _seconds(time)) - self._window_s)

    @property
    def oldest(self) -> int | None:
        """The scope's time, in seconds, when about the oldest article was recorded that is still found."""
        state = self._state
        if state.began < 0:
            return None
        horizon = max(0, state.now - self._window_s)
        # Of later generations, the one before began more than a window ago.
        return horizon if state.generation else max(horizon, state.began)

    def load(self, names: Iterable[bytes]) -> None:
        """Read ``names`` at once."""
        values = self._values
        missing = [name for name in names if name not in values]
        if not missing:
            return
        current = self._state.generation & 1
        values.update(zip(missing, self._stored(current, missing), strict=True))
        if self._state.generation:
            older = [name for name in missing if values[name] is None]
            values.update(zip(older, self._stored(1 - current, older), strict=True))

    def look_up(self, anchors: Hashes) -> list[bytes | None]:
        """The value under the name of each of ``anchors``, which this session did not write; it is not kept."""
        state = self._state
        values = self._looked_up(state.generation & 1, anchors)
        if state.generation:
            absent = [place for place, value in enumerate(values) if value is None]
            older = self._looked_up(1 - (state.generation & 1), anchors[absent])
            for place, value in zip(absent, older, strict=True):
                values[place] = value
        return values

    def keep(self, found: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Keep what was found under names."""
        self._values.update(found)

    def get(self, name: bytes) -> bytes | None:
        """The value under ``name``."""
        try:
            return self._values[name]
        except KeyError:
            self.load([name])
            return self._values[name]

    def get_many(self, names: Sequence[bytes]) -> list[bytes | None]:
        """The value under each of ``names``."""
        try:
            return list(map(self._values.__getitem__, names))
        except KeyError:
            self.load(names)
            return list(map(self._values.__getitem__, names))

    def put(self, name: bytes, value: bytes) -> None:
        """Write ``value`` in the current generation."""
        self._values[name] = self._written[self._state.generation & 1][name] = value

    def append(self, names: Sequence[bytes], value: bytes, *, bytes_max: int) -> None:
        """Write ``value`` behind what stands under each of ``names``, of which the last ``bytes_max`` bytes stay."""
        appended = dict.fromkeys(names, value)
        for name, known in zip(names, self.get_many(names), strict=True):
            if known:
                appended[name] = (known + value)[-bytes_max:]
        self._values.update(appended)
        self._written[self._state.generation & 1].update(appended)

    def expect(self, fresh: Hashes, owners: list[int]) -> None:
        """Leave writing ``fresh`` to `put_fresh`: anchors in no generation, sorted; of one article each, by number.

        Raises:
            RuntimeError: something was expected or written before, which may have the same names.
        """
        if self._fresh[1] or any(self._written) or any(self._fresh_values):
            raise RuntimeError("a session reads ahead once, before anything is recorded")
        self._fresh = fresh, owners

    def put_fresh(self, owner: int, value: bytes) -> None:
        """Write ``value`` under each fresh anchor of this article; this session does not read them."""
        self._fresh_values[self._state.generation & 1][owner] = value

    def remove(self, names: Sequence[bytes], beginning: bytes, size: int) -> None:
        """Take out, under each of ``names``, the pieces of ``size`` bytes that begin so."""
        for name, value in zip(names, self.get_many(names), strict=True):
            if value and beginning in value:
                chunked = [value[at : at + size] for at in range(0, len(value), size)]
                self.put(name, b"".join(piece for piece in chunked if not piece.startswith(beginning)))

    def advance(self, time: int, *, offset: int) -> bool:
        """Set the clock to ``time`` (milliseconds) if that is later; ``offset``: of the article to be recorded.

        True where a generation begins: what was read before may have gone with another one.
        """
        state = self._state
        state.now = max(state.now, _seconds(time))
        if state.began < 0:
            state.began = state.now
        elif state.aged < 0:
            state.aged = offset if state.now - state.began > self._window_s else -1
        elif offset - state.aged > REDELIVERED_OFFSETS_MAX:
            self._begin_generation()
            return True
        return False

    @property
    def dropped(self) -> list[bytes]:
        """All keys with one of these prefixes are to be removed, before `changes` are put."""
        return [self._prefix + _PARITIES[parity] for parity in sorted(self._dropped)]

    def changes(self) -> Iterator[tuple[bytes, bytes]]:
        """Whole keys and their values to be put, nearly in the order of the store: memtables take neighbours faster."""
        if not any(self._written):
            return iter(())
        state = [(scope_key(self._prefix), msgspec.msgpack.encode(self._state))]
        fresh = map(self._fresh_puts, _PARITIES, self._fresh_values)
        return chain(state, *map(self._puts, _PARITIES, self._written), *fresh)

    def _puts(self, parity: bytes, written: dict[bytes, bytes]) -> Iterator[tuple[bytes, bytes]]:
        start = self._prefix + parity
        names = [name for name in self._values if name in written]
        return zip([start + name for name in names], map(written.__getitem__, names), strict=True)

    def _fresh_puts(self, parity: bytes, values: dict[int, bytes]) -> Iterator[tuple[bytes, bytes]]:
        anchors, owners = self._fresh
        if not values:
            return iter(())
        if len(values) < len(set(owners)):  # not every article that was expected is recorded
            is_recorded = [owner in values for owner in owners]
            anchors, owners = anchors[is_recorded], list(compress(owners, is_recorded))
        return zip(anchor_names(anchors, self._prefix + parity), map(values.__getitem__, owners), strict=True)

    def _stored(self, parity: int, names: list[bytes]) -> list[bytes | None]:
        start = self._prefix + _PARITIES[parity]
        return self._read(parity, [start + name for name in names])

    def _looked_up(self, parity: int, anchors: Hashes) -> list[bytes | None]:
        return self._read(parity, anchor_names(anchors, self._prefix + _PARITIES[parity]))

    def _read(self, parity: int, whole: list[bytes]) -> list[bytes | None]:
        return [None] * len(whole) if parity in self._dropped else self._store.get_many(whole)

    def _begin_generation(self) -> None:
        state = self._state
        state.generation += 1
        state.began, state.aged = state.now, -1
        current = state.generation & 1
        self._dropped.add(current)
        self._written[current].clear()
        self._fresh_values[current].clear()
        # Values read before may come from the generation that is gone.
        self._values = dict(self._written[1 - current])


def _seconds(milliseconds: int) -> int:
    # Years before 1970 are as good as 1970: they are outside every window. So are those that a posting cannot hold.
    return min(max(0, milliseconds // 1000), SECONDS_MAX)
