"""Finds programs that are no Python packages, such as promtool: on the path, or where `.ci/tools.sh` puts them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: Where `.ci/tools.sh` installs what it builds; the environment's own programs come first.
FOLDERS = (Path(sys.executable).parent, ROOT / ".cache" / "tools" / "bin")
REQUIRE = "STREAM_REQUIRE_TOOLS"


def find(name: str) -> str | None:
    """The path of the program ``name``; None if it is not installed."""
    return shutil.which(name, path=os.pathsep.join([*map(str, FOLDERS), os.environ.get("PATH", "")]))


def tool(name: str, source: str) -> str:
    """The path of the program ``name``; skips the test where it is missing, fails with STREAM_REQUIRE_TOOLS=1.

    Args:
        name: The program, such as ``promtool``.
        source: Where it comes from, such as ``Debian's prometheus package``; stands in the reason.
    """
    if found := find(name):
        return found
    reason = f"no {name} ({source}); .ci/tools.sh installs it"
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
