"""The file beside an index that says which records of the changelog the index has skipped; for `stream doctor`."""

from __future__ import annotations

import contextlib
from collections import Counter
from pathlib import Path
from typing import Final

import msgspec

from stream.core.index.changelog_records import SkippedRecord

#: How many of the newest skipped records are named in the file beside the index.
NEWEST_MAX: Final = 20


class SkippedRecords(msgspec.Struct, frozen=True):
    """What the index in a folder has skipped since it was empty: counts by code, and the newest records."""

    counts: dict[str, int] = {}
    newest: list[SkippedRecord] = []

    def add(self, records: list[SkippedRecord]) -> SkippedRecords:
        """The same with ``records``; those that were skipped again, after a restore was repeated, count once."""
        new = [record for record in records if record not in self.newest]
        counts = Counter[str](self.counts)
        counts.update(record.code for record in new)
        return SkippedRecords(dict(counts), [*self.newest, *new][-NEWEST_MAX:])


def skips_file(folder: Path) -> Path:
    """The file beside the index in ``folder`` that says what the index has skipped."""
    return folder.with_name(f"{folder.name}.skipped.json")


def read_skipped_records(folder: Path) -> SkippedRecords:
    """What the index in ``folder`` has skipped; nothing if there is no readable file."""
    try:
        return msgspec.json.decode(skips_file(folder).read_bytes(), type=SkippedRecords)
    except (OSError, msgspec.DecodeError, UnicodeDecodeError):
        return SkippedRecords()


def add_skipped_records(folder: Path, records: list[SkippedRecord]) -> None:
    """Add ``records`` to the file; a report that cannot be written is no reason to stop."""
    content = msgspec.json.encode(read_skipped_records(folder).add(records))
    file = skips_file(folder)
    temporary = file.with_name(f"{file.name}.new")
    with contextlib.suppress(OSError):
        temporary.write_bytes(content)
        temporary.replace(file)
