"""Where an index keeps its keys: the interface, and the store in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

#: What an index on disk takes memory for: blocks that were read, filters and block indexes, and what is not in a file
#: yet.
MEMORY_KINDS: Final = ("cache", "tables", "memtables")


class Store(Protocol):
    """An ordered map of bytes, written in whole batches."""

    #: Why it was emptied when it was opened; None if it was not.
    emptied_because: str | None

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The value of each key, None where there is none.

        Raises:
            IndexDamaged: it does not hold what was written.
            IndexFault: it cannot be read.
        """

    def write(self, puts: Iterable[tuple[bytes, bytes]], dropped: Iterable[bytes] = ()) -> None:
        """Remove all keys that begin with one of ``dropped``, then put ``puts``; both or neither survive a crash.

        ``puts``: keys and values, each key once; those in order are written faster.

        Raises:
            IndexFault: it cannot be written.
        """

    def clear(self) -> None:
        """Remove everything.

        Raises:
            IndexFault: it cannot be written.
        """

    def distrust(self, reason: str) -> None:
        """Let it be empty when it is opened again."""

    def expect_writes(self, *, many: bool) -> None:
        """Order what was written less often as long as there is ``many`` to write, and little to look up.

        Raises:
            IndexFault: it cannot be written.
        """

    def close(self) -> None:
        """Write what is not written yet; release files and locks."""

    @property
    def size_bytes(self) -> int:
        """About how much it holds, in bytes."""

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """Bytes of memory by kind, one of `MEMORY_KINDS`; empty where it cannot tell, or is all memory."""


class MemoryStore:
    """A store that lives as long as the process: for files, trials and tests."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self.emptied_because: str | None = None

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        return list(map(self._values.get, keys))

    def write(self, puts: Iterable[tuple[bytes, bytes]], dropped: Iterable[bytes] = ()) -> None:
        """See `Store`."""
        prefixes = tuple(dropped)
        if prefixes:  # once in a window: looking at every key then is cheaper than keeping books on each
            for key in [key for key in self._values if key.startswith(prefixes)]:
                del self._values[key]
        self._values.update(puts)

    def clear(self) -> None:
        """See `Store`."""
        self._values.clear()

    def distrust(self, reason: str) -> None:
        """See `Store`; it is gone with the process anyway."""

    def expect_writes(self, *, many: bool) -> None:
        """See `Store`; there is nothing to order."""

    def close(self) -> None:
        """See `Store`."""

    @property
    def size_bytes(self) -> int:
        """See `Store`."""
        return sum(map(len, self._values)) + sum(map(len, self._values.values()))

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """See `Store`."""
        return {}
