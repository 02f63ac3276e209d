"""Decodes records of the changelog."""

from __future__ import annotations

from typing import Final

from stream.core.contracts import cloudevents, codec
from stream.core.contracts.events import ChangelogEvent, FingerprintEvent, RecoveryEvent, RemovalEvent
from stream.core.contracts.records import Record

_TYPES: Final[dict[str, type[FingerprintEvent | RemovalEvent | RecoveryEvent]]] = {
    cloudevents.REMOVAL: RemovalEvent,
    cloudevents.RECOVERY: RecoveryEvent,
}


def decode_changelog_event(record: Record) -> ChangelogEvent:
    return codec.decode(record.value or b"", _TYPES.get(cloudevents.event_type(record), FingerprintEvent))
