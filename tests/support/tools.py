"""Finds programs that are not Python packages, such as promtool, on the PATH or where `.ci/tools.sh` installs them."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
#: The environment's own programs come first, then those that `.ci/tools.sh` builds.
FOLDERS = (Path(sys.executable).parent, ROOT / ".cache" / "tools" / "bin")
REQUIRE = "STREAM_REQUIRE_TOOLS"


def find(name: str) -> str | None:
    """Return the path of the program ``name``; None if it is not installed."""
    return shutil.which(name, path=os.pathsep.join([*map(str, FOLDERS), os.environ.get("PATH", "")]))


def tool(name: str, source: str) -> str:
    """Return the path of the program ``name``; skip the test if it is missing, or fail if STREAM_REQUIRE_TOOLS=1.

    Args:
        name: The program, such as ``promtool``.
        source: Where it comes from, such as ``Debian's prometheus package``; part of the reason.
    """
    if path := find(name):
        return path
    reason = f"no {name} ({source}); .ci/tools.sh installs it"
    if os.environ.get(REQUIRE) == "1":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
