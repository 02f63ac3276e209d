"""Workers as processes of their own, and a supervisor that starts again what ended."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from http import HTTPStatus
from pathlib import Path
from typing import Final, Self

from stream.demo.runner import free_port
from tests.e2e.faults import crash_points

_TESTS: Final = Path(__file__).resolve().parents[3]
_POLL_S: Final = 0.05
_RESTART_S: Final = 0.3
STOP_S: Final = 60.0

#: How a worker may end: stopped on request (before it could take notice of signals too), after a fault, without a
#: broker, or killed by the harness.
EXPECTED_EXITS: Final = frozenset({0, 69, 70, 75, -signal.SIGTERM, -signal.SIGKILL})


class Post:
    """A worker's place: its folder and port. It is manned as long as ``is_wanted``."""

    def __init__(self, name: str, environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.data = folder / f"data-{name}"
        self.log = folder / f"worker-{name}.log"
        self.is_wanted = True
        self.extra: dict[str, str] = {}
        self.exits: list[int] = []
        self.process: subprocess.Popen[bytes] | None = None
        self._port = free_port()
        self._environment = {**environment, "STREAM_DATA_DIR": str(self.data), "STREAM_WEB_PORT": str(self._port)}
        self._ended = 0.0

    @property
    def is_running(self) -> bool:
        """A process is there."""
        return self.process is not None and self.process.poll() is None

    @property
    def is_ready(self) -> bool:
        """It has its share of the partitions, and their indexes; by its own account."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}/readyz", timeout=1) as answer:
                return bool(answer.status == HTTPStatus.OK)
        except OSError:  # nobody answers, or not yet
            return False

    def tend(self) -> None:
        """Note how the process ended, and start another one if it is wanted."""
        if self.process is not None and self.process.poll() is not None:
            self._write(f"exit code {self.process.returncode}")
            self.exits.append(self.process.returncode)
            self.process, self._ended = None, time.monotonic()
        if self.process is None and self.is_wanted and time.monotonic() - self._ended >= _RESTART_S:
            self._start()

    def signal(self, number: int) -> None:
        """Send a signal to the process, if there is one."""
        process = self.process
        if process is not None and process.poll() is None:
            process.send_signal(number)

    def limit_files(self, size: int | None) -> None:
        """Let neither this process nor the next ones write files of more than ``size`` bytes; None: any."""
        self.extra = {crash_points.FILE_BYTES: str(size)} if size else {}
        process = self.process
        if process is not None and process.poll() is None:
            most = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size or most, most))

    def _start(self) -> None:
        self._write(f"start {self.extra or ''}")
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.e2e.faults.trapped_worker"],
            env=self._environment | self.extra,
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

    def _write(self, line: str) -> None:
        with self.log.open("a", encoding="utf-8") as log:
            log.write(f"=== {time.strftime('%H:%M:%S')} {line}\n")


class Crew:
    """All workers of a run; a context manager that ends them."""

    def __init__(self, environment: Mapping[str, str], folder: Path) -> None:
        self.posts: list[Post] = []
        self.orders, self.clock = folder / "orders", folder / "clock"
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("STREAM_", "FAULTS_"))}
        if how := os.environ.get(crash_points.BREAK):
            clean[crash_points.BREAK] = how
        paths = {crash_points.ORDERS: str(self.orders), crash_points.CLOCK: str(self.clock), "PYTHONPATH": str(_TESTS)}
        self._environment = {**clean, **environment, **paths}
        self._folder = folder
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._supervise, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()
        for post in self.posts:
            post.is_wanted = False
            post.signal(signal.SIGCONT)
            post.signal(signal.SIGKILL)
            if post.process is not None:
                post.process.wait()

    def join(self, count: int = 1) -> None:
        """Let more workers come."""
        with self._lock:
            for _ in range(count):
                gone = next((post for post in self.posts if not post.is_wanted), None)
                if gone:  # whoever left comes back, with the index as it was then
                    gone.is_wanted = True
                else:
                    self.posts.append(Post("abcdefgh"[len(self.posts)], self._environment, self._folder))

    @property
    def wanted(self) -> list[Post]:
        """Those who are to work."""
        return [post for post in self.posts if post.is_wanted]

    def pick(self, number: int) -> Post:
        """One of those who are to work."""
        return self.wanted[number % len(self.wanted)]

    def leave(self, post: Post) -> bool:
        """Stop a worker for good; False if it had to be killed."""
        post.is_wanted = False
        post.signal(signal.SIGTERM)
        if wait_for(lambda: post.process is None, STOP_S):
            return True
        post.signal(signal.SIGKILL)
        wait_for(lambda: post.process is None, STOP_S)
        return False

    def exits(self) -> list[int]:
        """How all processes ended."""
        return [code for post in self.posts for code in post.exits]

    def _supervise(self) -> None:
        while not self._is_over.wait(_POLL_S):
            with self._lock:
                for post in self.posts:
                    post.tend()


def wait_for(condition: Callable[[], object], seconds: float) -> bool:
    """Wait until ``condition()`` is true; False if it is not by then."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL_S)
    return True
