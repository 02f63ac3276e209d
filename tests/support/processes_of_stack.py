"""Processes of a monitoring run: each writes a log, and none outlives the run."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from tools.kafka_node.runtime import KafkaError, cache_folder, cached_class_path, find_java

HOST: Final = "127.0.0.1"
POLL_S: Final = 0.1
STOP_S: Final = 40.0
_LAUNCHER: Final = Path(__file__).with_name("parent_death.py")
_SHOWN_LOG_LINES: Final = 12


class MonitoringError(Exception):
    """The run cannot continue; the message says why and what to do."""


class ToolMissingError(MonitoringError):
    """A program that the run needs is not installed."""


def require_tools() -> None:
    """Check that every program that the run needs is installed.

    Raises:
        ToolMissingError: Something is missing; the message names all of it.
    """
    missing = []
    try:
        find_java()
    except KafkaError as error:
        missing.append(str(error))
    if cached_class_path(cache_folder()) is None and shutil.which("mvn") is None:
        missing.append("Maven (mvn) was not found: install it; it downloads Kafka's jars, once")
    if shutil.which("prometheus") is None:
        missing.append(
            "Prometheus was not found: install Debian's package `prometheus`, or put the program on the PATH"
        )
    if missing:
        raise ToolMissingError("; ".join(missing))


class Process:
    """A program whose output goes to ``log``; it is killed when the process that started it ends, however that ends."""

    def __init__(self, name: str, command: Sequence[str], log: Path, environment: Mapping[str, str]) -> None:
        self.name = name
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, str(_LAUNCHER), str(os.getpid()), *command],
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C must reach only this process, which then stops all of them in order
            )

    @property
    def is_running(self) -> bool:
        """The process has not exited."""
        return self._process.poll() is None

    def raise_if_ended(self) -> None:
        """Raise if the process has exited.

        Raises:
            MonitoringError: It has exited; the message shows the end of its log.
        """
        if not self.is_running:
            raise MonitoringError(
                f"{self.name} exited with {self._process.returncode}; the end of its log:\n{self._tail()}"
            )

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process if it is running."""
        with contextlib.suppress(ProcessLookupError):
            self._process.send_signal(number)

    def kill(self) -> None:
        """Kill the process and wait for it."""
        self.signal(signal.SIGKILL)
        self._process.wait()

    def wait(self, seconds: float) -> int:
        """Wait for the process to exit, and return its exit code.

        Raises:
            MonitoringError: It did not exit within ``seconds``.
        """
        try:
            return self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise MonitoringError(f"{self.name} did not exit within {seconds:g} s") from None

    def stop(self) -> None:
        """Ask the process to stop, and kill it after `STOP_S`."""
        self.signal(signal.SIGTERM)
        self.signal(signal.SIGCONT)  # a paused process would not see the request
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.kill()

    def _tail(self) -> str:
        return "\n".join(self.log.read_text(encoding="utf-8", errors="replace").splitlines()[-_SHOWN_LOG_LINES:])


def is_up(url: str) -> bool:
    """The page answers 200."""
    try:
        with urllib.request.urlopen(url, timeout=2):  # noqa: S310 - our own page, on loopback
            return True
    except (OSError, urllib.error.URLError):
        return False


def wait_until(condition: Callable[[], bool], seconds: float, what: str, *needed: Process) -> None:
    """Wait until ``condition()`` is true.

    Raises:
        MonitoringError: It was not within ``seconds``, or one of ``needed`` exited.
    """
    end = time.monotonic() + seconds
    while not condition():
        for process in needed:
            process.raise_if_ended()
        if time.monotonic() > end:
            raise MonitoringError(f"waited {seconds:g} s for {what}; if the machine is busy, try again")
        time.sleep(POLL_S)
