"""Records of the normalized topic that may be read again, where there is no broker that keeps them."""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from stream.core.contracts.records import InputRecord

#: The fastest level, which makes articles half as large.
_COMPRESSION: Final = 1


class RecordArchive:
    """Keeps records in memory, compressed.

    Args:
        retention_ms: Records are dropped when the time has moved on by more than this.

    >>> archive = RecordArchive(retention_ms=1000)
    >>> archive.add(InputRecord("topic", 0, 7, None, None, b"value"), time_ms=5000)
    >>> archive.read([6, 7])[7].value
    b'value'
    >>> archive.add(InputRecord("topic", 0, 8, None, None, b"other"), time_ms=6001)
    >>> list(archive.read([7, 8]))
    [8]
    """

    def __init__(self, retention_ms: int) -> None:
        self._retention_ms = retention_ms
        self._records: dict[int, InputRecord] = {}
        self._times: deque[tuple[int, int]] = deque()

    def add(self, record: InputRecord, time_ms: int) -> None:
        """Keep ``record``; ``time_ms``, in milliseconds since 1970, is at least that of the record before it."""
        while self._times and time_ms - self._times[0][0] > self._retention_ms:
            del self._records[self._times.popleft()[1]]
        value = None if record.value is None else zlib.compress(record.value, _COMPRESSION)
        self._records[record.offset] = replace(record, value=value)
        self._times.append((time_ms, record.offset))

    def read(self, offsets: Sequence[int]) -> dict[int, InputRecord]:
        """Return the records at ``offsets`` that are still kept, by offset."""
        kept = {offset: self._records[offset] for offset in offsets if offset in self._records}
        return {
            offset: record if record.value is None else replace(record, value=zlib.decompress(record.value))
            for offset, record in kept.items()
        }
