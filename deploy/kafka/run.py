#!/usr/bin/env python3
"""Starts one Apache Kafka node (broker and controller) from its published jars, without Docker.

Needs Java 17 or later, and Maven for the first start only: Maven downloads the jars that ``pom.xml`` names,
and their class path is cached under ``$XDG_CACHE_HOME/article-stream`` (``~/.cache/article-stream``), next to
two things that make later starts fast: the formatted storage that every new node copies, and a class archive
for the Java at hand, which the first node writes while it stops (that one stop takes a few seconds longer).

The node listens on 127.0.0.1 only and lives in a throw-away folder unless ``--data`` names one. One line,
``kafka ready on 127.0.0.1:PORT``, goes to standard output once it serves requests; everything else goes to
standard error. Ctrl-C, SIGTERM and SIGHUP stop it.

Exit status: 0 stopped on request, 1 could not start or died, 2 wrong usage.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import ctypes
import dataclasses
import fcntl
import hashlib
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
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

HOST = "127.0.0.1"
POM = Path(__file__).resolve().with_name("pom.xml")
OLDEST_JAVA = 17
READY_LINE = "Kafka Server started"
LOG_NAME = "kafka.log"
PID_NAME = "kafka.pid"
LOCK_NAME = "owner.lock"
FOLDER_PREFIX = "article-stream-kafka-"
SHOWN_LOG_LINES = 15
STOP_SECONDS = 30.0
POLL_SECONDS = 0.05
# Below the range that systems hand to outgoing connections: a client that keeps redialling a stopped node
# could otherwise be given the node's own port, connect to itself and so hold the port.
PORTS = range(20000, 30000)
PORT_ATTEMPTS = 3

BROKER_PROPERTIES = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "controller.listener.names": "CONTROLLER",
    "inter.broker.listener.name": "PLAINTEXT",
    "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "log.dirs": "log",  # relative to the data folder, which is the node's working folder
    "auto.create.topics.enable": "false",
    "message.max.bytes": "33554432",  # topics set their own max.message.bytes
    "group.initial.rebalance.delay.ms": "0",
    # After a crash the next start waits until its predecessor's session has expired (9 s by default).
    "broker.heartbeat.interval.ms": "500",
    "broker.session.timeout.ms": "4000",
    "offsets.topic.num.partitions": "4",
    "offsets.topic.replication.factor": "1",
    "transaction.state.log.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "share.coordinator.state.topic.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "log.cleaner.dedupe.buffer.size": "16777216",  # the default takes 128 MB of the small heap
}


class KafkaError(Exception):
    """Kafka cannot be started, or died. The message says what to do."""


class PortTakenError(KafkaError):
    """Another process holds a port that the node was to listen on."""


class StopRequested(BaseException):
    """Raised by the signal handler to unwind to the clean-up."""


@dataclasses.dataclass(frozen=True)
class Java:
    """A Java that is new enough: its launcher, and the text by which it names its exact build."""

    launcher: str
    build: str


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What every node on this machine shares."""

    java: Java
    class_path: str
    cache: Path

    @property
    def formatted(self) -> Path:
        """The storage that Kafka's own tool formatted once, to be copied for each new node."""
        return self.cache / "formatted"

    @property
    def archive(self) -> Path:
        """The archive of loaded classes; valid for exactly this Java and these jars."""
        parts = [self.java.build, self.class_path]
        for jar in self.class_path.split(os.pathsep):
            status = Path(jar).stat()
            parts.append(f"{status.st_size} {status.st_mtime_ns}")
        return self.cache / f"classes-{_digest(' '.join(parts).encode())}.jsa"


@dataclasses.dataclass(frozen=True)
class Options:
    """The command line; a port is None for any free one, ``timeout`` is in seconds."""

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


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def _say(text: str) -> None:
    sys.stderr.write(f"kafka: {text}\n")
    sys.stderr.flush()


# --- Java, the jars and what is cached beside them


def find_java() -> Java:
    """Find Java in JAVA_HOME or on the PATH.

    Raises:
        KafkaError: There is none, or it is too old.
    """
    wanted = f"install Java {OLDEST_JAVA} or later (a headless JRE is enough) or point JAVA_HOME at one"
    home = os.environ.get("JAVA_HOME")
    launcher = shutil.which("java", path=str(Path(home, "bin"))) if home else None
    launcher = launcher or shutil.which("java")
    if launcher is None:
        raise KafkaError(f"Java was not found: {wanted}")
    result = subprocess.run([launcher, "-version"], capture_output=True, text=True, check=False)
    found = re.search(r'version "(?:1\.)?(\d+)', result.stderr)
    if result.returncode != 0 or found is None:
        raise KafkaError(f"{launcher} -version failed: {wanted}")
    if int(found[1]) < OLDEST_JAVA:
        raise KafkaError(f"{launcher} is Java {found[1]}, which is too old: {wanted}")
    return Java(launcher, result.stderr)


