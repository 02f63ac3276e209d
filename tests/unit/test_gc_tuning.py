"""The garbage collector as a worker tunes it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from stream.gc_tuning import THRESHOLDS, tune_gc


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_collections_are_rare_and_exempt_what_is_loaded() -> None:
    tune_gc()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > 0


def test_cycles_are_still_collected() -> None:
    class Cycle:
        """An object that references itself."""

    tune_gc()
    collected = []
    for _ in range(THRESHOLDS[0] + 1_000):
        cycle = Cycle()
        cycle.itself = cycle  # type: ignore[attr-defined]
        collected.append(gc.get_count()[0])
    assert min(collected[1_000:]) < 1_000
