"""Where an index keeps its keys: the interface, and the store in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol


class Store(Protocol):
    """An ordered map of bytes, written in whole batches."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The value of each key, None where there is none."""

    def write(self, puts: Mapping[bytes, bytes], dropped: Iterable[bytes] = ()) -> None:
        """Remove all keys that begin with one of ``dropped``, then put ``puts``; both or neither survive a crash.

        Raises:
            IndexFault: it cannot be written.
        """

    def close(self) -> None:
        """Release files and locks."""

    @property
    def size_bytes(self) -> int:
        """About how much it holds, in bytes."""


class MemoryStore:
    """A store that lives as long as the process: for files, trials and tests."""

    def __init__(self) -> None:
        self._tables: dict[bytes, dict[bytes, bytes]] = {}
        self._bytes = 0

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        tables, prefix = self._tables, PREFIX_BYTES
        return [tables[key[:prefix]].get(key) if key[:prefix] in tables else None for key in keys]

    def write(self, puts: Mapping[bytes, bytes], dropped: Iterable[bytes] = ()) -> None:
        """See `Store`."""
        for prefix in dropped:
            for key, value in self._tables.pop(prefix, {}).items():
                self._bytes -= len(key) + len(value)
        for key, value in puts.items():
            table = self._tables.setdefault(key[:PREFIX_BYTES], {})
            before = table.get(key)
            self._bytes += len(value) - len(before) if before is not None else len(key) + len(value)
            table[key] = value

    def close(self) -> None:
        """See `Store`."""

    @property
    def size_bytes(self) -> int:
        """See `Store`."""
        return self._bytes


#: Length of the part of a key that can be dropped as a whole: the scope and its generation.
PREFIX_BYTES = 9
