"""What tests need of `deploy/grafana` and `deploy/prometheus`, whose scripts are no packages."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from tests.support.tools import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOK = ROOT / "docs" / "operations" / "runbook.md"
BOARDS = ("content", "flow", "state")


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a script of `deploy/` to its end."""
    return subprocess.run([sys.executable, script, *arguments], capture_output=True, text=True, check=False)


def load(script: Path) -> ModuleType:
    """The module in the file ``script``."""
    spec = importlib.util.spec_from_file_location(f"deploy_{script.parent.name}_{script.stem}", script)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def board(name: str) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    made: dict[str, Any] = json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return made