def cache_folder() -> Path:
    """Return the folder for what belongs to this pom; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "article-stream", f"kafka-{_digest(POM.read_bytes())}")


def cached_class_path(cache: Path) -> str | None:
    """Return the class path that Maven gave earlier, or None if there is none or a jar has gone."""
    try:
        class_path = (cache / "classpath").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    jars = class_path.split(os.pathsep)
    return class_path if all(Path(jar).is_file() for jar in jars) else None


def download_class_path(cache: Path) -> str:
    """Let Maven download the jars and cache their class path.

    Raises:
        KafkaError: Maven is missing or fails; the message ends with its errors.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaError("Maven (mvn) was not found: install it; it is needed once, to download Kafka's jars")
    _say("Maven downloads Kafka's jars (about 45 MB, once)")
    answer = cache / "classpath.new"
    answer.unlink(missing_ok=True)
    goal = ["dependency:build-classpath", "-Dmdep.includeScope=runtime", f"-Dmdep.outputFile={answer}"]
    command = [maven, "-q", "-B", "-f", str(POM), *goal]
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0 or not answer.is_file():
        errors = "\n".join(result.stdout.strip().splitlines()[:SHOWN_LOG_LINES])
        raise KafkaError(f"Maven could not download Kafka's jars: check the network, or Maven's settings\n{errors}")
    answer.write_text(answer.read_text(encoding="utf-8").strip(), encoding="utf-8")
    answer.replace(cache / "classpath")
    return (cache / "classpath").read_text(encoding="utf-8")


