"""What the consumers of both transports check before they read on: that each log is still the one that was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stream.core.contracts.records import LogId
from stream.core.log_position import UNKNOWN_LOG, LogChange, LogPosition, LogState, describe_change
from stream.errors import LogWentBack
from stream.transport.offset_tracker import PartitionStart

if TYPE_CHECKING:
    from faust.types import TP

    from stream.transport.commit_metadata import CommitMetadata


def check_position(tp: TP, position: LogPosition, state: LogState) -> None:
    """Check that a log can be read on from ``position``.

    Raises:
        LogWentBack: It cannot: the log is another one, or has lost its end.
    """
    change = describe_change(position, state)
    if change is not None:
        raise LogWentBack(tp.topic, tp.partition, change.kind, _explain(position, state, change))


def choose_start(tp: TP, committed: int | None, metadata: CommitMetadata | None, state: LogState) -> PartitionStart:
    """Return where to start: at the committed offset, or at the log's start if that is later or nothing is committed.

    Args:
        tp: The partition.
        committed: The group's offset, if any.
        metadata: What was committed along with it.
        state: What the broker says about the log, and about the leader epoch in ``metadata``.

    Raises:
        LogWentBack: The log is not the one that the committed offset belongs to.
    """
    if committed is None:
        return PartitionStart(state.start, None, state.end, LogId(state.topic_id, -1))
    log = metadata.log if metadata else UNKNOWN_LOG
    check_position(tp, LogPosition(log, committed), state)
    log = LogId(log.topic_id or state.topic_id, log.leader_epoch)
    start = max(committed, state.start)
    return PartitionStart(start, committed, state.end, log, metadata, needs_commit=metadata is None)


def epoch_to_ask(log: LogId) -> int | None:
    """The leader epoch of ``log`` to ask the broker about; None if it is unknown."""
    return log.leader_epoch if log.leader_epoch >= 0 else None


def _explain(position: LogPosition, state: LogState, change: LogChange) -> str:
    topic_id = position.log.topic_id
    was_read = f"was read up to offset {position.offset}" + (f" of topic id {topic_id}" if topic_id else "")
    if change.kind == "recreated":
        return f"{was_read}, but the topic was deleted and created again and now has the id {state.topic_id}"
    if state.end < position.offset:
        return f"{was_read}, but the log now ends at {state.end}"
    return (
        f"{was_read}, but what was read of leader epoch {position.log.leader_epoch} was lost: the log differs from"
        f" offset {change.keep_until} on, and now ends at {state.end}"
    )
