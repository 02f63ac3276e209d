"""Builds dead letters: a rejected record as it was, with the reason in headers as Kafka Connect adds them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from stream.core.contracts.records import LogId, OutputRecord, Record, RefusedBatch
from stream.errors import Rejected

#: Prefix of the headers with the reason.
HEADER_PREFIX: Final = "__errors."
#: Prefix of the headers of a record that was requeued. A later dead letter keeps them, like all original headers.
REQUEUE_PREFIX: Final = "__requeue."
#: How often the record was requeued.
ATTEMPTS_HEADER: Final = REQUEUE_PREFIX + "attempts"
#: The dead letter from which it was requeued, as topic/partition/offset.
DEAD_LETTER_HEADER: Final = REQUEUE_PREFIX + "letter"
#: That an operator has edited the value of the record.
EDITED_HEADER: Final = REQUEUE_PREFIX + "edited"
#: How many bad items of an array are listed.
LISTED_ITEMS_MAX: Final = 20
MESSAGE_CHARS_MAX: Final = 500


def require_content(record: Record) -> None:
    """Do nothing if the record was read.

    Raises:
        Rejected: It stands for a record batch that was not unpacked.
    """
    if isinstance(record, RefusedBatch):
        raise Rejected("undecodable_batch", f"{record.reason}; send smaller batches, or correct the producer")


def build_dead_letter(
    topic: str,
    record: Record,
    stage: Literal["normalize", "deduplicate"],
    errors: Sequence[tuple[int | None, Rejected]],
    *,
    log: LogId | None = None,
) -> OutputRecord:
    """Build the dead letter of ``record``.

    Args:
        topic: The topic of dead letters.
        record: The record that was rejected.
        stage: The step that rejected it.
        errors: For each bad item, its position (None unless the record holds an array) and why it was rejected; the
            first one is reported.
        log: The log that the record is in, if it is known.
    """
    first = errors[0][1]
    fields = {
        "code": first.code,
        "message": first.message[:MESSAGE_CHARS_MAX],
        "stage": stage,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.first_offset if isinstance(record, RefusedBatch) else record.offset),
        "timestamp": "" if record.timestamp is None else str(record.timestamp),
    }
    if log:
        fields["log"] = str(log)
    if first.field:
        fields["field"] = first.field
    items = [str(item) for item, _ in errors[:LISTED_ITEMS_MAX] if item is not None]
    if items:
        fields["items"] = ",".join(items) + (",…" if len(errors) > LISTED_ITEMS_MAX else "")
    added = [(HEADER_PREFIX + name, value.encode("utf-8", "replace")) for name, value in fields.items()]
    return OutputRecord(topic, record.key, record.value, (*record.headers, *added))
