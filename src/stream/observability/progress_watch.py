"""Health and readiness: whether partitions make progress, judged by their offsets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from faust.types import TP

from stream.transport.record_batch import Progress


@dataclass(frozen=True, slots=True)
class HealthCheck:
    """The result of a check: good or not, with details for the web page."""

    is_good: bool
    details: dict[str, object]


class ProgressWatch:
    """Remembers when each partition last made progress. Times are seconds of any monotonic clock."""

    def __init__(self, stall_s: float) -> None:
        self._stall_s = stall_s
        # Finished offset, restored offset, and the time of the last change of either.
        self._moved: dict[TP, tuple[int, int | None, float]] = {}

    def observe(
        self, progress: Mapping[TP, Progress], now: float, *, restoring: Mapping[TP, int] | None = None
    ) -> list[TP]:
        """Record the progress at ``now``; return the partitions that finished records since the last call.

        ``restoring``: the restored offset of each index that is being restored. A restore that advances is no stall.
        """
        moved = []
        for tp, state in progress.items():
            finished, restored, _ = self._moved.get(tp, (None, None, now))
            if finished != state.finished:
                moved.append(tp)
            restored_now = (restoring or {}).get(tp)
            if (finished, restored) != (state.finished, restored_now) or lag(state) == 0:
                self._moved[tp] = (state.finished, restored_now, now)
        for removed in self._moved.keys() - progress.keys():
            del self._moved[removed]
        return moved

    def check(self, now: float) -> HealthCheck:
        """Bad if a partition with lag has made no progress for longer than the limit."""
        stalled = {
            f"{tp.topic}/{tp.partition}": round(now - since, 1)
            for tp, (*_, since) in self._moved.items()
            if now - since > self._stall_s
        }
        return HealthCheck(not stalled, {"partitions": len(self._moved), "stalled_seconds": stalled})


def lag(state: Progress) -> int:
    """Records that are not finished yet; 0 while the end of the partition is unknown."""
    return max(0, state.end - state.finished) if state.end is not None else 0
