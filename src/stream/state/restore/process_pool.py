"""Indexes restored beside the worker: each by a process of its own, at most so many at once."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from stream.core.contracts.records import Record
from stream.state.restore.process_main import LENGTH_BYTES, Answer, Task, framed, portion_of

#: Fewer records are not worth a process, which takes half a second to start.
RECORDS_MIN = 20_000
#: A process is killed that has not closed its index so many seconds after it was asked to; what it read is read again.
_CLOSE_S: Final = 30.0


class RestoreFailed(Exception):
    """The process met a fault, or is gone; the message tells which."""


class RestoreProcess:
    """A process that restores one index, and is handed the changelog."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._is_answered = True
        #: How many of the records that it has answered for were new.
        self.taken = 0

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    async def take_over(self, records: Sequence[Record], changelog_end: int) -> None:
        """Hand over records; returns as soon as those before are taken over, so that more can be read meanwhile.

        Raises:
            RestoreFailed: it cannot go on.
        """
        await self.settle()
        await self.hand_over(portion_of(records, changelog_end))
        self._is_answered = False

    async def settle(self) -> None:
        """Wait until all that was handed over is taken over.

        Raises:
            RestoreFailed: it cannot go on.
        """
        if self._is_answered:
            return
        answers = self._process.stdout
        assert answers is not None  # noqa: S101 - it was started with a pipe
        try:
            length = int.from_bytes(await answers.readexactly(LENGTH_BYTES), "big")
            answer = msgspec.msgpack.decode(await answers.readexactly(length), type=Answer)
        except asyncio.IncompleteReadError:
            code = await self._process.wait()
            raise RestoreFailed(f"its process ended with exit code {code}") from None
        if answer.fault is not None:
            raise RestoreFailed(answer.fault)
        self.taken += answer.taken
        self._is_answered = True

    async def hand_over(self, message: msgspec.Struct) -> None:
        """Send one frame."""
        given = self._process.stdin
        assert given is not None  # noqa: S101 - as above
        with contextlib.suppress(ConnectionError):  # why it is gone is told where its answer is missing
            given.write(framed(message))
            await given.drain()

    async def close(self) -> None:
        """Let it close its index, and wait until it has ended."""
        if self._process.stdin:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(_CLOSE_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class RestoreProcesses:
    """Starts them.

    A restore keeps one core busy, and RocksDB's writes do not let other threads of their process run.

    ``folder_of`` a partition's index; ``cache_bytes`` and ``window_ms``: as for the index in the worker; ``at_once``: 0
    for none.
    """

    def __init__(
        self,
        topic: str,
        folder_of: Callable[[int], Path],
        *,
        cache_bytes: int,
        window_ms: int,
        at_once: int,
    ) -> None:
        self._topic = topic
        self._folder_of = folder_of
        self._cache_bytes = cache_bytes
        self._window_ms = window_ms
        self._at_once = at_once
        self._free = asyncio.Semaphore(at_once)

    def are_worth(self, records: int) -> bool:
        """Whether to start one for so many records."""
        return self._at_once > 0 and records >= RECORDS_MIN

    @contextlib.asynccontextmanager
    async def started(self, partition: int) -> AsyncIterator[RestoreProcess]:
        """A process that restores the index of ``partition``, which nobody else has open; it is closed at the end.

        Raises:
            RestoreFailed: it cannot be started.
        """
        async with self._free:
            try:
                found = await asyncio.create_subprocess_exec(
                    # -P: whatever is called stream in the working directory is not it.
                    *(sys.executable, "-P", "-m", "stream.state.restore.process_main"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    start_new_session=True,  # an interrupt from the terminal is the worker's to heed
                )
            except OSError as error:
                raise RestoreFailed(f"no process could be started: {error.strerror}") from None
            process = RestoreProcess(found)
            try:
                folder = str(self._folder_of(partition))
                await process.hand_over(Task(folder, self._cache_bytes, self._window_ms, self._topic, partition))
                yield process
            finally:
                await process.close()
