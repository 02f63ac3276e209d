"""Both kinds of store, for tests of what an index does on either."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from stream.core.index.store import MemoryStore, Store
from stream.state.rocksdb_store import RocksStore

NewStore = Callable[[], Store]


@pytest.fixture(params=["memory", "rocks"])
def new_store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewStore]:
    """Yield a function that makes empty stores, which are closed after the test."""
    stores: list[Store] = []

    def make() -> Store:
        store = MemoryStore() if request.param == "memory" else RocksStore(tmp_path / str(len(stores)))
        stores.append(store)
        return store

    yield make
    for store in stores:
        store.close()
