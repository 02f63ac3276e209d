"""One scope's part of an index: its clock and its two generations."""

from __future__ import annotations

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
    """Write what ``scope`` holds and look at the store anew."""
    store.write(scope.changes(), scope.dropped)
    return view(store)


def test_one_in_which_nothing_was_recorded_is_empty_and_writes_nothing(new_store: NewStore) -> None:
    scope = view(new_store())
    assert (scope.is_new, scope.now, scope.get(b"name"), [*scope.changes()], scope.dropped) == (True, 0, None, [], [])


def test_what_was_written_is_seen_at_once_and_after_it_was_committed(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.advance(5 * SECOND_MS, offset=0)
    scope.put(b"name", b"value")
    assert scope.get_many([b"name", b"other"]) == [b"value", None]
    again = commit(scope, store)
    assert (again.is_new, again.now, again.get(b"name")) == (False, 5, b"value")


def test_other_scopes_do_not_see_it(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.put(b"name", b"value")
    commit(scope, store)
    assert ScopeView(store, "default/fr", window_s=WINDOW_S).get(b"name") is None


@pytest.mark.parametrize("is_committed", [True, False])
def test_of_values_put_behind_each_other_the_last_bytes_stay(new_store: NewStore, is_committed: bool) -> None:
    store = new_store()
    scope = view(store)
    for value in (b"ab", b"cd", b"ef"):
        scope.append([b"name", b"other"], value, bytes_max=4)
        scope = commit(scope, store) if is_committed else scope
    assert scope.get_many([b"name", b"other"]) == [b"cdef", b"cdef"]


@pytest.mark.parametrize(("times", "now"), [([5, 3], 5), ([3, 5], 5), ([-10, 0], 0), ([SECONDS_MAX + 5], SECONDS_MAX)])
def test_its_time_is_the_latest_that_was_seen(times: list[int], now: int) -> None:
    scope = view(MemoryStore())
    for time in times:
        scope.advance(time * SECOND_MS, offset=0)
    assert scope.now == now


def test_the_horizon_is_a_window_before_the_later_of_its_time_and_that_of_the_event() -> None:
    scope = view(MemoryStore())
    assert scope.horizon() == 0
    scope.advance(500 * SECOND_MS, offset=0)
    assert (scope.horizon(), scope.horizon(450 * SECOND_MS), scope.horizon(700 * SECOND_MS)) == (400, 400, 600)


def through(store: Store, steps: list[tuple[int, int]]) -> ScopeView:
    """A scope that put the step's number under its name at each (time in seconds, offset)."""
    scope = view(store)
    for number, (time, offset) in enumerate(steps):
        scope.advance(time * SECOND_MS, offset=offset)
        scope.put(b"%d" % number, b"x")
        scope = commit(scope, store)
    return scope


@pytest.mark.parametrize(
    ("steps", "kept"),
    [
        ([(0, 0), (100, 1), (100, 2 + FAR)], [True, True, True]),
        ([(0, 0), (101, 1), (101, 1 + REDELIVERED_OFFSETS_MAX)], [True, True, True]),
        # The first generation ends, and its values are still there.
        ([(0, 0), (101, 1), (101, 1 + FAR)], [True, True, True]),
        # The second one ends: what the first held is dropped.
        ([(0, 0), (101, 1), (101, 1 + FAR), (202, 2 + FAR), (202, 3 + 2 * FAR)], [False, False, True, True, True]),
    ],
)
def test_a_generation_is_dropped_when_the_next_one_is_out_of_the_window_and_read_by_all(
    new_store: NewStore, steps: list[tuple[int, int]], kept: list[bool]
) -> None:
    scope = through(new_store(), steps)
    assert [value is not None for value in scope.get_many([b"%d" % number for number in range(len(steps))])] == kept


def test_a_value_written_again_goes_over_into_the_current_generation(new_store: NewStore) -> None:
    store = new_store()
    scope = through(store, [(0, 0), (101, 1), (101, 1 + FAR)])
    scope.put(b"0", b"again")
    scope = commit(scope, store)
    for time, offset in ((202, 2 + FAR), (202, 3 + 2 * FAR)):
        scope.advance(time * SECOND_MS, offset=offset)
        scope.put(b"any", b"x")
        scope = commit(scope, store)
    assert scope.get_many([b"0", b"1"]) == [b"again", None]


def test_an_empty_value_hides_that_of_the_generation_before(new_store: NewStore) -> None:
    store = new_store()
    scope = through(store, [(0, 0), (101, 1), (101, 1 + FAR)])
    scope.put(b"0", b"")
    assert commit(scope, store).get(b"0") == b""


def test_what_was_read_of_a_dropped_generation_is_not_seen_in_the_same_session(new_store: NewStore) -> None:
    scope = through(new_store(), [(0, 0), (101, 1), (101, 1 + FAR), (202, 2 + FAR)])
    assert scope.get_many([b"0", b"2"]) == [b"x", b"x"]
    scope.advance(202 * SECOND_MS, offset=3 + 2 * FAR)
    assert scope.get_many([b"0", b"2"]) == [None, b"x"]


@pytest.mark.parametrize(
    ("steps", "oldest"),
    [
        ([], None),
        ([(1000, 0)], 1000),
        ([(1000, 0), (1050, 1)], 1000),
        ([(1000, 0), (1050, 1), (1150, 2)], 1050),  # a window back: the first is not found any more
        ([(1000, 0), (1101, 1), (1101, 1 + FAR), (1130, 2 + FAR)], 1030),  # the second generation began at 1101
        ([(0, 0)], 0),
    ],
)
def test_the_oldest_article_is_as_old_as_the_scope_or_its_window(
    new_store: NewStore, steps: list[tuple[int, int]], oldest: int | None
) -> None:
    assert through(new_store(), steps).oldest == oldest


ANCHORS: Final = np.array([1 << 40, 2 << 40, 3 << 40], dtype=np.uint64)
NAMES: Final = anchor_names(ANCHORS)


def test_fresh_anchors_are_written_for_the_articles_that_were_recorded(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.expect(ANCHORS, [1, 0, 1])
    scope.advance(0, offset=0)
    scope.put(b"name", b"value")
    scope.put_fresh(1, b"x")
    scope = commit(scope, store)
    assert scope.get_many([*NAMES, b"name"]) == [b"x", None, b"x", b"value"]


def test_fresh_anchors_go_with_their_generation(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.expect(ANCHORS[:2], [0, 1])
    for number, (time, offset) in enumerate([(0, 0), (101, 1), (101, 1 + FAR), (202, 2 + FAR)]):
        scope.advance(time * SECOND_MS, offset=offset)
        scope.put_fresh(min(number, 1), b"%d" % number)
        scope.put(b"name", b"x")
    scope.advance(202 * SECOND_MS, offset=3 + 2 * FAR)
    scope.put(b"name", b"y")
    assert commit(scope, store).get_many([*NAMES[:2], b"name"]) == [None, b"3", b"y"]


@pytest.mark.parametrize("before", ["expect", "put", "put_fresh"])
def test_what_may_have_been_written_is_not_expected_to_be_nowhere(before: str) -> None:
    scope = view(MemoryStore())
    if before == "expect":
        scope.expect(ANCHORS, [0, 0, 0])
    elif before == "put":
        scope.put(b"name", b"value")
    else:
        scope.put_fresh(0, b"x")
    with pytest.raises(RuntimeError, match="before anything is recorded"):
        scope.expect(ANCHORS, [0, 0, 0])


def test_anchors_are_looked_up_in_both_generations(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    for time, offset, name in ((0, 0, NAMES[0]), (101, 1, NAMES[1]), (101, 1 + FAR, NAMES[2])):
        scope.advance(time * SECOND_MS, offset=offset)
        scope.put(name, b"%d" % offset)
        scope.put(NAMES[1], b"%d" % offset)
        scope = commit(scope, store)
    assert scope.look_up(ANCHORS) == [b"0", b"%d" % (1 + FAR), b"%d" % (1 + FAR)]
    assert scope.look_up(ANCHORS[:0]) == []


def test_what_was_looked_up_is_read_once_it_is_kept(new_store: NewStore) -> None:
    store = new_store()
    scope = view(store)
    scope.keep([(b"name", b"value"), (b"other", None)])
    assert scope.get_many([b"name", b"other"]) == [b"value", None]
    assert [*scope.changes()] == []
