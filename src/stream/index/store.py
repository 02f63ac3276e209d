"""Where an index keeps its keys: the interface, and the store in memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Protocol

#: Length of the part of a key that can be dropped as a whole: the scope and its generation.
PREFIX_BYTES: Final = 9


class Store(Protocol):
    """An ordered map of bytes, written in whole batches."""

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """The value of each key, None where there is none."""

    def write(self, puts: Mapping[bytes, bytes], dropped: Iterable[bytes] = ()) -> None:
        """Remove all keys that begin with one of ``dropped``, then put ``puts``; both or neither survive a crash.

        Raises:
            IndexFault: it cannot be written.
        """

    def clear(self) -> None:
        """Remove everything.

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
        self._values: dict[bytes, bytes] = {}
        self._keys: dict[bytes, list[bytes]] = {}
        self._bytes = 0

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        return list(map(self._values.get, keys))

    def write(self, puts: Mapping[bytes, bytes], dropped: Iterable[bytes] = ()) -> None:
        """See `Store`. A prefix to be dropped has `PREFIX_BYTES`."""
        values, keys = self._values, self._keys
        for prefix in dropped:
            for key in keys.pop(prefix, ()):
                self._bytes -= len(key) + len(values.pop(key))
        for key, value in puts.items():
            before = values.get(key)
            if before is None:
                keys.setdefault(key[:PREFIX_BYTES], []).append(key)
                self._bytes += len(key) + len(value)
            else:
                self._bytes += len(value) - len(before)
            values[key] = value

    def clear(self) -> None:
        """See `Store`."""
        self._values.clear()
        self._keys.clear()
        self._bytes = 0

    def close(self) -> None:
        """See `Store`."""

    @property
    def size_bytes(self) -> int:
        """See `Store`."""
        return self._bytes
