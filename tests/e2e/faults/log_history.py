"""The generations of the logs of a run: a new one begins whenever a topic is created again or a log loses its end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from tests.e2e.faults.records import StoredRecord, Tp, tagged


class LogHistory:
    """What the logs of a run had before they went back.

    Attributes:
        lost: The records that are in no log any more.
        ends: Where the earlier generations ended, by their tagged names.
    """

    def __init__(self) -> None:
        self.lost: list[StoredRecord] = []
        self.ends: dict[Tp, int] = {}
        # The first offsets of the generations after the first.
        self._begins: dict[Tp, list[int]] = defaultdict(list)

    def begin_generation(self, tp: Tp, *, begin: int, end: int, lost: Sequence[StoredRecord]) -> None:
        """Note that a log went back from ``end`` to ``begin`` and lost these records."""
        topic, partition = tp
        self.ends[tagged(topic, len(self._begins[tp])), partition] = end
        self._begins[tp].append(begin)
        self.lost += lost

    def generation(self, tp: Tp, offset: int) -> int:
        """The generation of the record that the log has now at ``offset``."""
        begins = self._begins.get(tp, [])
        return next((number for number in range(len(begins), 0, -1) if begins[number - 1] <= offset), 0)

    def tag(self, offsets: Mapping[Tp, int]) -> dict[Tp, int]:
        """The same offsets under the names of the generations that are written to now."""
        return {
            (tagged(topic, len(self._begins.get((topic, partition), ()))), partition): offset
            for (topic, partition), offset in offsets.items()
        }
