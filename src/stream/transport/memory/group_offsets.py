"""The group offsets of the broker in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from faust.types import TP

from stream.transport.memory.broker import MemoryBroker


class MemoryGroupOffsets:
    """The offsets of one group of a `MemoryBroker`; see `GroupOffsets`."""

    def __init__(self, broker: MemoryBroker, group: str) -> None:
        self._broker = broker
        self._group = group

    async def partitions(self, topics: Sequence[str]) -> list[TP]:
        """See `GroupOffsets`."""
        counts = self._broker.topics()
        return [TP(topic, number) for topic in sorted(topics) for number in range(counts.get(topic, 0))]

    async def bounds(self, partitions: Sequence[TP]) -> dict[TP, tuple[int, int]]:
        """See `GroupOffsets`."""
        return {tp: self._broker.bounds(tp) for tp in partitions}

    async def committed(self, partitions: Sequence[TP]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        offsets = {tp: self._broker.committed(self._group, tp) for tp in partitions}
        return {tp: offset for tp, offset in offsets.items() if offset is not None}

    async def times(self, offsets: Mapping[TP, int]) -> dict[TP, int]:
        """See `GroupOffsets`."""
        first = {tp: self._broker.read(tp, offset, 1) for tp, offset in offsets.items()}
        return {tp: records[0].timestamp for tp, records in first.items() if records and records[0].timestamp >= 0}

    async def retention_s(self, topic: str) -> float | None:  # noqa: ARG002 - the interface
        """See `GroupOffsets`: these topics have no retention."""
        return None

    async def close(self) -> None:
        """See `GroupOffsets`."""
