"""Publishes an article again that became the canonical one of its cluster, since it was published as a duplicate only.

The index does not hold the article, so the step asks its caller for the record: see `Deduplicator.decide_in_slices`.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import Duplicate, NormalizedEvent
from stream.core.contracts.records import Record
from stream.core.dedup.rules import VERSION
from stream.core.index.records import Position, Promotion
from stream.core.pipeline.outcome import Outcome

#: The ``method`` of an article that is published again because it became the canonical one of its cluster.
PROMOTED: Final = "promoted"


class RecordRequest(NamedTuple):
    """Asks for records of the batch's partition; those that its log no longer has may be left out.

    Attributes:
        offsets: Their offsets in the normalized topic, sorted.
    """

    offsets: Sequence[int]


#: Records by offset.
Records = Mapping[int, Record]
ReadRecords = Callable[[Sequence[int]], Records]
#: Yields outcomes, and requests, after which it has to be sent the records.
DecisionSteps = Generator[list[Outcome] | RecordRequest, Records | None, None]


def run_steps(steps: DecisionSteps, read_records: ReadRecords) -> Iterator[list[Outcome]]:
    """Yield the outcomes of ``steps``, and answer its requests with ``read_records``."""
    answer: Records | None = None
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return
        answer = None
        if isinstance(step, RecordRequest):
            answer = read_records(step.offsets)
        else:
            yield step


def log_offset(position: Position, offset: int) -> int:
    """Where the article at ``offset`` of an index is in the log of the normalized topic; negative in an earlier log."""
    return offset - position.base


def decode_promoted(promotion: Promotion, record: Record | None) -> NormalizedEvent | None:
    """Make the event of an article that is published again; None if ``record`` is missing or holds something else."""
    if record is None or cloudevents.event_type(record) != cloudevents.NORMALIZED:
        return None
    try:
        event = codec.decode(record.value or b"", NormalizedEvent)
    except codec.UNREADABLE:
        return None
    if event.event_id != promotion.event_id.hex() or event.id != promotion.id:
        return None
    return msgspec.structs.replace(event, event_id=promotion.new_event_id.hex())


def promoted_verdict(promotion: Promotion) -> Duplicate:
    """The verdict on an article that became the canonical one of its cluster."""
    return Duplicate(
        relation="new", is_duplicate=False, cluster_id=promotion.cluster_id, method=PROMOTED, version=VERSION
    )
