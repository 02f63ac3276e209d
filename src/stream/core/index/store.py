"""The key-value store below an index: its interface, the store in memory, and a guard against damaged stores."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final, Protocol

from stream.errors import IndexDamaged

#: The kinds of memory that a store on disk uses: cached blocks, filters and block indexes, and writes that are not in a
#: file yet.
MEMORY_KINDS: Final = ("cache", "tables", "memtables")


class Store(Protocol):
    """An ordered map from bytes to bytes, written in atomic batches."""

    #: Why the store was emptied when it was opened; None if it was not.
    reset_reason: str | None

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return the value of each of ``keys``, None for a key that is missing.

        Raises:
            IndexDamaged: A file does not hold what was written to it.
            IndexFault: The store cannot be read.
        """

    def write(
        self,
        puts: Iterable[tuple[bytes, bytes]],
        dropped_prefixes: Iterable[bytes] = (),
        deletions: Iterable[bytes] = (),
    ) -> None:
        """Delete all keys that begin with one of ``dropped_prefixes``, then put ``puts``, in one atomic step.

        Args:
            puts: Pairs of key and value, each key at most once. Sorted pairs are written faster.
            dropped_prefixes: Prefixes of the keys to delete.
            deletions: Single keys to delete, none of which is put; they may be missing.

        Raises:
            IndexFault: The store cannot be written.
        """

    def clear(self) -> None:
        """Delete everything.

        Raises:
            IndexFault: The store cannot be written.
        """

    def mark_corrupt(self, reason: str) -> None:
        """Have the store emptied when it is opened again; ``reason`` is then its `reset_reason`."""

    def set_bulk_load(self, *, enabled: bool) -> None:
        """Merge files less often while there is much to write and little to look up.

        Raises:
            IndexFault: The store cannot be written.
        """

    def flush(self) -> None:
        """Store buffered writes, so that they survive the process.

        Raises:
            IndexFault: The store cannot be written.
        """

    def close(self) -> None:
        """Flush buffered writes; release files and locks."""

    @property
    def size_bytes(self) -> int:
        """The approximate size of all keys and values, in bytes."""

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """Bytes of memory for each of `MEMORY_KINDS`; empty for a store that is all in memory."""


@contextmanager
def guard_store(store: Store, *, close_on_error: bool = False) -> Iterator[None]:
    """Mark ``store`` as corrupt if the block raises `IndexDamaged`; any error is raised again.

    Args:
        store: The open store that the block works on.
        close_on_error: Whether to close the store if the block raises anything.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, IndexDamaged):
            store.mark_corrupt(str(error))
        if close_on_error:
            store.close()
        raise


class MemoryStore:
    """A store that lives as long as the process: for files, experiments and tests.

    >>> store = MemoryStore()
    >>> store.write([(b"a1", b"x"), (b"b1", b"y")])
    >>> store.write([(b"a2", b"z")], dropped_prefixes=[b"a"])
    >>> store.get_many([b"a1", b"a2", b"b1"])
    [None, b'z', b'y']
    """

    def __init__(self) -> None:
        #: All keys and their values.
        self.values: dict[bytes, bytes] = {}
        self.reset_reason: str | None = None

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        return list(map(self.values.get, keys))

    def write(
        self,
        puts: Iterable[tuple[bytes, bytes]],
        dropped_prefixes: Iterable[bytes] = (),
        deletions: Iterable[bytes] = (),
    ) -> None:
        """See `Store`."""
        prefixes = tuple(dropped_prefixes)
        if prefixes:  # once in a window, so scanning all keys costs less than an index of prefixes
            for key in [key for key in self.values if key.startswith(prefixes)]:
                del self.values[key]
        for key in deletions:
            self.values.pop(key, None)
        self.values.update(puts)

    def clear(self) -> None:
        """See `Store`."""
        self.values.clear()

    def mark_corrupt(self, reason: str) -> None:
        """See `Store`; does nothing, since the contents end with the process."""

    def set_bulk_load(self, *, enabled: bool) -> None:
        """See `Store`; does nothing, since there are no files."""

    def flush(self) -> None:
        """See `Store`; does nothing, since the contents end with the process."""

    def close(self) -> None:
        """See `Store`."""

    @property
    def size_bytes(self) -> int:
        """See `Store`."""
        return sum(map(len, self.values)) + sum(map(len, self.values.values()))

    @property
    def memory_bytes(self) -> Mapping[str, int]:
        """See `Store`."""
        return {}
