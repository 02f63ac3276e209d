"""The queue of clusters: entries are taken in their order, once their time is before the horizon."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.core.index.expiry_queue import ExpiryQueue, QueueEntry, QueueState
from stream.core.index.store import MemoryStore, Store
from stream.errors import IndexDamaged
from tests.unit.core.index.conftest import NewStore

PREFIX = b"\x01scope\2"
A, B, C = ("a" * 32, "b" * 32, "c" * 32)


def commit(queue: ExpiryQueue, state: QueueState, store: Store) -> ExpiryQueue:
    """Write what ``queue`` recorded, and return a new queue on the store."""
    store.write(queue.changes(), (), queue.deletions())
    return ExpiryQueue(store, PREFIX, state)


@pytest.mark.parametrize("is_committed", [True, False])
def test_entries_are_taken_in_order_once_their_time_is_before_the_horizon(
    new_store: NewStore, is_committed: bool
) -> None:
    store, state = new_store(), QueueState()
    queue = ExpiryQueue(store, PREFIX, state)
    assert queue.take_before(1000) is None
    assert [queue.add(name, time) for name, time in ((A, 5), (B, 5), (A, 7))] == [0, 1, 2]
    queue = commit(queue, state, store) if is_committed else queue
    assert queue.take_before(5) is None
    assert [queue.take_before(6) for _ in range(3)] == [QueueEntry(0, A), QueueEntry(1, B), None]
    queue = commit(queue, state, store) if is_committed else queue
    queue.add(C, 9)
    assert [queue.take_before(100) for _ in range(3)] == [QueueEntry(2, A), QueueEntry(3, C), None]


def test_what_was_taken_is_no_longer_stored() -> None:
    store, state = MemoryStore(), QueueState()
    queue = ExpiryQueue(store, PREFIX, state)
    for time in range(4):
        queue.add(A, time)
    queue.take_before(10)
    queue = commit(queue, state, store)
    assert len(store.values) == 3
    while queue.take_before(10):
        pass
    commit(queue, state, store)
    assert store.values == {}


def test_a_missing_entry_is_damage() -> None:
    queue = ExpiryQueue(MemoryStore(), PREFIX, QueueState(first=3, end=4))
    with pytest.raises(IndexDamaged, match="entry 3"):
        queue.take_before(10)


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3), st.booleans())))
def test_nothing_is_lost_or_taken_twice(steps: list[tuple[int, int, bool]]) -> None:
    store, state = MemoryStore(), QueueState()
    queue, now, added, taken = ExpiryQueue(store, PREFIX, state), 0, 0, list[int]()
    for elapsed, takes, is_committed in steps:
        now += elapsed
        queue.add(A, now)
        added += 1
        taken += [entry.number for _ in range(takes) if (entry := queue.take_before(now - 5))]
        queue = commit(queue, state, store) if is_committed else queue
    while entry := queue.take_before(now + 1):
        taken.append(entry.number)
    assert taken == list(range(added))
