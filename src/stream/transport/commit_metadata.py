"""What is committed along with an offset, in Kafka's field for metadata: which log the offset belongs to."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stream.core.contracts.events import ChangelogMark
from stream.core.contracts.records import LogId


class CommitNote(NamedTuple):
    """What the app wants to be committed along with a partition's offsets.

    Attributes:
        changelog: The last record of the changelog that is known to be stored.
        base: What the index adds to the offsets of the partition.
    """

    changelog: ChangelogMark | None = None
    base: int = 0


class CommitMetadata(msgspec.Struct, frozen=True):
    """What goes with a committed offset. As text it has less than a kilobyte; Kafka's default limit is four.

    Attributes:
        topic_id: The id of the topic that the offset belongs to; empty if the broker does not name it.
        leader_epoch: The leader epoch of the record before the offset; -1 if unknown.
        changelog: See `CommitNote`.
        base: See `CommitNote`.
    """

    topic_id: str
    leader_epoch: int
    changelog: ChangelogMark | None = None
    base: int = 0

    @property
    def log(self) -> LogId:
        """The log that the committed offset belongs to."""
        return LogId(self.topic_id, self.leader_epoch)

    @property
    def note(self) -> CommitNote:
        """What the app wanted to be committed."""
        return CommitNote(self.changelog, self.base)

    def encode(self) -> str:
        """Return it as JSON text.

        >>> CommitMetadata("q8vTzcWnSDm2aSZC9Xv1Yg", 3).encode()
        '{"topic_id":"q8vTzcWnSDm2aSZC9Xv1Yg","leader_epoch":3,"changelog":null,"base":0}'
        """
        return msgspec.json.encode(self).decode()

    @classmethod
    def decode(cls, text: str | None) -> CommitMetadata | None:
        """Read what `encode` wrote; None if ``text`` is empty, or of another program.

        >>> CommitMetadata.decode('{"topic_id":"","leader_epoch":-1}')
        CommitMetadata(topic_id='', leader_epoch=-1, changelog=None, base=0)
        >>> CommitMetadata.decode("committed by hand")
        """
        try:
            return _decoder.decode(text or "")
        except (msgspec.DecodeError, UnicodeError):
            return None


_decoder = msgspec.json.Decoder(CommitMetadata)
