"""The garbage collector as a worker sets it."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from stream.gc_tuning import THRESHOLDS, relax


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_it_looks_seldom_and_leaves_alone_what_is_loaded() -> None:
    relax()
    assert gc.get_threshold() == THRESHOLDS
    assert gc.get_freeze_count() > 0


def test_it_still_collects_cycles() -> None:
    class Knot:
        """Something that holds itself."""

    relax()
    collected = []
    for _ in range(THRESHOLDS[0] + 1_000):
        knot = Knot()
        knot.itself = knot  # type: ignore[attr-defined]
        collected.append(gc.get_count()[0])
    assert min(collected[1_000:]) < 1_000
