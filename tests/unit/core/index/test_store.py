"""What every store promises, the size of a store in memory, and the guard against damage."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.core.index.store import MemoryStore, guard_store
from stream.errors import IndexDamaged, IndexFault
from stream.state.rocksdb_store import RocksStore
from tests.support.changelog import CountingStore
from tests.unit.core.index.conftest import NewStore

#: Length of a prefix whose keys are dropped together: a scope and one of its generations.
PREFIX_BYTES = 9
ONE, TWO = b"\x01" * PREFIX_BYTES, b"\x01" * (PREFIX_BYTES - 1) + b"\x02"


def test_values_are_returned_in_the_order_of_the_requested_keys(new_store: NewStore) -> None:
    store = new_store()
    store.write({ONE + b"a": b"1", ONE + b"b": b"2", TWO: b"3"}.items())
    assert store.get_many([TWO, ONE + b"c", ONE + b"b", ONE + b"a", ONE + b"b"]) == [b"3", None, b"2", b"1", b"2"]
    assert store.get_many([]) == []


def test_dropping_a_prefix_deletes_its_keys_and_no_others(new_store: NewStore) -> None:
    store = new_store()
    last = b"\x01" * (PREFIX_BYTES - 1) + b"\xff"
    store.write({ONE: b"1", ONE + b"\xff" * 40: b"2", TWO: b"3", last + b"x": b"4"}.items())
    store.write([], [ONE])
    assert store.get_many([ONE, ONE + b"\xff" * 40, TWO, last + b"x"]) == [None, None, b"3", b"4"]
    store.write([], [last])
    assert store.get_many([TWO, last + b"x"]) == [b"3", None]


def test_puts_under_a_prefix_dropped_in_the_same_write_are_kept(new_store: NewStore) -> None:
    store = new_store()
    store.write({ONE + b"old": b"1"}.items())
    store.write({ONE + b"new": b"2"}.items(), [ONE])
    assert store.get_many([ONE + b"old", ONE + b"new"]) == [None, b"2"]


def test_a_cleared_store_is_empty_and_usable(new_store: NewStore) -> None:
    store = new_store()
    store.write({bytes(PREFIX_BYTES): b"0", ONE + b"a": b"1", b"\xff" * 40: b"2"}.items())
    store.clear()
    assert store.get_many([bytes(PREFIX_BYTES), ONE + b"a", b"\xff" * 40]) == [None] * 3
    store.write({ONE + b"a": b"3"}.items(), [TWO])
    assert store.get_many([ONE + b"a"]) == [b"3"]


def test_the_size_grows_with_every_write(new_store: NewStore) -> None:
    store = new_store()
    before = store.size_bytes
    store.write({ONE + bytes([number]): bytes(100_000) for number in range(20)}.items())
    assert store.size_bytes > before + 1_000_000


def test_the_size_of_a_store_in_memory_is_that_of_its_keys_and_values() -> None:
    store = MemoryStore()
    store.write({ONE + b"a": b"12345", TWO: b""}.items())
    store.write({ONE + b"a": b"1", TWO: b"22"}.items())
    assert store.size_bytes == PREFIX_BYTES + 1 + 1 + PREFIX_BYTES + 2
    store.write([], [ONE, TWO, b"absent"])
    assert store.size_bytes == 0


keys = st.builds(bytes.__add__, st.sampled_from([ONE, TWO]), st.binary(max_size=2))
writes = st.lists(
    st.tuples(st.dictionaries(keys, st.binary(max_size=3), max_size=6), st.sets(st.sampled_from([ONE, TWO])))
)


@given(writes)
@settings(max_examples=30, deadline=None)
def test_both_stores_hold_the_same_after_any_writes(history: list[tuple[dict[bytes, bytes], set[bytes]]]) -> None:
    with TemporaryDirectory() as folder:
        memory, rocks = MemoryStore(), RocksStore(Path(folder) / "index")
        for puts, prefixes in history:
            memory.write(puts.items(), prefixes)
            rocks.write(puts.items(), prefixes)
        keys = sorted({key for puts, _ in history for key in puts})
        assert memory.get_many(keys) == rocks.get_many(keys)
        rocks.close()


@pytest.mark.parametrize(
    ("error", "marked"), [(IndexDamaged("bad block"), "bad block"), (IndexFault("disk is full"), None)]
)
@pytest.mark.parametrize("close_on_error", [True, False])
def test_the_guard_marks_a_damaged_store_and_closes_it_if_asked_to(
    error: IndexFault, marked: str | None, *, close_on_error: bool
) -> None:
    store = CountingStore()
    with pytest.raises(IndexFault) as raised, guard_store(store, close_on_error=close_on_error):
        raise error
    assert raised.value is error
    assert (store.marked_corrupt, store.is_closed) == (marked, close_on_error)


def test_the_guard_leaves_a_store_alone_if_nothing_is_raised() -> None:
    store = CountingStore()
    with guard_store(store, close_on_error=True):
        pass
    assert (store.marked_corrupt, store.is_closed) == (None, False)
