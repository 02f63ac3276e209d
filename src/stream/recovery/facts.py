"""What is known about the logs of the flow: what was committed with their offsets, and what the broker says now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from stream.core.contracts.events import ChangelogEvent, ChangelogMark, DecidedUpTo
from stream.core.contracts.records import LogId
from stream.core.log_position import UNKNOWN_LOG, LogChange, LogPosition, LogState, describe_change
from stream.transport.commit_metadata import CommitMetadata


@dataclass(frozen=True, slots=True)
class CommittedOffset:
    """What the group has committed for one partition. ``metadata`` is None if another program committed it."""

    offset: int
    metadata: CommitMetadata | None = None

    @property
    def position(self) -> LogPosition:
        """How far the log was read."""
        return LogPosition(self.metadata.log if self.metadata else UNKNOWN_LOG, self.offset)

    @property
    def mark(self) -> ChangelogMark | None:
        """The last changelog record that was known to be stored then."""
        return self.metadata.changelog if self.metadata else None


@dataclass(frozen=True, slots=True)
class InputFacts:
    """One partition of an input topic. ``state`` says where the leader epoch of the committed offset ends."""

    topic: str
    partition: int
    committed: CommittedOffset | None
    state: LogState

    @property
    def change(self) -> LogChange | None:
        """How the log differs from the one that was read; None if it does not."""
        return describe_change(self.committed.position, self.state) if self.committed else None


@dataclass(frozen=True, slots=True)
class IndexFacts:
    """One partition of the normalized topic with its changelog.

    Attributes:
        input: The partition of the normalized topic.
        decided_state: Like ``input.state``, for the leader epoch of the last decision in the changelog.
        changelog: The log of the changelog.
        last: The last record of the changelog; None if it is empty.
        holds_mark: Whether the changelog still has the record that was committed with the offset; True if there is
            none.
        decided: How far each raw partition was decided, as far as the normalized topic still says; only collected if
            the changelog has lost records.
    """

    input: InputFacts
    decided_state: LogState
    changelog: LogState
    last: ChangelogEvent | None = None
    holds_mark: bool = True
    decided: Sequence[DecidedUpTo] = ()

    @property
    def decided_position(self) -> LogPosition | None:
        """How far the normalized topic was decided according to the changelog."""
        if self.last is None:
            return None
        log = LogId.parse(self.last.log) if self.last.log else UNKNOWN_LOG
        return LogPosition(log, self.last.offset - self.last.base + 1)

    @property
    def change(self) -> LogChange | None:
        """How the normalized topic differs from the one that was decided; None if it does not."""
        position = self.decided_position
        changes = [self.input.change, describe_change(position, self.decided_state) if position else None]
        return min(filter(None, changes), key=lambda change: change.keep_until, default=None)

    @property
    def base(self) -> int:
        """What is added to offsets of the normalized topic."""
        if self.last is not None:
            return self.last.base
        metadata = self.input.committed.metadata if self.input.committed else None
        return metadata.base if metadata else 0

    @property
    def decided_up_to(self) -> int:
        """The last offset that was decided, as the index counts; -1 for none."""
        committed = self.input.committed
        by_commit = self.base + committed.offset - 1 if committed else -1
        if self.last is None:
            return by_commit
        return self.last.offset if self.holds_mark else max(self.last.offset, by_commit)
