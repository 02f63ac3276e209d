"""Workers as processes of their own, and a supervisor that restarts those that ended."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

from stream.demo.runner import free_port
from tests.e2e.faults import crash_points

_TESTS: Final = Path(__file__).resolve().parents[3]
_POLL_S: Final = 0.05
_RESTART_S: Final = 0.3
STOP_S: Final = 60.0

#: How a worker may end: stopped on request (also before it handles signals), after a fault, without a broker, or killed
#: by the nemesis.
EXPECTED_EXITS: Final = frozenset({0, 69, 70, 75, -signal.SIGTERM, -signal.SIGKILL})
#: A log went back: expected only while one did.
LOG_WENT_BACK: Final = 65


class WorkerSlot:
    """The folder and port of one worker. It has a process as long as ``is_wanted``."""

    def __init__(self, name: str, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.data = folder / f"data-{name}"
        self.log = folder / f"worker-{name}.log"
        self.is_wanted = True
        self.extra: dict[str, str] = {}
        self.exits: list[int] = []
        self.process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self.environment = {**environment, "STREAM_DATA_DIR": str(self.data), "STREAM_WEB_PORT": str(self._port)}
        self._ended = 0.0

    @property
    def is_running(self) -> bool:
        """Whether its process runs."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether /readyz says that its partitions are assigned and restored."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:  # nobody answers, or not yet
            return False

    def start_or_note_end(self) -> None:
        """Note the exit code of a process that ended, and start another one if it is wanted."""
        if self.process is not None and self.process.poll() is not None:
            self.note(f"exit code {self.process.returncode}")
            self.exits.append(self.process.returncode)
            self.process, self._ended = None, time.monotonic()
        if self.process is None and self.is_wanted and time.monotonic() - self._ended >= _RESTART_S:
            self._start()

    def signal(self, number: int) -> None:
        """Send a signal to the process, if it runs."""
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(number)

    def limit_file_size(self, size: int | None) -> None:
        """Limit the files of this process and of later ones to ``size`` bytes; None for no limit."""
        self.extra = {crash_points.FILE_BYTES: str(size)} if size else {}
        process = self.process
        if process is not None and process.poll() is None:
            most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size or most, most))

    def _start(self) -> None:
        self.note(f"start {self.extra or ''}")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.faults.trapped_worker"],
            env=self.environment | self.extra,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,  # not the file itself: its size may be limited
        )
        threading.Thread(target=self._copy, args=(process,), daemon=True).start()
        self.process = process

    def _copy(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stderr is not None
        with process.stderr, self.log.open("ab", buffering=0) as log:
            for line in process.stderr:
                log.write(line)

    def note(self, line: str) -> None:
        """Write a line of our own into the log."""
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"=== {time.strftime('%H:%M:%S')} {line}\n")


class Supervisor:
    """Starts the workers of a run, and restarts those that ended; a context manager that ends them."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.slots: list[WorkerSlot] = []
        self.orders, self.clock = folder / "orders", folder / "clock"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAM_", "FAULTS_"))}
        if how := os.environ.get(crash_points.BREAK):
            clean[crash_points.BREAK] = how
        paths = {crash_points.ORDERS: str(self.orders), crash_points.CLOCK: str(self.clock), "PYTHONPATH": str(_TESTS)}
        self._environment = {**clean, **environment, **paths}
        self._folder = folder
        self._log_changes = 0
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for slot in self.slots:
            slot.is_wanted = False
            slot.signal(signal.SIGCONT)
            slot.signal(signal.SIGKILL)
            if slot.process is not None:
                slot.process.wait()

    def join(self, count: int = 1) -> None:
        """Start ``count`` more workers."""
        with self._lock:
            for _ in range(count):
                unused = next((slot for slot in self.slots if not slot.is_wanted), None)
                if unused:  # a worker that left comes back, with the index as it was then
                    unused.is_wanted = True
                else:
                    self.slots.append(WorkerSlot("abcdefgh"[len(self.slots)], self._environment, self._folder))

    @property
    def wanted(self) -> list[WorkerSlot]:
        """The slots whose worker shall run."""
        return [slot for slot in self.slots if slot.is_wanted]

    def pick(self, number: int) -> WorkerSlot:
        """One of the slots whose worker shall run."""
        return self.wanted[number % len(self.wanted)]

    def leave(self, slot: WorkerSlot) -> bool:
        """Stop a worker and do not restart it; False if it had to be killed."""
        slot.is_wanted = False
        slot.signal(signal.SIGTERM)
        if wait_for(lambda: slot.process is None, STOP_S):
            return True
        slot.signal(signal.SIGKILL)
        wait_for(lambda: slot.process is None, STOP_S)
        return False

    def stop_all(self) -> Sequence[WorkerSlot]:
        """Stop all workers, and return their slots."""
        slots = self.wanted
        for slot in slots:
            slot.is_wanted = False
            slot.signal(signal.SIGTERM)
        for slot in slots:
            if not wait_for(lambda slot=slot: slot.process is None, STOP_S):  # type: ignore[misc] # bound now
                self.leave(slot)
        return slots

    def start(self, slots: Sequence[WorkerSlot]) -> None:
        """Start the workers of slots that were stopped."""
        for slot in slots:
            slot.is_wanted = True

    def expect_log_changes(self) -> None:
        """Accept that workers ended because a log went back, up to now."""
        self._log_changes = self.exits().count(LOG_WENT_BACK)

    def unexpected_exits(self) -> set[int]:
        """The exit codes with which no worker should have ended."""
        exits = self.exits()
        is_noticed = exits.count(LOG_WENT_BACK) == self._log_changes
        return set(exits) - EXPECTED_EXITS - ({LOG_WENT_BACK} if is_noticed else set())

    def exits(self) -> list[int]:
        """The exit codes of all processes."""
        return [code for slot in self.slots for code in slot.exits]

    def _supervise(self) -> None:
        while not self._is_over.wait(_POLL_S):
            with self._lock:
                for slot in self.slots:
                    slot.start_or_note_end()


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Wait until ``condition()`` is true; False if it is not by then."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True
