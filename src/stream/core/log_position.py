"""Whether a log is still the one that was read: by its topic id (KIP-516), its leader epochs (KIP-320) and its offsets.

Offsets alone do not identify a log: a topic can be deleted and created again, and a log can lose its end, by an unclean
leader election or by a disk that lost what was not flushed. Reading on at the old offset then skips records, or takes
new records for others.
"""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

from stream.core.contracts.records import LogId

#: The log of a position that was noted without one. It also stands for brokers that do not name topic ids.
UNKNOWN_LOG: Final = LogId("", -1)

#: What can happen to a log: its topic was created again, or its end was lost.
ChangeKind = Literal["recreated", "truncated"]


class LogPosition(NamedTuple):
    """How far a log was read.

    Attributes:
        log: The topic id, and the leader epoch of the record before ``offset`` (-1 if unknown).
        offset: The first offset that was not processed.
    """

    log: LogId
    offset: int


class LogState(NamedTuple):
    """What the broker says now about a log.

    Attributes:
        topic_id: The topic's id; empty if the broker does not name it (Kafka before 2.8).
        leader_epoch: The leader epoch in which records are appended now.
        start: The first offset.
        end: The offset of the next record.
        epoch_end: Where the leader epoch of the position ends (OffsetForLeaderEpoch): the first offset of the next
            higher epoch, or ``end``. None if it was not asked for; -1 if all epochs of the log are lower.
    """

    topic_id: str
    leader_epoch: int
    start: int
    end: int
    epoch_end: int | None


class LogChange(NamedTuple):
    """How a log differs from the one that was read.

    Attributes:
        kind: What happened.
        keep_until: The offset from which on the log differs. What was read below it is still valid.
    """

    kind: ChangeKind
    keep_until: int


def describe_change(position: LogPosition, state: LogState) -> LogChange | None:
    """Return how the log differs from the one that was read up to ``position``; None if it does not.

    Records that retention has deleted are no change. Topic ids are compared where both are known.

    >>> position = LogPosition(LogId("q8vTzcWnSDm2aSZC9Xv1Yg", 3), 100)
    >>> describe_change(position, LogState("q8vTzcWnSDm2aSZC9Xv1Yg", 4, 0, 130, epoch_end=110))
    >>> describe_change(position, LogState("q8vTzcWnSDm2aSZC9Xv1Yg", 4, 0, 130, epoch_end=80))
    LogChange(kind='truncated', keep_until=80)
    >>> describe_change(position, LogState("bNf0mMVJQnOQ7tNHZz0gWA", 0, 0, 130, epoch_end=130))
    LogChange(kind='recreated', keep_until=0)
    """
    known = position.log.topic_id
    if known and state.topic_id and known != state.topic_id:
        return LogChange("recreated", state.start)
    # A log without any epoch as high as the position's does not say where it differs: perhaps from its start on.
    epoch_end = state.start if state.epoch_end == -1 else state.epoch_end
    is_lost = state.epoch_end is not None and state.epoch_end < position.offset
    if is_lost and epoch_end is not None:
        return LogChange("truncated", min(epoch_end, state.end))
    return LogChange("truncated", state.end) if state.end < position.offset else None
