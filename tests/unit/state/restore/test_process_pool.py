"""Processes that restore: a worker sends them the changelog, and they end with it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from stream.core.index.changelog_records import SkippedRecord
from stream.core.index.partition_index import PartitionIndex
from stream.errors import IndexFault
from stream.state.restore.process_pool import RECORDS_MIN, RestoreFailed, RestoreProcess
from stream.state.rocksdb_store import RocksStore
from tests.support.changelog import RECORDS, WINDOW_MS
from tests.support.flow import until
from tests.support.processes import wait_until
from tests.support.restore import process_pool


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


async def test_an_index_is_restored_chunk_by_chunk(tmp_path: Path) -> None:
    async with process_pool(tmp_path).start(0) as process:
        await process.apply(RECORDS[:5], 5)
        await process.apply(RECORDS[5:], 12)
        assert process.applied == 5
        await process.drain()
        assert process.applied == 12
    assert documents(tmp_path / "0") == 12


async def test_signals_to_all_processes_of_a_service_are_ignored(tmp_path: Path) -> None:
    async with process_pool(tmp_path).start(0) as process:
        await process.apply(RECORDS[:5], 5)
        await process.drain()
        os.kill(process.pid, signal.SIGTERM)
        assert os.getsid(process.pid) != os.getsid(0)  # an interrupt from the terminal does not reach it
        await process.apply(RECORDS[5:], 12)
    assert documents(tmp_path / "0") == 12


async def test_the_exit_code_of_a_killed_process_is_reported(tmp_path: Path) -> None:
    async def kill() -> None:
        async with process_pool(tmp_path).start(0) as process:
            await process.apply(RECORDS[:5], 5)
            await process.drain()
            os.kill(process.pid, signal.SIGKILL)
            for record in RECORDS[5:]:  # it is noticed at the first answer, or when it cannot be sent
                await process.apply([record], record.offset + 1)
            await process.drain()

    with pytest.raises(RestoreFailed, match="ended with exit code -9"):
        await kill()


async def test_a_record_that_a_process_skips_is_named(tmp_path: Path) -> None:
    async with process_pool(tmp_path).start(0) as process:
        await process.apply([replace(RECORDS[0], value=b"")], 1)
        await process.apply(RECORDS[1:], 12)
        await process.drain()
    assert process.applied == 11
    assert process.skipped == [SkippedRecord(0, "unusable", "it has no value")]


async def test_an_index_that_is_open_elsewhere_is_reported(tmp_path: Path) -> None:
    open_elsewhere = RocksStore(tmp_path / "0")

    async def send_anyway() -> None:
        async with process_pool(tmp_path).start(0) as process:
            await until(lambda: is_gone(process), "it has ended before anything is sent")
            await process.apply(RECORDS, 12)
            await process.drain()

    with pytest.raises(RestoreFailed, match="is in use by another worker"):
        await send_anyway()
    open_elsewhere.close()


async def test_a_process_that_cannot_be_started_is_reported(tmp_path: Path) -> None:
    with pytest.raises(RestoreFailed, match="No such file or directory"):
        async with process_pool(tmp_path, python=str(tmp_path / "none")).start(0):
            pass


async def test_no_more_processes_than_allowed_run_at_once(tmp_path: Path) -> None:
    pool = process_pool(tmp_path, size=1)
    order = []

    async def restore(partition: int) -> None:
        async with pool.start(partition) as process:
            order.append(("begun", partition))
            await process.apply(RECORDS, 12)
            await process.drain()
            order.append(("done", partition))

    await asyncio.gather(restore(0), restore(1))
    assert order == [("begun", 0), ("done", 0), ("begun", 1), ("done", 1)]
    assert [documents(tmp_path / name) for name in ("0", "1")] == [12, 12]


async def test_a_process_that_does_not_close_its_index_is_killed(tmp_path: Path) -> None:
    async with process_pool(tmp_path, close_timeout_s=0.2).start(0) as process:
        await process.apply(RECORDS, 12)
        await process.drain()
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
from tests.support.restore import process_pool

async def main():
    async with process_pool(Path(sys.argv[1])).start(0) as process:
        await process.apply(RECORDS, 12)
        await process.drain()
        os._exit(3)

asyncio.run(main())
"""


def test_a_process_whose_worker_is_gone_closes_the_index(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[4])}
    ended = subprocess.run([sys.executable, "-c", WORKER_THAT_DIES, tmp_path], env=environment, check=False)
    assert ended.returncode == 3
    wait_until(lambda: is_free(tmp_path / "0"), "nobody has the index open")
    assert documents(tmp_path / "0") == 12


@pytest.mark.parametrize(
    ("size", "records", "is_worthwhile"),
    [(0, 10**9, False), (1, RECORDS_MIN - 1, False), (1, RECORDS_MIN, True), (2, 0, False)],
)
async def test_short_restores_are_not_worth_a_process(
    tmp_path: Path, size: int, records: int, is_worthwhile: bool
) -> None:
    assert process_pool(tmp_path, size=size).is_worthwhile(records) is is_worthwhile
