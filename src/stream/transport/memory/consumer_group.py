"""Consumer groups of the broker in memory: membership, generations and fenced commits, like those of Kafka.

Rebalances are eager. One begins when a member enters, leaves or changes its topics; every member then gives up its
partitions and enters again; when all have done so, the next generation has its assignment. All methods are called with
the broker's lock held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from faust.types import TP

from stream.transport.errors import NotAMemberError, StaleGenerationError

#: Wakes a member, so that it looks at its group. From any thread; False if the member's event loop has ended.
Wake = Callable[[], bool]


@dataclass(slots=True)
class _Member:
    topics: frozenset[str]
    wake: Wake
    entered: bool = True
    assigned: frozenset[TP] = frozenset()


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a member owns in one generation."""

    generation: int
    partitions: frozenset[TP]


@dataclass(slots=True)
class Group:
    """One consumer group.

    Args:
        partitions_of: Returns how many partitions a topic has.
    """

    partitions_of: Callable[[str], int]
    generation: int = 0
    offsets: dict[TP, int] = field(default_factory=dict)
    metadata: dict[TP, str] = field(default_factory=dict)
    _members: dict[str, _Member] = field(default_factory=dict)
    _rebalancing: bool = False

    @property
    def members(self) -> list[str]:
        """The members, in the order of joining."""
        return list(self._members)

    def enter(self, member_id: str, topics: Iterable[str], wake: Wake) -> None:
        """Join, or enter again for the next generation after giving up all partitions."""
        self._members[member_id] = _Member(frozenset(topics), wake)
        self._begin_rebalance()

    def leave(self, member_id: str) -> None:
        """Leave. The other members share the partitions."""
        if self._members.pop(member_id, None) is not None:
            self._begin_rebalance()

    def expel_missing(self) -> None:
        """Go on without the members that did not enter again in time."""
        if self._rebalancing:
            self._members = {name: member for name, member in self._members.items() if member.entered}
            self._complete_if_all_entered()

    def must_give_up(self, member_id: str, generation: int) -> bool:
        """Whether a member has to give up what it owns in that generation and enter again."""
        return member_id not in self._members or self._rebalancing or generation != self.generation

    def assignment(self, member_id: str) -> Assignment | None:
        """What the member owns, or None while other members have yet to enter.

        Raises:
            NotAMemberError: The member was expelled.
        """
        member = self._members.get(member_id)
        if member is None:
            raise NotAMemberError(member_id)
        if self._rebalancing:
            return None
        return Assignment(self.generation, member.assigned)

    def commit(
        self, offsets: Mapping[TP, int], member_id: str | None, generation: int, metadata: Mapping[TP, str]
    ) -> None:
        """Store offsets, each with its metadata, if any. Without a member, the group must be empty.

        Raises:
            NotAMemberError: The member is not, or no longer, in the group.
            StaleGenerationError: The group has rebalanced since.
        """
        if member_id is None:
            if self._members:
                raise NotAMemberError("the group is in use; only its members may commit")
        elif member_id not in self._members:
            raise NotAMemberError(member_id)
        elif generation != self.generation:
            raise StaleGenerationError(f"the commit is of generation {generation}, the group is at {self.generation}")
        self.offsets.update(offsets)
        self.metadata.update({tp: metadata.get(tp, "") for tp in offsets})

    def _begin_rebalance(self) -> None:
        self._rebalancing = True
        self._wake_all()
        self._complete_if_all_entered()

    def _complete_if_all_entered(self) -> None:
        if not self._rebalancing or not all(member.entered for member in self._members.values()):
            return
        self.generation += 1
        self._rebalancing = False
        self._assign()
        for member in self._members.values():
            member.entered = False
        if not self._wake_all():
            self._begin_rebalance()

    def _assign(self) -> None:
        """Assign each topic's partitions round robin to the members that subscribe to it."""
        shares: dict[str, set[TP]] = {name: set() for name in self._members}
        for topic in sorted(set().union(*(member.topics for member in self._members.values()))):
            subscribers = [name for name, member in self._members.items() if topic in member.topics]
            for partition in range(self.partitions_of(topic)):
                shares[subscribers[partition % len(subscribers)]].add(TP(topic, partition))
        for name, member in self._members.items():
            member.assigned = frozenset(shares[name])

    def _wake_all(self) -> bool:
        """Wake all members. Remove those that cannot be woken any more, and return False if there were any."""
        gone = [name for name, member in self._members.items() if not member.wake()]
        for name in gone:
            del self._members[name]
        return not gone
