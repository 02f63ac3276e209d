"""Log lines about the state of the flow: one for each change, none for a batch or an article that succeeded."""

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
from stream.observability.progress_watch import HealthCheck
from stream.transport.record_batch import RecordBatch

log = logging.getLogger(__name__)


def batch_fields(batch: RecordBatch) -> dict[str, Any]:
    """The log fields that locate the records of a batch."""
    return {
        "topic": batch.tp.topic,
        "partition": batch.tp.partition,
        "offset": batch[0].offset,
        "end_offset": batch.end,
        "records": len(batch),
    }


def format_partitions(partitions: Iterable[TP]) -> str:
    """Format partitions by topic, with ranges.

    >>> format_partitions([TP("raw", 0), TP("raw", 1), TP("raw", 3)])
    'raw/0-1,3'
    """
    topics: dict[str, list[list[int]]] = defaultdict(list)
    for topic, partition in sorted(partitions):
        spans = topics[topic]
        if spans and spans[-1][-1] == partition - 1:
            spans[-1][1:] = [partition]
        else:
            spans.append([partition])
    return " ".join(
        f"{topic}/" + ",".join("-".join(map(str, span)) for span in spans) for topic, spans in topics.items()
    )


class FlowLog:
    """Logs changes of state; remembers what was logged last."""

    def __init__(self) -> None:
        self._not_ready_since = time.monotonic()
        self._is_ready = False
        self._is_waiting = False
        self._stalled: Mapping[str, float] = {}

    def log_assigned(self, partitions: Iterable[TP]) -> None:
        """Log the partitions that the group assigned to this worker."""
        log.info("partitions assigned", extra={"partitions": format_partitions(partitions)})

    def log_revoked(self, partitions: Iterable[TP]) -> None:
        """Log the partitions that the group revoked before a new assignment."""
        if revoked := format_partitions(partitions):
            log.info("partitions revoked", extra={"partitions": revoked})

    def log_changes(self, healthy: HealthCheck, ready: HealthCheck) -> None:
        """Log what has changed in the health and readiness checks since the last call."""
        self._log_readiness(ready.is_good)
        self._log_waiting(healthy.details.get("waiting_for_group_seconds"))
        self._log_stalls(healthy.details.get("stalled_seconds"))

    def _log_readiness(self, is_ready: bool) -> None:
        if is_ready and not self._is_ready:
            log.info("ready", extra={"seconds": time.monotonic() - self._not_ready_since})
        if self._is_ready and not is_ready:
            self._not_ready_since = time.monotonic()
            log.info("not ready")
        self._is_ready = is_ready

    def _log_waiting(self, seconds: object) -> None:
        if seconds is not None and not self._is_waiting:
            log.warning("no partitions assigned by the group", extra={"seconds": seconds, "every_s": 0})
        self._is_waiting = seconds is not None

    def _log_stalls(self, detail: object) -> None:
        stalled: dict[str, float] = detail if isinstance(detail, dict) else {}
        if new := stalled.keys() - self._stalled.keys():
            seconds = max(stalled[name] for name in new)
            log.warning("stalled", extra={"partitions": _format_names(new), "seconds": seconds, "every_s": 0})
        if moving := self._stalled.keys() - stalled.keys():
            log.info("no longer stalled", extra={"partitions": _format_names(moving)})
        self._stalled = dict(stalled)

    def log_dead_letters(self, step: str, outcomes: Sequence[Outcome]) -> None:
        """Log the rejections of a batch: one line for each code, with the coordinates of the first record."""
        counts = Counter(outcome.code for outcome in outcomes if outcome.code)
        for code, count in counts.items():
            first = next(outcome.outputs[0] for outcome in outcomes if outcome.code == code)
            log.warning(
                "dead letters",
                extra={
                    "step": step,
                    "code": code,
                    "records": count,
                    "topic": _error_header(first, "topic"),
                    "partition": int(_error_header(first, "partition")),
                    "offset": int(_error_header(first, "offset")),
                    "trace_id": trace_id(first.headers),
                },
            )

    def log_lost_promotions(self, tp: TP, outcomes: Sequence[Outcome]) -> None:
        """Log the articles of a batch that cannot be published again: one line, with the offset of the first."""
        lost = [promotion.offset for outcome in outcomes for promotion in outcome.lost_promotions]
        if lost:
            log.warning(
                "canonical articles cannot be published again: their records are gone",
                extra={"topic": tp.topic, "partition": tp.partition, "records": len(lost), "offset": lost[0]},
            )


def _format_names(partitions: Iterable[str]) -> str:
    split = [name.rpartition("/") for name in partitions]
    return format_partitions(TP(topic, int(number)) for topic, _, number in split)


def _error_header(dead_letter: OutputRecord, name: str) -> str:
    """The last header of this name: `stream.core.pipeline.dead_letter` adds its own after those of the original."""
    return dict(dead_letter.headers)[HEADER_PREFIX + name].decode()
