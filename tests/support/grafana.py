"""The dashboards in `deploy/grafana`, and the files that go with them."""

from __future__ import annotations

import json
from typing import Any

from tests.support.tools import ROOT

GRAFANA = ROOT / "deploy" / "grafana"
PROMETHEUS = ROOT / "deploy" / "prometheus"
RUNBOOK = ROOT / "docs" / "operations" / "runbook.md"
BOARDS = ("content", "flow", "state")


def board(name: str) -> dict[str, Any]:
    """A dashboard's JSON, as Grafana reads it."""
    json_board: dict[str, Any] = json.loads((GRAFANA / "dashboards" / f"{name}.json").read_text(encoding="utf-8"))
    return json_board
