"""A Kafka node for tests: starts, stops, pauses and kills what ``tools/kafka_node/run.py`` runs."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
RUN = (sys.executable, "-m", "tools.kafka_node.run")
READY = "kafka ready on "
STOP_SECONDS = 60.0


class KafkaNodeError(Exception):
    """The node did not start; the message is that of run.py."""


def why_no_download_free_start() -> str | None:
    """Return why a node cannot start without downloading anything, or None if it can."""
    result = subprocess.run([*RUN, "--check"], cwd=ROOT, capture_output=True, text=True, check=False)
    return None if result.returncode == 0 else result.stderr.strip().removeprefix("kafka: ")


class KafkaNode:
    """A node on its own port; a context manager that starts and stops it.

    Args:
        *options: More options for run.py, such as ``"--property=num.partitions=3"``.
        data: The folder for the data, which is kept; by default a temporary one, which ``stop`` removes.
    """

    def __init__(self, *options: str, data: Path | None = None) -> None:
        self._options = options
        self._keep = data is not None
        self.data = data or Path(tempfile.mkdtemp(prefix="article-stream-test-"))
        self._process: subprocess.Popen[str] | None = None
        self.address = ""

    def start(self) -> Self:
        """Start the node, on the same port if it ran before; return when it serves requests.

        Raises:
            KafkaNodeError: The node cannot start.
        """
        self.data.mkdir(parents=True, exist_ok=True)
        command = [*RUN, "--stop-with-parent", "--data", str(self.data), *self._options]
        if self.address:
            command += ["--port", self.address.rpartition(":")[2]]
        messages = self.data / "run.log"
        with messages.open("wb") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=ROOT,
                text=True,
                start_new_session=True,
            )
        # run.py has its own time limit: it either prints the line, or exits and so closes the pipe.
        line = _output(process).readline()
        if not line.startswith(READY):
            _end(process)
            raise KafkaNodeError(messages.read_text(encoding="utf-8"))
        self.address = line.removeprefix(READY).strip()
        self._process = process
        return self

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.stop()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the Kafka server, while it runs."""
        return int((self.data / "kafka.pid").read_text(encoding="ascii"))

    @property
    def log(self) -> str:
        """Everything that Kafka has logged since the data folder was created."""
        return (self.data / "kafka.log").read_text(encoding="utf-8", errors="replace")

    def pause(self) -> None:
        """Freeze Kafka: connections stay open, but nothing answers."""
        os.kill(self.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a paused Kafka continue."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill Kafka (SIGKILL), as in a crash; the data stays for ``start``."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait()

    def halt(self) -> None:
        """Stop Kafka cleanly, if it runs; the data stays for ``start``."""
        if self._process is not None:
            self._process.terminate()
            self._wait()

    def restart(self) -> Self:
        """Stop Kafka cleanly, if it runs, and start it with the same data and port.

        Raises:
            KafkaNodeError: The node cannot start.
        """
        self.halt()
        return self.start()

    def stop(self) -> None:
        """Stop Kafka cleanly, if it runs, and remove the data unless it is to be kept."""
        self.halt()
        if not self._keep:
            shutil.rmtree(self.data, ignore_errors=True)

    def _wait(self) -> None:
        if self._process is not None:
            _end(self._process)
            self._process = None


def _output(process: subprocess.Popen[str]) -> IO[str]:
    assert process.stdout is not None
    return process.stdout


def _end(process: subprocess.Popen[str]) -> None:
    """Wait for a run.py that is about to exit, and close its pipe."""
    try:
        process.wait(STOP_SECONDS)
    finally:
        if process.poll() is None:
            process.kill()  # Kafka goes with it
            process.wait()
        _output(process).close()
