"""Python's garbage collector, tuned for a process that handles one event after the other."""

from __future__ import annotations

import gc
from typing import Final

#: Thresholds for `gc.set_threshold`. Events are trees without cycles, freed as soon as they are published, so that
#: little is left to collect; with the default thresholds, all other objects are scanned a hundred times a second.
THRESHOLDS: Final = (50_000, 20, 50)


def tune_gc() -> None:
    """Exempt everything that is loaded by now from collection, and collect seldom."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
