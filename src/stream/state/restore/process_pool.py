"""Processes that restore indexes beside the worker, one for each index, and at most a fixed number at once."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial
from typing import Final

import msgspec

from stream.core.contracts.records import Record
from stream.core.index.changelog_records import SkippedRecord
from stream.state.restore.process_main import LENGTH_BYTES, ChunkResult, RestoreRequest, encode_frame, to_chunk

#: A process takes half a second to start, so shorter restores are done by the worker itself.
RECORDS_MIN: Final = 20_000
#: Seconds that a process gets to close its index before it is killed. The worker then reads again what it lost.
CLOSE_TIMEOUT_S: Final = 30.0


class RestoreFailed(Exception):
    """A restore process met a fault or died; the message says which."""


class RestoreProcess:
    """A process that restores one index; a `RestoreTarget`."""

    def __init__(self, process: asyncio.subprocess.Process, *, close_timeout_s: float = CLOSE_TIMEOUT_S) -> None:
        self._process = process
        self._close_timeout_s = close_timeout_s
        self._awaits_result = False
        #: How many of the records that the process has confirmed were new.
        self.applied = 0
        #: See `RestoreTarget`.
        self.skipped: list[SkippedRecord] = []

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def apply(self, records: Sequence[Record], changelog_end: int) -> None:
        """Send records. Returns once the records before them are applied, so that more can be fetched meanwhile.

        Raises:
            RestoreFailed: The process cannot go on.
        """
        await self.drain()
        await self.send(to_chunk(records, changelog_end))
        self._awaits_result = True

    async def drain(self) -> None:
        """Wait until everything that was sent is applied.

        Raises:
            RestoreFailed: The process cannot go on.
        """
        if not self._awaits_result:
            return
        results = self._process.stdout
        assert results is not None  # noqa: S101 - it was started with a pipe
        try:
            length = int.from_bytes(await results.readexactly(LENGTH_BYTES), "big")
            result = msgspec.msgpack.decode(await results.readexactly(length), type=ChunkResult)
        except asyncio.IncompleteReadError:
            code = await self._process.wait()
            raise RestoreFailed(f"the restore process ended with exit code {code}") from None
        if result.fault is not None:
            raise RestoreFailed(result.fault)
        self.applied += result.applied
        self.skipped += result.skipped
        self._awaits_result = False

    async def send(self, message: msgspec.Struct) -> None:
        """Send one frame."""
        frames = self._process.stdin
        assert frames is not None  # noqa: S101 - as above
        with contextlib.suppress(ConnectionError):  # `drain` reports why the process is gone
            frames.write(encode_frame(message))
            await frames.drain()

    async def close(self) -> None:
        """Let the process close its index, and wait until it has ended."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(self._close_timeout_s):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class RestoreProcessPool:
    """Starts restore processes.

    A restore keeps one core busy, and writes to RocksDB block the other threads of their process.

    Args:
        request_for: Returns what to restore for a partition.
        size: How many processes run at once; 0 for none.
        records_min: Restores of fewer records are not worth a process.
        close_timeout_s: See `CLOSE_TIMEOUT_S`.
        python: The interpreter to run.
        process_type: Wraps each process.
    """

    def __init__(
        self,
        request_for: Callable[[int], RestoreRequest],
        *,
        size: int,
        records_min: int = RECORDS_MIN,
        close_timeout_s: float = CLOSE_TIMEOUT_S,
        python: str = sys.executable,
        process_type: Callable[[asyncio.subprocess.Process], RestoreProcess] | None = None,
    ) -> None:
        self._request_for = request_for
        self._size = size
        self._records_min = records_min
        self._python = python
        self._process_type = process_type or partial(RestoreProcess, close_timeout_s=close_timeout_s)
        self._free = asyncio.Semaphore(size)

    def is_worthwhile(self, records: int) -> bool:
        """Whether a restore of this many records is worth a process."""
        return self._size > 0 and records >= self._records_min

    @contextlib.asynccontextmanager
    async def start(self, partition: int) -> AsyncIterator[RestoreProcess]:
        """Start a process that restores the index of ``partition``, which nobody else may have open, and close it.

        Waits until one of the ``size`` processes is free.

        Raises:
            RestoreFailed: The process cannot be started.
        """
        async with self._free:
            try:
                child = await asyncio.create_subprocess_exec(
                    # -P: a folder called stream in the working directory must not be imported instead.
                    *(self._python, "-P", "-m", "stream.state.restore.process_main"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,  # Ctrl-C in the terminal is for the worker to handle
                )
            except OSError as error:
                raise RestoreFailed(f"cannot start a restore process: {error.strerror}") from None
            process = self._process_type(child)
            try:
                await process.send(self._request_for(partition))
                yield process
            finally:
                await process.close()
