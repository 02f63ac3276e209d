"""One scope of an index: its clock, its two generations, and the overlay of writes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import pytest

from stream.core.index.keys import SECONDS_MAX, anchor_names
from stream.core.index.scope_view import REDELIVERED_OFFSETS_MAX, ScopeView
from stream.core.index.store import MemoryStore, Store
from tests.unit.core.index.conftest import NewStore

SCOPE: Final = "default/en"
WINDOW_S: Final = 100
SECOND_MS: Final = 1000
FAR: Final = REDELIVERED_OFFSETS_MAX + 1


def view(store: Store) -> ScopeView:
    return ScopeView(store, SCOPE, window_s=WINDOW_S)


def commit(scope: ScopeView, store: Store) -> ScopeView:
    """Write what ``scope`` recorded, and return a new view of the store."""
    store.write(scope.changes(), scope.dropped_prefixes)
    return view(store)


def test_a_new_scope_is_empty_and_writes_nothing(new_store: NewStore) -> None:
    scope = view(new_store())
    assert (scope.is_new, scope.now_s, scope.get(b"name")) == (True, 0, None)
    assert ([*scope.changes()], scope.dropped_prefixes) == ([], [])


def test_writes_are_visible_at_once_and_after_a_commit(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.advance_clock(5 * SECOND_MS, offset=0)
    scope.put(b"name", b"value")
    assert scope.get_many([b"name", b"other"]) == [b"value", None]
    again = commit(scope, store)
    assert (again.is_new, again.now_s, again.get(b"name")) == (False, 5, b"value")


def test_other_scopes_do_not_see_writes(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.put(b"name", b"value")
    commit(scope, store)
    assert ScopeView(store, "default/fr", window_s=WINDOW_S).get(b"name") is None


@pytest.mark.parametrize("is_committed", [True, False])
def test_appending_keeps_the_last_bytes(new_store: NewStore, is_committed: bool) -> None:
    store = new_store()
    scope = view(store)
    for value in (b"ab", b"cd", b"ef"):
        scope.append([b"name", b"other"], value, bytes_max=4)
        scope = commit(scope, store) if is_committed else scope
    assert scope.get_many([b"name", b"other"]) == [b"cdef", b"cdef"]


def test_postings_that_begin_with_a_prefix_are_removed_and_others_stay() -> None:
    scope = view(MemoryStore())
    scope.put(b"name", b"a1b1a2ba")
    scope.put(b"other", b"b1b2")
    scope.remove_postings([b"name", b"other", b"none"], b"a", 2)
    assert scope.get_many([b"name", b"other", b"none"]) == [b"b1ba", b"b1b2", None]


@pytest.mark.parametrize(
    ("times", "now_s"), [([5, 3], 5), ([3, 5], 5), ([-10, 0], 0), ([SECONDS_MAX + 5], SECONDS_MAX)]
)
def test_its_time_is_the_latest_event_time(times: list[int], now_s: int) -> None:
    scope = view(MemoryStore())
    for time in times:
        scope.advance_clock(time * SECOND_MS, offset=0)
    assert scope.now_s == now_s


def test_the_horizon_is_one_window_before_the_later_of_the_times_of_scope_and_event() -> None:
    scope = view(MemoryStore())
    assert scope.horizon_s() == 0
    scope.advance_clock(500 * SECOND_MS, offset=0)
    assert (scope.horizon_s(), scope.horizon_s(450 * SECOND_MS), scope.horizon_s(700 * SECOND_MS)) == (400, 400, 600)


def run_steps(store: Store, steps: list[tuple[int, int]]) -> ScopeView:
    """A scope that wrote a value under the number of the step at each (time in seconds, offset)."""
    scope = view(store)
    for number, (time, offset) in enumerate(steps):
        scope.advance_clock(time * SECOND_MS, offset=offset)
        scope.put(b"%d" % number, b"x")
        scope = commit(scope, store)
    return scope


@pytest.mark.parametrize(
    ("steps", "is_stored"),
    [
        ([(0, 0), (100, 1), (100, 2 + FAR)], [True, True, True]),
        ([(0, 0), (101, 1), (101, 1 + REDELIVERED_OFFSETS_MAX)], [True, True, True]),
        # The first generation ends, and its values are kept.
        ([(0, 0), (101, 1), (101, 1 + FAR)], [True, True, True]),
        # The second one ends, and the values of the first are dropped.
        ([(0, 0), (101, 1), (101, 1 + FAR), (202, 2 + FAR), (202, 3 + 2 * FAR)], [False, False, True, True, True]),
    ],
)
def test_a_generation_is_dropped_when_the_next_has_left_the_window_and_is_not_consumed_again(
    new_store: NewStore, steps: list[tuple[int, int]], is_stored: list[bool]
) -> None:
    scope = run_steps(new_store(), steps)
    assert [
        value is not None for value in scope.get_many([b"%d" % number for number in range(len(steps))])
    ] == is_stored


def test_a_value_written_again_moves_to_the_current_generation(new_store: NewStore) -> None:
    store = new_store()
    scope = run_steps(store, [(0, 0), (101, 1), (101, 1 + FAR)])
    scope.put(b"0", b"again")
    scope = commit(scope, store)
    for time, offset in ((202, 2 + FAR), (202, 3 + 2 * FAR)):
        scope.advance_clock(time * SECOND_MS, offset=offset)
        scope.put(b"any", b"x")
        scope = commit(scope, store)
    assert scope.get_many([b"0", b"1"]) == [b"again", None]


def test_an_empty_value_hides_the_one_in_the_previous_generation(new_store: NewStore) -> None:
    store = new_store()
    scope = run_steps(store, [(0, 0), (101, 1), (101, 1 + FAR)])
    scope.put(b"0", b"")
    assert commit(scope, store).get(b"0") == b""


def test_values_read_before_their_generation_is_dropped_are_not_visible_after(new_store: NewStore) -> None:
    scope = run_steps(new_store(), [(0, 0), (101, 1), (101, 1 + FAR), (202, 2 + FAR)])
    assert scope.get_many([b"0", b"2"]) == [b"x", b"x"]
    scope.advance_clock(202 * SECOND_MS, offset=3 + 2 * FAR)
    assert scope.get_many([b"0", b"2"]) == [None, b"x"]


@pytest.mark.parametrize(
    ("steps", "oldest_s"),
    [
        ([], None),
        ([(1000, 0)], 1000),
        ([(1000, 0), (1050, 1)], 1000),
        ([(1000, 0), (1050, 1), (1150, 2)], 1050),  # one window back: the first is no longer found
        ([(1000, 0), (1101, 1), (1101, 1 + FAR), (1130, 2 + FAR)], 1030),  # the second generation began at 1101
        ([(0, 0)], 0),
    ],
)
def test_the_oldest_article_is_as_old_as_the_scope_or_its_window(
    new_store: NewStore, steps: list[tuple[int, int]], oldest_s: int | None
) -> None:
    assert run_steps(new_store(), steps).oldest_s == oldest_s


ANCHORS: Final = np.array([1 << 40, 2 << 40, 3 << 40], dtype=np.uint64)
NAMES: Final = anchor_names(ANCHORS)


def pack(indices: Sequence[int]) -> bytes:
    """Some of `ANCHORS`, as an article has them."""
    return ANCHORS[list(indices)].tobytes()


def test_unique_anchors_are_written_for_the_articles_that_were_recorded(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.prefetch_anchors([pack([1]), pack([0, 2])])
    assert scope.article_anchors(pack([0, 2])) == ([], 2, 1)
    scope.advance_clock(0, offset=0)
    scope.put(b"name", b"value")
    scope.put_unique(1, b"x")
    scope = commit(scope, store)
    assert scope.get_many([*NAMES, b"name"]) == [b"x", None, b"x", b"value"]


def test_unique_anchors_are_dropped_with_their_generation(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.prefetch_anchors([pack([0]), pack([1])])
    for number, (time, offset) in enumerate([(0, 0), (101, 1), (101, 1 + FAR), (202, 2 + FAR)]):
        scope.advance_clock(time * SECOND_MS, offset=offset)
        scope.put_unique(min(number, 1), b"%d" % number)
        scope.put(b"name", b"x")
    scope.advance_clock(202 * SECOND_MS, offset=3 + 2 * FAR)
    scope.put(b"name", b"y")
    assert commit(scope, store).get_many([*NAMES[:2], b"name"]) == [None, b"3", b"y"]


def test_writes_of_both_generations_of_one_transaction_are_committed(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.prefetch_anchors([pack([0]), pack([1])])
    for number, (time, offset) in enumerate([(0, 0), (101, 1), (101, 1 + FAR)]):
        scope.advance_clock(time * SECOND_MS, offset=offset)
        scope.put(b"%d" % number, b"x")
        scope.put_unique(number // 2, b"%d" % number)
    scope = commit(scope, store)
    assert scope.get_many([b"0", b"1", b"2", *NAMES[:2]]) == [b"x", b"x", b"x", b"1", b"2"]
    # With the next generation, the first one is dropped.
    for time, offset in ((202, 2 + FAR), (202, 3 + 2 * FAR)):
        scope.advance_clock(time * SECOND_MS, offset=offset)
        scope.put(b"any", b"x")
        scope = commit(scope, store)
    assert scope.get_many([b"0", b"1", b"2", *NAMES[:2]]) == [None, None, b"x", None, b"2"]


@pytest.mark.parametrize("before", ["prefetch_anchors", "put", "put_unique"])
def test_anchors_cannot_be_prefetched_after_unique_anchors_may_have_been_written(before: str) -> None:
    scope = view(MemoryStore())
    if before == "prefetch_anchors":
        scope.prefetch_anchors([pack([0, 1, 2])])
    elif before == "put":
        scope.put(b"name", b"value")
    else:
        scope.put_unique(0, b"x")
    with pytest.raises(RuntimeError, match=r"^anchors must be prefetched once, before anything is written$"):
        scope.prefetch_anchors([pack([0, 1, 2])])


class ReadCountingStore(MemoryStore):
    """A store in memory that counts the keys that were read."""

    keys_read = 0

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """See `Store`."""
        self.keys_read += len(keys)
        return super().get_many(keys)


def test_prefetched_anchors_come_from_both_generations_and_are_read_once() -> None:
    store = ReadCountingStore()
    scope = view(store)
    for time, offset, name in ((0, 0, NAMES[0]), (101, 1, NAMES[1]), (101, 1 + FAR, NAMES[2])):
        scope.advance_clock(time * SECOND_MS, offset=offset)
        scope.put(name, b"%d" % offset)
        scope.put(NAMES[1], b"%d" % offset)
        scope = commit(scope, store)
    scope.prefetch_anchors([])
    scope.prefetch_anchors([pack([0, 1, 2])])
    keys_read = store.keys_read
    assert scope.article_anchors(pack([0, 1, 2])) == (NAMES, 0, 0)
    assert scope.get_many(NAMES) == [b"0", b"%d" % (1 + FAR), b"%d" % (1 + FAR)]
    assert store.keys_read == keys_read
    assert [*scope.changes()] == []


def test_anchors_that_were_not_prefetched_all_count_as_shared() -> None:
    assert view(MemoryStore()).article_anchors(pack([0, 2])) == ([NAMES[0], NAMES[2]], 0, 0)
