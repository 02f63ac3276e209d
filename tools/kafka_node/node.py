"""One node: its folder, its ports and its process."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import fcntl
import os
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from tools.kafka_node.runtime import (
    HOST,
    PORTS,
    KafkaError,
    Runtime,
    broker_properties,
    kafka_uuid,
    last_lines,
    say,
    write_properties,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

READY_LINE = "Kafka Server started"
LOG_NAME = "kafka.log"
PID_NAME = "kafka.pid"
LOCK_NAME = "owner.lock"
FOLDER_PREFIX = "article-stream-kafka-"
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05


class PortTakenError(KafkaError):
    """Another process uses a port that the node needs."""


@dataclasses.dataclass(frozen=True)
class Options:
    """The options of the command line. A port of None means any free one; ``timeout`` is in seconds."""

    port: int | None = None
    controller_port: int | None = None
    data: Path | None = None
    heap: str = "512m"
    properties: tuple[tuple[str, str], ...] = ()
    jvm_options: tuple[str, ...] = ()
    timeout: float = 90.0
    print_address: bool = False
    stop_with_parent: bool = False
    check: bool = False


def copy_storage(formatted: Path, storage: Path) -> None:
    """Copy the formatted storage for a new node and give it new identifiers; do nothing if there is storage already."""
    if (storage / "meta.properties").exists():
        return
    shutil.copytree(formatted, storage, dirs_exist_ok=True, ignore=shutil.ignore_patterns("meta.properties"))
    meta = (formatted / "meta.properties").read_text(encoding="ascii")
    # A function, because an identifier could contain a group reference.
    meta = re.sub(r"(?m)^(cluster\.id|directory\.id)=.*$", lambda match: f"{match[1]}={kafka_uuid()}", meta)
    (storage / "meta.properties").write_text(meta, encoding="ascii")


@contextlib.contextmanager
def temporary_folder() -> Iterator[Path]:
    """Yield a new folder and remove it at the end; also remove those of killed processes."""
    for lock in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/{LOCK_NAME}"):
        with contextlib.suppress(OSError), lock.open("a") as lock_file:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while the owner lives
            shutil.rmtree(lock.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    try:
        with (folder / LOCK_NAME).open("a") as lock_file:
            fcntl.flock(lock_file, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def data_folder(wanted: Path | None) -> Iterator[Path]:
    """Yield the requested folder, or a temporary one if None was requested."""
    if wanted is None:
        with temporary_folder() as folder:
            yield folder
    else:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()


def is_port_free(port: int) -> bool:
    """Whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Kafka does
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(wanted: int | None, *, taken: int | None = None) -> int:
    """Return the requested port, or any free one other than ``taken``.

    Raises:
        PortTakenError: The requested port is in use, or no port is free.
    """
    if wanted is not None:
        if wanted == taken or not is_port_free(wanted):
            raise PortTakenError(
                f"port {wanted} on {HOST} is taken: stop the process that listens on it, or choose another port"
            )
        return wanted
    for port in random.sample(PORTS, len(PORTS)):
        if port != taken and is_port_free(port):
            return port
    raise PortTakenError(f"no port from {PORTS.start} to {PORTS.stop - 1} is free on {HOST}")


def is_serving(port: int, *, timeout: float = 2.0) -> bool:
    """Whether the broker answers a request for its API versions without an error."""
    correlation_id = 7
    request = struct.pack(">hhih", 18, 0, correlation_id, -1)  # ApiVersions, version 0, no client name
    try:
        with socket.create_connection((HOST, port), timeout=timeout) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as stream:
                head = stream.read(10)
    except OSError:
        return False
    # Size, correlation id, error code.
    return len(head) == struct.calcsize(">iih") and struct.unpack(">iih", head)[1:] == (correlation_id, 0)


def _die_with_parent() -> Callable[[], None] | None:
    """Return a function for a child to call before exec, so that the kernel kills it with its parent (Linux only)."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl
    set_parent_death_signal = 1
    return lambda: prctl(set_parent_death_signal, signal.SIGKILL)


class Node:
    """One running Kafka process and its data folder."""

    def __init__(self, runtime: Runtime, options: Options, folder: Path) -> None:
        self.port = choose_port(options.port, taken=options.controller_port)
        self._controller_port = choose_port(options.controller_port, taken=self.port)
        self._folder = folder
        self._log = folder / LOG_NAME
        self._log_start = self._log.stat().st_size if self._log.exists() else 0
        self._archive = runtime.archive
        self._new_archive = folder / "classes.jsa"
        copy_storage(runtime.formatted, folder / "log")
        properties = broker_properties(self.port, self._controller_port) | dict(options.properties)
        write_properties(folder / "server.properties", properties)
        self._process = self._start(self._command(runtime, options))
        (folder / PID_NAME).write_text(f"{self._process.pid}\n", encoding="ascii")

    def _command(self, runtime: Runtime, options: Options) -> list[str]:
        if self._archive.exists():
            archive = f"-XX:SharedArchiveFile={self._archive}"
        else:
            archive = f"-XX:ArchiveClassesAtExit={self._new_archive}"
        jvm = ["-Xshare:auto", archive, f"-Xmx{options.heap}", "-XX:+ExitOnOutOfMemoryError"]
        log = [
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
        ]
        main = ["-cp", runtime.class_path, "kafka.Kafka", "server.properties"]
        return [runtime.java.launcher, *jvm, *log, *options.jvm_options, *main]

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                command,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C must reach only this process, which then stops Kafka
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - this process has one thread
            )

    def log_text(self) -> str:
        """Return what this process has logged."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def raise_if_dead(self) -> None:
        """Raise if the process has exited.

        Raises:
            PortTakenError: It exited because a port was taken.
            KafkaError: It exited for another reason; the message shows the end of the log.
        """
        status = self._process.poll()
        if status is None:
            return
        text = self.log_text()
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"exited with status {status}"
        kind = PortTakenError if "Address already in use" in text else KafkaError
        raise kind(f"Kafka {how}; the end of its log:\n{last_lines(text)}")

    def wait_until_ready(self, timeout: float) -> None:
        """Wait at most ``timeout`` seconds until the node serves requests.

        Raises:
            KafkaError: It died or took too long.
        """
        deadline = time.monotonic() + timeout
        while not (READY_LINE in self.log_text() and is_serving(self.port)):
            self.raise_if_dead()
            if time.monotonic() > deadline:
                raise KafkaError(f"Kafka was not ready after {timeout:g} s; its log:\n{last_lines(self.log_text())}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the process, by force after STOP_SECONDS; do nothing if it has exited."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)  # a paused process would not see the request
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                say(f"Kafka did not stop within {STOP_SECONDS:g} s and is killed")
                self._process.kill()
                self._process.wait()
        self._keep_archive()
        (self._folder / PID_NAME).unlink(missing_ok=True)

    def _keep_archive(self) -> None:
        """Copy the class archive that Kafka wrote to the cache, if it was finished."""
        finished = self._process.returncode in (0, 128 + signal.SIGTERM)
        if finished and self._new_archive.exists():
            copy = self._archive.with_suffix(f".{os.getpid()}")
            with contextlib.suppress(OSError):  # only makes the next start slower
                shutil.copyfile(self._new_archive, copy)
                copy.replace(self._archive)
        self._new_archive.unlink(missing_ok=True)
