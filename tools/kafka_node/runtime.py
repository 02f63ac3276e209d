"""What all nodes on this machine share: Java, Kafka's jars, and a formatted storage."""

from __future__ import annotations

import base64
import dataclasses
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

HOST = "127.0.0.1"
POM = Path(__file__).resolve().with_name("pom.xml")
OLDEST_JAVA = 17
SHOWN_LOG_LINES = 15
# Below the range of ports for outgoing connections: otherwise a client that keeps connecting to a stopped node could be
# given the node's own port, connect to itself, and so occupy the port.
PORTS = range(20000, 30000)

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
    # After a crash the next start waits until the session of the previous one has expired (9 s by default).
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
    """Kafka could not be started, or died. The message says what to do."""


@dataclasses.dataclass(frozen=True)
class Java:
    """A Java that is new enough: its launcher, and the text that identifies its build."""

    launcher: str
    build: str


@dataclasses.dataclass(frozen=True)
class Runtime:
    """What all nodes on this machine share."""

    java: Java
    class_path: str
    cache: Path

    @property
    def formatted(self) -> Path:
        """The storage that Kafka's tool has formatted, which each new node copies."""
        return self.cache / "formatted"

    @property
    def archive(self) -> Path:
        """The archive of loaded classes, for exactly this Java and these jars."""
        parts = [self.java.build, self.class_path]
        for jar in self.class_path.split(os.pathsep):
            status = Path(jar).stat()
            parts.append(f"{status.st_size} {status.st_mtime_ns}")
        return self.cache / f"classes-{_digest(' '.join(parts).encode())}.jsa"


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]


def say(text: str) -> None:
    """Print a message to standard error."""
    sys.stderr.write(f"kafka: {text}\n")
    sys.stderr.flush()


def find_java() -> Java:
    """Find Java in JAVA_HOME or on the PATH.

    Raises:
        KafkaError: There is no Java, or it is too old.
    """
    advice = f"install Java {OLDEST_JAVA} or later (a headless JRE is enough) or point JAVA_HOME at one"
    home = os.environ.get("JAVA_HOME")
    launcher = shutil.which("java", path=str(Path(home, "bin"))) if home else None
    launcher = launcher or shutil.which("java")
    if launcher is None:
        raise KafkaError(f"Java was not found: {advice}")
    result = subprocess.run([launcher, "-version"], capture_output=True, text=True, check=False)
    match = re.search(r'version "(?:1\.)?(\d+)', result.stderr)
    if result.returncode != 0 or match is None:
        raise KafkaError(f"{launcher} -version failed: {advice}")
    if int(match[1]) < OLDEST_JAVA:
        raise KafkaError(f"{launcher} is Java {match[1]}, which is too old: {advice}")
    return Java(launcher, result.stderr)


def cache_folder() -> Path:
    """Return the folder of the cache for this pom; it may not exist yet."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "article-stream", f"kafka-{_digest(POM.read_bytes())}")


def cached_class_path(cache: Path) -> str | None:
    """Return the cached class path, or None if there is none or a jar is missing."""
    try:
        class_path = (cache / "classpath").read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    jars = class_path.split(os.pathsep)
    return class_path if all(Path(jar).is_file() for jar in jars) else None


def download_class_path(cache: Path) -> str:
    """Download the jars with Maven, and cache their class path.

    Raises:
        KafkaError: Maven is missing or fails; the message ends with its errors.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise KafkaError("Maven (mvn) was not found: install it; it is needed once, to download Kafka's jars")
    say("downloading Kafka's jars with Maven (about 45 MB, only once)")
    output = cache / "classpath.new"
    output.unlink(missing_ok=True)
    goal = ["dependency:build-classpath", "-Dmdep.includeScope=runtime", f"-Dmdep.outputFile={output}"]
    command = [maven, "-q", "-B", "-f", str(POM), *goal]
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode != 0 or not output.is_file():
        errors = "\n".join(result.stdout.strip().splitlines()[:SHOWN_LOG_LINES])
        raise KafkaError(f"Maven could not download Kafka's jars: check the network, or Maven's settings\n{errors}")
    output.write_text(output.read_text(encoding="utf-8").strip(), encoding="utf-8")
    output.replace(cache / "classpath")
    return (cache / "classpath").read_text(encoding="utf-8")


def format_storage(runtime: Runtime) -> None:
    """Format a storage folder with Kafka's tool, and cache it for all nodes to copy.

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
            raise KafkaError(f"Kafka's storage tool failed\n{last_lines(result.stdout)}")
        shutil.rmtree(runtime.formatted, ignore_errors=True)
        (folder / "log").rename(runtime.formatted)


def prepare(cache: Path) -> Runtime:
    """Make sure that Java, the jars and a formatted storage are available; download the jars if necessary.

    Raises:
        KafkaError: One of them is not available.
    """
    java = find_java()
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # otherwise two first starts at once would both download
            runtime = Runtime(java, cached_class_path(cache) or download_class_path(cache), cache)
            if not (runtime.formatted / "meta.properties").is_file():
                format_storage(runtime)
    except OSError as error:
        raise KafkaError(f"cannot use the cache folder {cache} (XDG_CACHE_HOME moves it): {error}") from error
    return runtime


def check() -> None:
    """Check that a node could start without any download.

    Raises:
        KafkaError: It could not start.
    """
    find_java()
    if cached_class_path(cache_folder()) is None:
        raise KafkaError("Kafka's jars are not downloaded yet: run `make kafka` once (needs Maven)")


def kafka_uuid() -> str:
    """Return a random identifier in Kafka's notation: 22 characters, of which the first is not a dash."""
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


def last_lines(text: str) -> str:
    """The end of a log."""
    return "\n".join(text.rstrip().splitlines()[-SHOWN_LOG_LINES:])
