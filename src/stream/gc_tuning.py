"""Python's garbage collector, set for a process that handles events one after the other."""

from __future__ import annotations

import gc
from typing import Final

#: Objects made since the last look. Events are trees, freed as soon as they are published: what waits for the
#: collector is little, and looking through the rest of the process for it a hundred times a second is not.
THRESHOLDS: Final = (50_000, 20, 50)


def relax() -> None:
    """Leave alone what is loaded by now, and look seldom."""
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
