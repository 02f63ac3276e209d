"""Dead letters: a record that was rejected, as it came, with the reason in headers (after Kafka Connect)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, Literal

from stream.core.contracts.records import OutputRecord, Record
from stream.errors import Rejected

HEADER_PREFIX: Final = "__errors."
#: Headers of a record that was put back. A later dead letter of it keeps them, as it keeps all that came.
REQUEUE_PREFIX: Final = "__requeue."
ATTEMPTS: Final = REQUEUE_PREFIX + "attempts"
LETTER: Final = REQUEUE_PREFIX + "letter"
#: Of an array with many bad items this many are named.
ITEMS_NAMED_MAX: Final = 20
MESSAGE_CHARS_MAX: Final = 500


def dead_letter(
    topic: str,
    record: Record,
    stage: Literal["normalize", "deduplicate"],
    errors: Sequence[tuple[int | None, Rejected]],
) -> OutputRecord:
    """The dead letter of ``record``; ``errors`` has one entry for each bad item, the first one is told."""
    first = errors[0][1]
    fields = {
        "code": first.code,
        "message": first.message[:MESSAGE_CHARS_MAX],
        "stage": stage,
        "topic": record.topic,
        "partition": str(record.partition),
        "offset": str(record.offset),
        "timestamp": "" if record.timestamp is None else str(record.timestamp),
    }
    if first.field:
        fields["field"] = first.field
    items = [str(item) for item, _ in errors[:ITEMS_NAMED_MAX] if item is not None]
    if items:
        fields["items"] = ",".join(items) + (",…" if len(errors) > ITEMS_NAMED_MAX else "")
    added = [(HEADER_PREFIX + name, value.encode("utf-8", "replace")) for name, value in fields.items()]
    return OutputRecord(topic, record.key, record.value, (*record.headers, *added))
