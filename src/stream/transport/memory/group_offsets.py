"""Group offsets of the broker in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from faust.types import TP

from stream.transport.memory.broker import MemoryBroker


class MemoryGroupOffsets:
    """The broker in this process."""

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker = broker
        self._group = group

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """See `GroupOffsets`."""
        there = self._broker.topics()
        return [TP(topic, number) for topic in sorted(topics) for number in range(there.get(topic, 0))]

    async def bounds(self, partitions: Sequence[TP]) -> dict[TP, tuple[int, int]]:
        """See `GroupOffsets`."""
        return {tp: self._broker.bounds(tp) for tp in partitions}

    async def committed(self, partitions: Sequence[TP]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        found = {tp: self._broker.committed(self._group, tp) for tp in partitions}
        return {tp: offset for tp, offset in found.items() if offset is not None}

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        found = {tp: self._broker.read(tp, offset, 1) for tp, offset in offsets.items()}
        return {tp: records[0].timestamp for tp, records in found.items() if records and records[0].timestamp >= 0}

    async def retention_s(self, topic: str) -> float | None:  # noqa: ARG002 - the interface
        """See `GroupOffsets`: topics here keep no settings."""
        return None

    async def close(self) -> None:
        """See `GroupOffsets`."""
