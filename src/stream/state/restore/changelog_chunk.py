"""Applies records of the changelog to an index, and says which of them were skipped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from stream.core.contracts.events import ChangelogEvent, FingerprintEvent
from stream.core.contracts.records import Record
from stream.core.index.changelog_records import SkipCode, SkippedRecord, read_changelog_record
from stream.core.index.partition_index import PartitionIndex
from stream.transport.partitioner import partition_for

_REASONS: Final[dict[SkipCode, str]] = {
    "broken_chain": "it does not follow the record before it",
    "conflict": "an earlier record describes the same article or takedown differently",
}


def apply_records(
    index: PartitionIndex, records: Sequence[Record], changelog_end: int, *, partitions: int | None = None
) -> tuple[int, list[SkippedRecord]]:
    """Apply ``records`` to ``index``; return how many were new, and those that were skipped.

    Args:
        index: The index of the partition.
        records: Records of the changelog, in order.
        changelog_end: Offset in the changelog behind the last of them.
        partitions: How many partitions the changelog has: articles of scopes of other partitions are skipped. None
            accepts all scopes.

    Raises:
        IndexFault: The store cannot be read or written.
    """
    skipped: list[SkippedRecord] = []
    events: list[ChangelogEvent | None] = []
    applied_records: list[Record] = []
    for record in records:
        result = read_changelog_record(record)
        if isinstance(result, FingerprintEvent) and _is_elsewhere(result.scope, record.partition, partitions):
            result = SkippedRecord(record.offset, "foreign", f"{result.scope} belongs to another partition")
        if isinstance(result, SkippedRecord):
            skipped.append(result)
            if result.code == "foreign":  # it never was part of the chain
                continue
            events.append(None)
        else:
            events.append(result)
        applied_records.append(record)
    on_skip = _skip_into(skipped, applied_records)
    offsets = [record.offset for record in applied_records]
    applied = index.apply_changelog(events, changelog_end=changelog_end, offsets=offsets, on_skip=on_skip)
    return applied, sorted(skipped)


def _is_elsewhere(scope: str, partition: int, partitions: int | None) -> bool:
    return partitions is not None and partition_for(scope.encode(), partitions) != partition


def _skip_into(skipped: list[SkippedRecord], records: Sequence[Record]) -> Callable[[int, SkipCode], None]:
    def add(number: int, code: SkipCode) -> None:
        skipped.append(SkippedRecord(records[number].offset, code, _REASONS[code]))

    return add
