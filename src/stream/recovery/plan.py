"""How to go on with each log that went back: facts in, actions out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import msgspec

from stream.core.contracts import codec
from stream.core.contracts.events import RecoveryEvent
from stream.core.contracts.records import LogId
from stream.core.log_position import LogChange, LogState
from stream.recovery.facts import IndexFacts, InputFacts
from stream.transport.commit_metadata import CommitMetadata


@dataclass(frozen=True, slots=True)
class ChangedLog:
    """A log that is not the one that was read. ``kind``: recreated or truncated."""

    topic: str
    partition: int
    kind: str
    summary: str


@dataclass(frozen=True, slots=True)
class Recovery:
    """What to do for one partition of an input topic.

    Attributes:
        changes: What happened.
        action: What is to be done, in words.
        topic: The input topic.
        partition: Its partition.
        offset: The offset to commit.
        metadata: What to commit with it.
        event: The record to write to the changelog before that, if any.
    """

    changes: Sequence[ChangedLog]
    action: str
    topic: str
    partition: int
    offset: int
    metadata: CommitMetadata
    event: RecoveryEvent | None = None


def find_changed_logs(raw: Sequence[InputFacts], indexes: Sequence[IndexFacts], *, changelog: str) -> list[ChangedLog]:
    """The logs that are not those that were read.

    Args:
        raw: The partitions of the raw topic.
        indexes: The partitions of the normalized topic, with their changelogs.
        changelog: The name of the changelog's topic.
    """
    return [change for recovery in plan_recovery(raw, indexes, changelog=changelog) for change in recovery.changes]


def plan_recovery(raw: Sequence[InputFacts], indexes: Sequence[IndexFacts], *, changelog: str) -> list[Recovery]:
    """What to do for each partition whose log went back; empty if none did. The arguments are as above."""
    return [*_plan_inputs(raw), *_plan_indexes(indexes, changelog)]


def _plan_inputs(partitions: Sequence[InputFacts]) -> Iterator[Recovery]:
    for facts in partitions:
        change, committed = facts.change, facts.committed
        if change and committed:
            yield Recovery(
                [_describe_input(facts, committed.offset, change)],
                f"go on at offset {change.keep_until:,}",
                facts.topic,
                facts.partition,
                change.keep_until,
                _metadata(change, facts.state, committed.metadata),
            )


def _plan_indexes(partitions: Sequence[IndexFacts], changelog: str) -> Iterator[Recovery]:
    for facts in partitions:
        change, committed, topic = facts.change, facts.input.committed, facts.input.topic
        if change is None and facts.holds_mark:
            continue
        # Deleting a topic deletes what was committed for it, too.
        offset, base = committed.offset if committed else facts.input.state.start, facts.base
        known = committed.metadata if committed else None
        metadata = known or CommitMetadata(facts.input.state.topic_id, -1)
        changes, actions = [], []
        if change:
            position = facts.decided_position
            read_to = max(offset, position.offset if position else 0)
            changes.append(_describe_input(facts.input, read_to, change))
            # What is below was decided; after a truncation some of it may not be committed yet.
            offset = change.keep_until if change.kind == "recreated" else min(change.keep_until, offset)
            base = facts.decided_up_to + 1 - change.keep_until
            metadata = _metadata(change, facts.input.state, known)
            actions.append(f"go on at offset {offset:,}")
        if not facts.holds_mark:
            changes.append(_describe_changelog(facts, changelog))
            actions.append(
                "workers keep what their indexes remember; an event of "
                f"{len(facts.decided)} raw partitions that was decided and is no longer remembered is rejected"
                if facts.decided
                else "workers keep what their indexes remember"
            )
        metadata = msgspec.structs.replace(metadata, changelog=None, base=base)
        event = _event(facts, metadata)
        action = f"note in {changelog} that offsets up to {facts.decided_up_to:,} are decided; " + "; ".join(actions)
        yield Recovery(changes, action, topic, facts.input.partition, offset, metadata, event)


def _metadata(change: LogChange, state: LogState, committed: CommitMetadata | None) -> CommitMetadata:
    """What to commit with the offset at which ``change`` lets the group go on."""
    # Before the first record of a new log there is none that could have an epoch. The records that a truncation has
    # left are of the epoch that was committed, or of an earlier one.
    epoch = committed.leader_epoch if committed and change.kind == "truncated" else -1
    return CommitMetadata(state.topic_id, min(epoch, state.leader_epoch))


def _event(facts: IndexFacts, metadata: CommitMetadata) -> RecoveryEvent:
    log = str(LogId(metadata.topic_id, metadata.leader_epoch)) if metadata.topic_id else None
    if facts.change is None and facts.last is not None and facts.last.offset == facts.decided_up_to:
        log = facts.last.log  # what was decided, but not committed, may be of a later leader epoch
    committed = facts.input.committed
    event = RecoveryEvent(
        event_id="",
        offset=facts.decided_up_to,
        base=metadata.base,
        log=log,
        lost_mark=None if facts.holds_mark or committed is None else committed.mark,
        decided=list(facts.decided),
    )
    identity = codec.encode((facts.input.topic, facts.input.partition, facts.changelog.topic_id, event))
    return msgspec.structs.replace(event, event_id=blake2b(identity, digest_size=16).hexdigest())


def _describe_input(facts: InputFacts, read_to: int, change: LogChange) -> ChangedLog:
    state = facts.state
    if change.kind == "recreated":
        summary = f"read up to offset {read_to:,}, then the topic was created again; it ends at {state.end:,}"
    else:
        summary = f"read up to offset {read_to:,}, but the log has lost what was behind {change.keep_until:,}"
    return ChangedLog(facts.topic, facts.partition, change.kind, summary)


def _describe_changelog(facts: IndexFacts, topic: str) -> ChangedLog:
    mark = facts.input.committed.mark if facts.input.committed else None
    offset = mark.offset if mark else 0
    if mark and facts.changelog.topic_id != mark.topic_id:
        kind, happened = "recreated", "the topic was created again"
    else:
        kind, happened = "truncated", "the log has lost it"
    return ChangedLog(
        topic,
        facts.input.partition,
        kind,
        f"written up to offset {offset:,}, but {happened}; it ends at {facts.changelog.end:,}",
    )
