"""Whether the worker makes progress, and whether it is ready. Told from offsets, not from being alive."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faust.types import TP

from stream.transport.record_batch import Progress


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: good or not, and why."""

    is_good: bool
    details: dict[str, object]


class ProgressWatch:
    """Remembers when each partition last moved. Times are seconds of any steady clock."""

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        self._moved: dict[TP, tuple[int, int | None, float]] = {}

    def observe(
        self, progress: Mapping[TP, Progress], now: float, *, restoring: Mapping[TP, int] | None = None
    ) -> list[TP]:
        """Take note of where the partitions are; which of them have moved since the last time.

        ``restoring``: how far the restore of a partition's index is. One that gets on is no stall.
        """
        moved = []
        for tp, state in progress.items():
            finished, restored, _ = self._moved.get(tp, (None, None, now))
            if finished != state.finished:
                moved.append(tp)
            reached = (restoring or {}).get(tp)
            if (finished, restored) != (state.finished, reached) or lag(state) == 0:
                self._moved[tp] = (state.finished, reached, now)
        for gone in self._moved.keys() - progress.keys():
            del self._moved[gone]
        return moved

    def check(self, now: float) -> Check:
        """Bad when a partition with a lag has not moved for longer than the limit."""
        stalled = {
            f"{tp.topic}/{tp.partition}": round(now - since, 1)
            for tp, (*_, since) in self._moved.items()
            if now - since > self._stall_s
        }
        return Check(not stalled, {"partitions": len(self._moved), "stalled_seconds": stalled})


def lag(state: Progress) -> int:
    """Records behind; 0 where the end is not known yet."""
    return max(0, state.end - state.finished) if state.end is not None else 0
