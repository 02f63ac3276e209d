"""Whether the changelog still is the one that an index has read, and where to go on if it is not."""

from __future__ import annotations

import contextlib

from faust.types import TP

from stream.core.contracts.events import ChangelogMark, RecoveryEvent
from stream.core.contracts.records import LogId, Record
from stream.core.index.changelog_records import SkippedRecord, read_changelog_record
from stream.core.index.records import Position
from stream.core.log_position import UNKNOWN_LOG, ChangeKind, LogPosition, LogState
from stream.errors import LogWentBack
from stream.transport.errors import UnknownTopicError
from stream.transport.log_checks import check_position, epoch_to_ask
from stream.transport.record_batch import BatchTransport


class ChangelogCheck:
    """Looks at one partition of the changelog, and of the normalized topic that it belongs to.

    The producer of the changelog does not learn in which leader epoch its records are stored, so the changelog is
    recognized by its topic id and by the last record that is known to be in it.

    Args:
        transport: Reads the topics.
        changelog: The partition of the changelog.
        normalized: The partition of the normalized topic.
    """

    def __init__(self, transport: BatchTransport, changelog: TP, normalized: TP) -> None:
        self._transport = transport
        self._changelog = changelog
        self._normalized = normalized

    async def look_up(self) -> LogState:
        """What the broker says about the changelog now.

        Raises:
            UnknownTopicError: It does not exist.
        """
        states = await self._transport.log_states({self._changelog: None})
        if self._changelog not in states:
            raise UnknownTopicError(f"{self._changelog.topic}-{self._changelog.partition}")
        return states[self._changelog]

    async def holds(self, mark: ChangelogMark | None, state: LogState) -> bool:
        """Whether the changelog has the record ``mark``; True if that has been deleted by retention, or is None."""
        if mark is None or (mark.topic_id == state.topic_id and mark.offset < state.start):
            return True
        if mark.topic_id != state.topic_id or mark.offset >= state.end:
            return False
        record = await self._transport.read_one(self._changelog, mark.offset)
        return record is not None and event_id_of(record) == mark.event_id

    async def require(self, mark: ChangelogMark | None, state: LogState) -> None:
        """Raise `LogWentBack` unless the changelog has the record ``mark``."""
        if mark is not None and not await self.holds(mark, state):
            raise changelog_went_back(self._changelog, mark, state)

    async def find_continuation(self, position: Position, state: LogState) -> int:
        """Where an index goes on that has read records which the changelog has lost.

        That is the operator's recovery, or the first decision before it that the index does not have: a worker notices
        that the changelog went back by where its records are stored, and their results are published by then.

        Raises:
            LogWentBack: There was no recovery.
        """
        mark = position.mark
        is_after = not position.recovery_id or (mark is not None and mark.topic_id != state.topic_id)
        begin: int | None = None
        async with contextlib.aclosing(self._transport.replay(self._changelog, state.start)) as fetches:
            async for records in fetches:
                for record in records:
                    event = read_changelog_record(record)
                    if isinstance(event, SkippedRecord):
                        continue
                    if not isinstance(event, RecoveryEvent):
                        if begin is None and event.offset > position.last:
                            begin = record.offset
                    elif is_after and event.lost_mark is not None:
                        return record.offset if begin is None else begin
                    is_after = is_after or event.event_id == position.recovery_id
        raise changelog_went_back(self._changelog, mark, state)

    async def require_normalized(self, position: Position) -> None:
        """Raise `LogWentBack` unless the normalized topic still has what the index has decided."""
        if position.last < 0:
            return
        decided = LogPosition(
            LogId.parse(position.log) if position.log else UNKNOWN_LOG, position.last - position.base + 1
        )
        states = await self._transport.log_states({self._normalized: epoch_to_ask(decided.log)})
        if state := states.get(self._normalized):
            check_position(self._normalized, decided, state)


def changelog_went_back(tp: TP, mark: ChangelogMark | None, state: LogState) -> LogWentBack:
    """The error for a changelog that lacks the record ``mark``."""
    if mark is None:
        return LogWentBack(*tp, "truncated", f"the index has read more than the log has, which ends at {state.end}")
    kind: ChangeKind = "recreated" if mark.topic_id != state.topic_id else "truncated"
    return LogWentBack(
        *tp,
        kind,
        f"the record at offset {mark.offset} of topic id {mark.topic_id or '?'} is gone; the log now has id "
        f"{state.topic_id or '?'} and ends at {state.end}",
    )


def event_id_of(record: Record) -> str:
    """The CloudEvents id of a record that this project wrote."""
    return (dict(record.headers).get("ce_id") or b"").decode("utf-8", "replace")
