"""Indexes on disk, and the processes that restore them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from rocksdict import Options, Rdict

from stream.state.restore.process_main import RestoreRequest
from stream.state.restore.process_pool import RestoreProcessPool
from tests.support.changelog import WINDOW_MS


def contents(folder: Path) -> dict[bytes, bytes]:
    """All keys and values of an index that nobody has open."""
    database = Rdict(str(folder), options=Options(raw_mode=True))
    try:
        return cast("dict[bytes, bytes]", dict(database.items()))
    finally:
        database.close()


def process_pool(folder: Path, *, size: int = 2, **options: Any) -> RestoreProcessPool:
    """A pool that restores the indexes in ``folder``, each in a folder named after its partition."""
    return RestoreProcessPool(
        lambda partition: RestoreRequest(str(folder / str(partition)), 1 << 20, WINDOW_MS, "log", partition),
        size=size,
        **options,
    )
