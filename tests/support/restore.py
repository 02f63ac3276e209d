"""Indexes on disk as restores leave them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from rocksdict import Options, Rdict

from stream.state.restore.process_pool import RestoreProcesses
from tests.support.changelog import WINDOW_MS


def contents(folder: Path) -> dict[bytes, bytes]:
    """All keys and values of an index that nobody has open."""
    found = Rdict(str(folder), options=Options(raw_mode=True))
    try:
        return cast("dict[bytes, bytes]", dict(found.items()))
    finally:
        found.close()


def processes(folder: Path, *, at_once: int = 2) -> RestoreProcesses:
    """Those that restore the indexes in ``folder``, each named by its partition."""
    return RestoreProcesses(
        "log",
        lambda partition: folder / str(partition),
        cache_bytes=1 << 20,
        window_ms=WINDOW_MS,
        at_once=at_once,
    )
