"""Short schedules on a real broker; `make faults` runs long ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.processes import clean_environment

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("local_kafka")]

TESTS = Path(__file__).resolve().parents[3]
SHORT = [
    (101, "kill_at,refuse_size"),
    (102, "broker_kill,zombie_at"),
    (103, "changelog_transaction,forged_ids"),
    (104, "normalized_recreate,changelog_foreign"),
]


@pytest.mark.parametrize(("seed", "kinds"), SHORT)
def test_nothing_is_lost_and_nothing_differs(seed: int, kinds: str, tmp_path: Path) -> None:
    """As a process of its own: without a broker, kafka-python leaves sockets to the garbage collector."""
    command = [sys.executable, "-m", "tests.e2e.faults", "--seeds", str(seed), "--only", kinds, "--articles", "400"]
    ran = subprocess.run(
        [*command, "--logs", tmp_path],
        env=clean_environment(PYTHONPATH=str(TESTS)),
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert f"seed  {seed} ok" in ran.stdout
    for kind in kinds.split(","):
        assert [row.split()[1] for row in ran.stdout.splitlines() if row.split()[:1] == [kind]] == ["1"]
