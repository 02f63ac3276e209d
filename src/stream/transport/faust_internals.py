"""The private parts of Faust's consumer that this project replaces.

All uses of private members of Faust's `Consumer` are here, and its subclasses use public names only. Each method quotes
what it replaces. A test fails when another version of Faust than `FAUST_VERSION` is installed: then compare the quoted
code with the new version.
"""

from __future__ import annotations

import asyncio
import gc
from abc import abstractmethod
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from faust.transport.consumer import Consumer
from faust.types import TP, Message
from mode.utils.futures import notify

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from faust.types.transports import TPorTopicSet

#: The version of faust-streaming that this module was written for.
FAUST_VERSION: Final = "0.15.3"

#: Seconds after which `FaustConsumer.wait_for_ack` looks for agents that died.
_ACK_POLL_S: Final = 1.0


class _IgnoringSet(set[int]):
    """A set that stays empty."""

    def add(self, element: int, /) -> None:
        """Do nothing."""


class _IgnoringList(list[int]):
    """A list that stays empty."""

    def append(self, element: int, /) -> None:
        """Do nothing."""


class _NoOffsets(defaultdict[TP, int | None]):
    """A mapping whose values are always None."""

    def update(self, *_: object, **__: object) -> None:
        """Do nothing."""


class FaustConsumer(Consumer):
    """Faust's consumer without its bookkeeping of acknowledgements, which can lose records.

    A subclass says which offsets may be committed, and commits them.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:  # passed on
        super().__init__(*args, **kwargs)
        # Faust's compiled streams do by themselves what ``Consumer.ack`` does (see `ack`), with these collections. If
        # they kept the offsets, they would grow with every batch, and a batch that is repeated would never count as
        # acknowledged. ``Consumer._commit_offsets`` also updates `_committed_offset` after a commit that failed.
        self._acked = defaultdict(_IgnoringList)
        self._acked_index = defaultdict(_IgnoringSet)
        self._committed_offset = _NoOffsets(lambda: None)

    @abstractmethod
    def committable_offsets(self) -> Mapping[TP, int]:
        """The offsets that the group does not have yet."""

    @abstractmethod
    async def commit_finished(self, offsets: Mapping[TP, int]) -> bool:
        """Commit ``offsets``; False if they could not be committed."""

    @property
    def active_partitions(self) -> Collection[TP]:
        """The assigned partitions that are not paused."""
        return self._get_active_partitions()

    @property
    def unacked_count(self) -> int:
        """How many batches agents have not acknowledged."""
        return len(self._unacked_messages)

    def allow_rereading(self, tp: TP) -> None:
        """Let Faust accept a message that is behind the offset which it believes to have read.

        Replaces, in ``Consumer._drain_messages``::

            r_offset = get_read_offset(tp)
            if r_offset is None or offset >= r_offset:
        """
        self._read_offset[tp] = None

    def ack(self, message: Message) -> bool:
        """Take note that a stream has released a batch. This commits nothing.

        Replaces, in ``Consumer.ack``::

            committed = self._committed_offset[tp]
            if committed is None or offset >= committed:
                acked_index = self._acked_index[tp]
                if offset not in acked_index:
                    self._unacked_messages.discard(message)
                    acked_index.add(offset)
                    acked_for_tp = self._acked[tp]
                    acked_for_tp.append(offset)
                    self._n_acked += 1
                    return True
        """
        if message.acked:
            return False
        message.acked = True
        self._unacked_messages.discard(message)
        notify(self._waiting_for_ack)
        return True

    async def wait_for_ack(self, timeout_s: float) -> None:
        """Wait until an agent acknowledges a batch, for at most ``timeout_s`` seconds.

        Replaces ``Consumer._wait_for_ack``, and from ``Consumer.wait_empty``::

            gc.collect()
            ...
            self._clean_unacked_messages()
        """
        self._waiting_for_ack = asyncio.get_running_loop().create_future()
        await asyncio.wait([self._waiting_for_ack], timeout=min(timeout_s, _ACK_POLL_S))
        self._waiting_for_ack = None
        # A batch whose agent died is only held by reference cycles.
        self._clean_unacked_messages()
        if self._unacked_messages:
            gc.collect()

    def _filter_tps_with_pending_acks(self, topics: TPorTopicSet | None = None) -> Iterator[TP]:
        """The partitions to commit. Faust takes them from ``self._acked``."""
        for tp in self.committable_offsets():
            if topics is None or tp in topics or tp.topic in topics:
                yield tp

    def _new_offset(self, tp: TP) -> int | None:
        """The offset to commit. Faust computes it from ``self._acked[tp]``."""
        return self.committable_offsets().get(tp)

    def _should_commit(self, tp: TP, offset: int) -> bool:
        """Faust compares with ``self._committed_offset[tp]``."""
        return self.committable_offsets().get(tp) == offset

    async def _add_gap(self, tp: TP, offset_from: int, offset_to: int) -> None:
        """Do nothing. Faust adds the offsets of a gap to ``self._acked``; the offset tracker knows gaps."""

    async def _commit(self, offsets: Mapping[TP, int]) -> bool:
        """Commit ``offsets``, which Faust's transports do here."""
        return await self.commit_finished(offsets)
