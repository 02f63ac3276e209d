"""What the consumers of both transports check before they read on: that each log is still the one that was read."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from stream.core.contracts.records import LogId
from stream.core.log_position import UNKNOWN_LOG, LogChange, LogPosition, LogState, describe_change
from stream.errors import LogWentBack
from stream.transport.offset_tracker import PartitionStart

if TYPE_CHECKING:
    from collections.abc import Mapping

    from faust.types import TP

    from stream.transport.commit_metadata import CommitMetadata

#: A topic does not exist if it is missing so many times in a row.
LOOKS: Final = 3


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


class TopicWatch:
    """Notices when a topic is deleted, or deleted and created again. It never forgets a topic.

    Attributes:
        expected: The id of each topic; empty where the broker does not name it.
    """

    def __init__(self) -> None:
        self.expected: dict[str, str] = {}
        self._missed: Counter[str] = Counter()

    def expect(self, topic: str, topic_id: str) -> None:
        """Take note of the id of a topic.

        Raises:
            LogWentBack: It had another one before.
        """
        self.expected[topic] = self.expected.get(topic) or topic_id
        self._compare(topic, topic_id)

    def observe(self, topic_ids: Mapping[str, str]) -> None:
        """Compare with the ids of those topics that exist now.

        Raises:
            LogWentBack: A topic has another id, or did not exist `LOOKS` times in a row: a single broker that does not
                know it may be behind.
        """
        for topic in self.expected:
            if topic in topic_ids:
                self._missed.pop(topic, None)
                self._compare(topic, topic_ids[topic])
                continue
            self._missed[topic] += 1
            if self._missed[topic] >= LOOKS:
                raise topic_deleted(topic)

    def _compare(self, topic: str, topic_id: str) -> None:
        expected = self.expected[topic]
        if expected and topic_id and topic_id != expected:
            what = f"was read with the topic id {expected}, but was deleted and created again with the id {topic_id}"
            raise LogWentBack(topic, None, "recreated", what)


def topic_deleted(topic: str) -> LogWentBack:
    """The error for a topic that does not exist any more."""
    return LogWentBack(topic, None, "deleted", "was read, but does not exist any more")


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
