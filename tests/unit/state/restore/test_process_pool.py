"""Processes that restore: handed the changelog by a worker, ended with it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stream.core.index.partition_index import PartitionIndex
from stream.errors import IndexFault
from stream.state.restore.process_pool import RECORDS_MIN, RestoreFailed, RestoreProcess
from stream.state.rocksdb_store import RocksStore
from tests.support.changelog import RECORDS, WINDOW_MS
from tests.support.flow import until
from tests.support.processes import wait_until
from tests.support.restore import processes


def documents(folder: Path) -> int:
    """How many articles the index in ``folder`` has."""
    index = PartitionIndex(RocksStore(folder), window_ms=WINDOW_MS)
    try:
        return index.documents
    finally:
        index.close()


def is_gone(process: RestoreProcess) -> bool:
    """Whether it has ended."""
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    return False


async def test_an_index_is_restored_portion_by_portion(tmp_path: Path) -> None:
    async with processes(tmp_path).started(0) as process:
        await process.take_over(RECORDS[:5], 5)
        await process.take_over(RECORDS[5:], 12)
        assert process.taken == 5
        await process.settle()
        assert process.taken == 12
    assert documents(tmp_path / "0") == 12


async def test_a_signal_to_all_processes_of_a_service_is_the_workers_to_heed(tmp_path: Path) -> None:
    async with processes(tmp_path).started(0) as process:
        await process.take_over(RECORDS[:5], 5)
        await process.settle()
        os.kill(process.pid, signal.SIGTERM)
        assert os.getsid(process.pid) != os.getsid(0)  # an interrupt from the terminal does not reach it
        await process.take_over(RECORDS[5:], 12)
    assert documents(tmp_path / "0") == 12


async def test_a_process_that_is_killed_is_told(tmp_path: Path) -> None:
    async def killed() -> None:
        async with processes(tmp_path).started(0) as process:
            await process.take_over(RECORDS[:5], 5)
            await process.settle()
            os.kill(process.pid, signal.SIGKILL)
            for record in RECORDS[5:]:  # it is noticed at the first answer, or when it cannot be sent
                await process.take_over([record], record.offset + 1)
            await process.settle()

    with pytest.raises(RestoreFailed, match="ended with exit code -9"):
        await killed()


async def test_its_fault_is_told(tmp_path: Path) -> None:
    async def faulty() -> None:
        async with processes(tmp_path).started(0) as process:
            await process.take_over([replace(RECORDS[0], value=b"{}")], 1)
            await process.settle()

    with pytest.raises(RestoreFailed, match="log/0/0 is not a fingerprint"):
        await faulty()


async def test_an_index_that_another_has_open_is_told(tmp_path: Path) -> None:
    held = RocksStore(tmp_path / "0")

    async def refused() -> None:
        async with processes(tmp_path).started(0) as process:
            await until(lambda: is_gone(process), "it has ended before anything is handed over")
            await process.take_over(RECORDS, 12)
            await process.settle()

    with pytest.raises(RestoreFailed, match="is in use by another worker"):
        await refused()
    held.close()


async def test_where_no_process_can_be_started_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.executable", str(tmp_path / "none"))
    with pytest.raises(RestoreFailed, match="No such file or directory"):
        async with processes(tmp_path).started(0):
            pass


async def test_no_more_than_allowed_run_at_once(tmp_path: Path) -> None:
    given = processes(tmp_path, at_once=1)
    order = []

    async def restored(partition: int) -> None:
        async with given.started(partition) as process:
            order.append(("begun", partition))
            await process.take_over(RECORDS, 12)
            await process.settle()
            order.append(("done", partition))

    await asyncio.gather(restored(0), restored(1))
    assert order == [("begun", 0), ("done", 0), ("begun", 1), ("done", 1)]
    assert [documents(tmp_path / name) for name in ("0", "1")] == [12, 12]


async def test_one_that_does_not_close_its_index_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream.state.restore.process_pool._CLOSE_S", 0.2)
    async with processes(tmp_path).started(0) as process:
        await process.take_over(RECORDS, 12)
        await process.settle()
        os.kill(process.pid, signal.SIGSTOP)
    assert is_gone(process)
    assert documents(tmp_path / "0") in range(13)


def is_free(folder: Path) -> bool:
    """Whether nobody has the index in ``folder`` open."""
    try:
        RocksStore(folder).close()
    except IndexFault:
        return False
    return True


WORKER_THAT_DIES = """
import asyncio, os, sys
from pathlib import Path
from tests.support.flow import until
from tests.support.processes import wait_until
from tests.support.changelog import RECORDS
from tests.support.restore import processes

async def main():
    async with processes(Path(sys.argv[1])).started(0) as process:
        await process.take_over(RECORDS, 12)
        await process.settle()
        os._exit(3)

asyncio.run(main())
"""


def test_one_whose_worker_is_gone_lets_go_of_the_index(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    ended = subprocess.run([sys.executable, "-c", WORKER_THAT_DIES, tmp_path], env=environment, check=False)
    assert ended.returncode == 3
    wait_until(lambda: is_free(tmp_path / "0"), "nobody has the index open")
    assert documents(tmp_path / "0") == 12


@pytest.mark.parametrize(
    ("at_once", "records", "are_worth"),
    [(0, 10**9, False), (1, RECORDS_MIN - 1, False), (1, RECORDS_MIN, True), (2, 0, False)],
)
async def test_short_restores_are_not_worth_a_process(
    tmp_path: Path,
    at_once: int,
    records: int,
    are_worth: bool,
) -> None:
    assert processes(tmp_path, at_once=at_once).are_worth(records) is are_worth