def format_storage(runtime: Runtime) -> None:
    """Format one storage folder with Kafka's own tool and keep it for all nodes to copy.

    Raises:
        KafkaError: The tool fails.
    """
    with tempfile.TemporaryDirectory(dir=runtime.cache, prefix="format-") as name:
        folder = Path(name)
        write_properties(folder / "server.properties", broker_properties(PORTS[0], PORTS[1]))
        fast = ["-XX:TieredStopAtLevel=1", "-Xshare:auto"]
        tool = ["-cp", runtime.class_path, "kafka.tools.StorageTool", "format"]
        arguments = ["--cluster-id", kafka_uuid(), "--config", "server.properties"]
        result = subprocess.run(
            [runtime.java.launcher, *fast, *tool, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if result.returncode != 0:
            raise KafkaError(f"Kafka's storage tool failed\n{_last_lines(result.stdout)}")
        shutil.rmtree(runtime.formatted, ignore_errors=True)
        (folder / "log").rename(runtime.formatted)


def prepare(cache: Path) -> Runtime:
    """Make sure that Java, the jars and a formatted storage are at hand; downloads the jars if needed.

    Raises:
        KafkaError: One of them cannot be had.
    """
    java = find_java()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two first starts at once would otherwise both download
            runtime = Runtime(java, cached_class_path(cache) or download_class_path(cache), cache)
            if not (runtime.formatted / "meta.properties").is_file():
                format_storage(runtime)
    except OSError as error:
        raise KafkaError(f"cannot use the cache folder {cache} (XDG_CACHE_HOME moves it): {error}") from error
    return runtime


def check() -> None:
    """Check that a node could start without any download.

    Raises:
        KafkaError: It could not.
    """
    find_java()
    if cached_class_path(cache_folder()) is None:
        raise KafkaError("Kafka's jars are not downloaded yet: run `make kafka` once (needs Maven)")


# --- the node's folder


def kafka_uuid() -> str:
    """Return a random identifier in Kafka's notation: 22 characters that do not start with a dash."""
    text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
    return text if not text.startswith("-") else kafka_uuid()


def broker_properties(port: int, controller_port: int) -> dict[str, str]:
    """Return server.properties for a node on these ports."""
    return BROKER_PROPERTIES | {
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
    }


def write_properties(path: Path, properties: dict[str, str]) -> None:
    """Write a Java properties file, which is Latin-1 with backslash escapes."""
    lines = (f"{key}={value}".replace("\\", "\\\\") for key, value in properties.items())
    text = "".join(f"{line}\n" for line in lines)
    path.write_text(text.encode("ascii", "backslashreplace").decode("ascii"), encoding="ascii")


def copy_storage(formatted: Path, storage: Path) -> None:
    """Give a new node its formatted storage, with identifiers of its own; leave storage in use alone."""
    if (storage / "meta.properties").exists():
        return
    shutil.copytree(formatted, storage, dirs_exist_ok=True, ignore=shutil.ignore_patterns("meta.properties"))
    meta = (formatted / "meta.properties").read_text(encoding="ascii")
    # A function, because an identifier could look like a group reference in a replacement.
    meta = re.sub(r"(?m)^(cluster\.id|directory\.id)=.*$", lambda found: f"{found[1]}={kafka_uuid()}", meta)
    (storage / "meta.properties").write_text(meta, encoding="ascii")


@contextlib.contextmanager
def throw_away_folder() -> Iterator[Path]:
    """Yield a new folder that is removed at the end; also removes those of scripts that were killed."""
    for lock in Path(tempfile.gettempdir()).glob(f"{FOLDER_PREFIX}*/{LOCK_NAME}"):
        with contextlib.suppress(OSError), lock.open("a") as left:
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while the owner lives
            shutil.rmtree(lock.parent, ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix=FOLDER_PREFIX))
    try:
        with (folder / LOCK_NAME).open("a") as held:
            fcntl.flock(held, fcntl.LOCK_EX)
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def data_folder(wanted: Path | None) -> Iterator[Path]:
    """Yield the folder to keep if one is wanted, else a throw-away one."""
    if wanted is None:
        with throw_away_folder() as folder:
            yield folder
    else:
        wanted.mkdir(parents=True, exist_ok=True)
        yield wanted.resolve()


# --- ports and readiness


def port_is_free(port: int) -> bool:
    """Tell whether a server could listen on the port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as Kafka does
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def choose_port(wanted: int | None, *, taken: int | None = None) -> int:
    """Return the wanted port, or any free one other than ``taken``.

    Raises:
        PortTakenError: The wanted port is in use, or none is free.
    """
    if wanted is not None:
        if wanted == taken or not port_is_free(wanted):
            raise PortTakenError(f"port {wanted} on {HOST} is taken: stop what listens there or choose another")
        return wanted
    for port in random.sample(PORTS, len(PORTS)):
        if port != taken and port_is_free(port):
            return port
    raise PortTakenError(f"no port from {PORTS.start} to {PORTS.stop - 1} is free on {HOST}")


def answers(port: int, *, timeout: float = 2.0) -> bool:
    """Ask the broker for the API versions it supports; True if it says so without an error."""
    correlation = 7
    request = struct.pack(">hhih", 18, 0, correlation, -1)  # ApiVersions, version 0, no client name
    try:
        with socket.create_connection((HOST, port), timeout=timeout) as connection:
            connection.sendall(struct.pack(">i", len(request)) + request)
            with connection.makefile("rb") as stream:
                head = stream.read(10)
    except OSError:
        return False
    # Size, correlation identifier, error code.
    return len(head) == struct.calcsize(">iih") and struct.unpack(">iih", head)[1:] == (correlation, 0)


def _last_lines(text: str) -> str:
    return "\n".join(text.rstrip().splitlines()[-SHOWN_LOG_LINES:])


# --- the process


def _die_with_parent() -> Callable[[], None] | None:
    """Return what a child must call before exec so that the kernel kills it with its parent; Linux only."""
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
                start_new_session=True,  # Ctrl-C must reach this script alone, which then stops Kafka
                preexec_fn=_die_with_parent(),  # noqa: PLW1509 - this script has one thread
            )

    def log_text(self) -> str:
        """Return what this process has logged."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def raise_if_dead(self) -> None:
        """Raise unless the process runs.

        Raises:
            PortTakenError: It ended because a port was taken.
            KafkaError: It ended for another reason; the message shows the end of the log.
        """
        status = self._process.poll()
        if status is None:
            return
        text = self.log_text()
        how = f"was killed by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        kind = PortTakenError if "Address already in use" in text else KafkaError
        raise kind(f"Kafka {how}; the end of its log:\n{_last_lines(text)}")

    def wait_until_ready(self, timeout: float) -> None:
        """Wait until the node serves requests, ``timeout`` seconds at most.

        Raises:
            KafkaError: It died or took too long.
        """
        deadline = time.monotonic() + timeout
        while not (READY_LINE in self.log_text() and answers(self.port)):
            self.raise_if_dead()
            if time.monotonic() > deadline:
                raise KafkaError(f"Kafka was not ready in {timeout:g} s; its log:\n{_last_lines(self.log_text())}")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        """Stop the process, by force after STOP_SECONDS; do nothing if it has ended."""
        if self._process.poll() is None:
            self._process.terminate()
            self._process.send_signal(signal.SIGCONT)  # a paused process would not see the request
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                _say(f"Kafka did not stop in {STOP_SECONDS:g} s and is killed")
                self._process.kill()
                self._process.wait()
        self._keep_archive()
        (self._folder / PID_NAME).unlink(missing_ok=True)

    def _keep_archive(self) -> None:
        """Put the class archive that this process wrote into the cache, if it had the time to finish it."""
        finished = self._process.returncode in (0, 128 + signal.SIGTERM)
        if finished and self._new_archive.exists():
            copy = self._archive.with_suffix(f".{os.getpid()}")
            with contextlib.suppress(OSError):  # the next start is slower, that is all
                shutil.copyfile(self._new_archive, copy)
                copy.replace(self._archive)
        self._new_archive.unlink(missing_ok=True)


# --- the command


def _on_signal(number: int, _frame: object) -> NoReturn:
    _ignore_signals()  # the clean-up must not be interrupted
    raise StopRequested(number)


_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _ignore_signals() -> None:
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def start_node(runtime: Runtime, options: Options, folder: Path) -> Node:
    """Start a node and wait until it is ready; choose again if a port chosen here is lost to a race.

    Raises:
        KafkaError: The node cannot start.
    """
    for attempt in range(1, PORT_ATTEMPTS + 1):
        node = Node(runtime, options, folder)
        try:
            node.wait_until_ready(options.timeout)
        except PortTakenError:
            node.stop()
            fixed = options.port is not None and options.controller_port is not None
            if fixed or attempt == PORT_ATTEMPTS:
                raise
        except BaseException:
            _ignore_signals()
            node.stop()
            raise
        else:
            return node
    raise AssertionError


def serve(options: Options) -> None:
    """Run a node until it dies or a stop is requested.

    Raises:
        KafkaError: It could not start, or died.
        StopRequested: A signal came, or the parent went.
    """
    parent = os.getppid()
    runtime = prepare(cache_folder())
    with data_folder(options.data) as folder:
        node = start_node(runtime, options, folder)
        try:
            address = f"{HOST}:{node.port}"
            sys.stdout.write(f"{address}\n" if options.print_address else f"kafka ready on {address}\n")
            sys.stdout.flush()
            _say(f"data and {LOG_NAME} in {folder}; Ctrl-C stops it")
            while True:
                node.raise_if_dead()
                if options.stop_with_parent and os.getppid() != parent:
                    raise StopRequested
                time.sleep(POLL_SECONDS)
        finally:
            _ignore_signals()
            node.stop()


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 1 << 16:
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return port


def _heap(text: str) -> str:
    if not re.fullmatch(r"[1-9]\d*[kKmMgG]", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 512m or 2g")
    return text


def _property(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not re.fullmatch(r"[\w.-]+", key) or not value.isprintable():
        raise argparse.ArgumentTypeError(f"{text!r} is not KEY=VALUE")
    return key, value


def parse(arguments: Sequence[str] | None = None) -> Options:
    """Read the command line; wrong usage ends the process with status 2."""
    summary, _, rest = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        description=summary,
        epilog=rest,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--port", type=_port, help="port for clients (default: any free one)")
    add("--controller-port", type=_port, help="port for the controller (default: any free one)")
    add("--data", type=Path, metavar="DIR", help="keep the data in DIR, or go on with what is there")
    add("--heap", type=_heap, default="512m", help="Java's largest heap (default: %(default)s)")
    add(
        "--property",
        type=_property,
        action="append",
        default=[],
        dest="properties",
        metavar="KEY=VALUE",
        help="a broker setting; goes over the ones made here; repeatable",
    )
    add(
        "--jvm-option",
        action="append",
        default=[],
        dest="jvm_options",
        metavar="OPTION",
        help="an option for Java, such as --jvm-option=-Xms512m; repeatable",
    )
    add("--timeout", type=float, default=90.0, help="seconds to become ready in (default: %(default)g)")
    add("--print-address", action="store_true", help="print 127.0.0.1:PORT alone when ready")
    add("--stop-with-parent", action="store_true", help="stop when the process that started this one ends")
    add("--check", action="store_true", help="only tell whether a node could start without a download")
    known = vars(parser.parse_args(arguments))
    known["properties"] = tuple(known["properties"])
    known["jvm_options"] = tuple(known["jvm_options"])
    return Options(**known)


def main() -> int:
    """Run the command and return its exit status."""
    options = parse()
    for number in _SIGNALS:
        signal.signal(number, _on_signal)
    try:
        if options.check:
            check()
        else:
            serve(options)
    except StopRequested:
        return 0
    except (KafkaError, OSError) as error:
        _say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
