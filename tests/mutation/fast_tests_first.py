"""A pytest plugin for mutmut: runs either the fast or the slow tests of a mutant, the fastest first.

Most mutants are killed by a test that takes milliseconds, but a set of tests has no order in mutmut, and property tests
take a minute. `scripts.run_mutation` runs the fast tests on all mutants, and the slow ones on those that survive.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

#: The environment variable that chooses the tests: "fast" or "slow".
SPEED: Final = "STREAM_MUTATION_TESTS"

#: Tests that take longer are slow.
FAST_TEST_S: Final = 0.5

_DURATIONS: Final = Path("mutmut-stats.json")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the tests of the chosen speed, the fastest first; all while mutmut lists tests or measures them."""
    speed = os.environ.get(SPEED)
    if not speed or config.option.collectonly or os.environ.get("MUTANT_UNDER_TEST") == "stats":
        return
    durations: Mapping[str, float] = json.loads(_DURATIONS.read_text())["duration_by_test"]
    items[:] = [item for item in items if (durations.get(item.nodeid, 0) > FAST_TEST_S) == (speed == "slow")]
    items.sort(key=lambda item: durations.get(item.nodeid, 0))
