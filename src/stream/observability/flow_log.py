"""What the flow tells in the log: one line for each change of state, none for a batch or an article that went well."""

from __future__ import annotations

import logging
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from faust.types import TP

from stream.core.contracts.records import OutputRecord
from stream.core.contracts.trace_context import trace_id
from stream.core.pipeline.dead_letter import HEADER_PREFIX
from stream.core.pipeline.outcome import Outcome
from stream.observability.progress_watch import Check
from stream.transport.record_batch import RecordBatch

log = logging.getLogger(__name__)


def batch_fields(batch: RecordBatch) -> dict[str, Any]:
    """Where the records of a batch stand."""
    return {
        "topic": batch.tp.topic,
        "partition": batch.tp.partition,
        "offset": batch[0].offset,
        "end_offset": batch.end,
        "records": len(batch),
    }


def ranges(partitions: Iterable[TP]) -> str:
    """Partitions by topic in few characters: ``articles.normalized/0-3,7 articles.raw/0``."""
    topics: dict[str, list[list[int]]] = defaultdict(list)
    for topic, partition in sorted(partitions):
        found = topics[topic]
        if found and found[-1][-1] == partition - 1:
            found[-1][1:] = [partition]
        else:
            found.append([partition])
    return " ".join(
        f"{topic}/" + ",".join("-".join(map(str, span)) for span in spans) for topic, spans in topics.items()
    )


class FlowLog:
    """Knows what was told last. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._is_ready = False
        self._is_waiting = False
        self._stalled: Mapping[str, float] = {}

    def assigned(self, partitions: Iterable[TP]) -> None:
        """The group gave this worker its share."""
        log.info("partitions assigned", extra={"partitions": ranges(partitions)})

    def revoked(self, partitions: Iterable[TP]) -> None:
        """The group takes partitions back; it will give this worker another share."""
        told = ranges(partitions)
        if told:
            log.info("partitions revoked", extra={"partitions": told})

    def observed(self, healthy: Check, ready: Check) -> None:
        """Tell what has changed since the last time."""
        self._tell_ready(ready.is_good)
        self._tell_waiting(healthy.details.get("waiting_for_group_seconds"))
        self._tell_stalled(healthy.details.get("stalled_seconds"))

    def _tell_ready(self, is_ready: bool) -> None:
        if is_ready and not self._is_ready:
            log.info("ready", extra={"seconds": time.monotonic() - self._began})
        if self._is_ready and not is_ready:
            self._began = time.monotonic()
            log.info("not ready")
        self._is_ready = is_ready

    def _tell_waiting(self, seconds: object) -> None:
        if seconds is not None and not self._is_waiting:
            log.warning("no partitions from the group", extra={"seconds": seconds, "every_s": 0})
        self._is_waiting = seconds is not None

    def _tell_stalled(self, told: object) -> None:
        stalled: dict[str, float] = told if isinstance(told, dict) else {}
        if begun := stalled.keys() - self._stalled.keys():
            seconds = max(stalled[name] for name in begun)
            log.warning("stalled", extra={"partitions": _named(begun), "seconds": seconds, "every_s": 0})
        if over := self._stalled.keys() - stalled.keys():
            log.info("no longer stalled", extra={"partitions": _named(over)})
        self._stalled = dict(stalled)

    def dead_letters(self, step: str, outcomes: Sequence[Outcome]) -> None:
        """Tell of what was rejected in a batch, a line a code; the place is that of the first."""
        counts = Counter(outcome.code for outcome in outcomes if outcome.code)
        for code, count in counts.items():
            first = next(outcome.outputs[0] for outcome in outcomes if outcome.code == code)
            log.warning(
                "dead letters",
                extra={
                    "step": step,
                    "code": code,
                    "records": count,
                    "topic": _reason(first, "topic"),
                    "partition": int(_reason(first, "partition")),
                    "offset": int(_reason(first, "offset")),
                    "trace_id": trace_id(first.headers),
                },
            )


def _named(partitions: Iterable[str]) -> str:
    found = [name.rpartition("/") for name in partitions]
    return ranges(TP(topic, int(number)) for topic, _, number in found)


def _reason(letter: OutputRecord, name: str) -> str:
    """A header that `stream.core.pipeline.dead_letter` has added: they stand behind those that came."""
    return dict(letter.headers)[HEADER_PREFIX + name].decode()
