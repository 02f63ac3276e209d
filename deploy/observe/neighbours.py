"""What this folder takes from the folders beside it, which are no packages either."""

from __future__ import annotations

import sys
from pathlib import Path

DEPLOY = Path(__file__).resolve().parents[1]
sys.path += [str(DEPLOY / name) for name in ("kafka", "grafana")]

# ruff: noqa: E402 - the path has to be longer first
from queries import ALERTS, DASHBOARDS, Query, panels, queries
from tools.kafka_node.node import choose_port
from tools.kafka_node.runtime import KafkaError, cache_folder, cached_class_path, find_java

__all__ = [
    "ALERTS",
    "DASHBOARDS",
    "DEPLOY",
    "KafkaError",
    "Query",
    "cache_folder",
    "cached_class_path",
    "choose_port",
    "find_java",
    "panels",
    "queries",
]
