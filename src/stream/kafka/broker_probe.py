"""Finds out why a Kafka broker cannot be reached: DNS, network, a closed port, TLS, or a server that is not Kafka.

The Kafka clients retry until a time-out, and then report the same for all of these. A probe opens a connection of its
own, sends an ApiVersions request, which every broker answers before a log-in, and looks at what comes back. It sends
no secret, and does not verify certificates: `stream.kafka.connection_check` does that when it logs in.
"""

from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Final, TypeGuard, TypeVar

from stream.kafka.security import Access

T = TypeVar("T")

_CORRELATION_ID: Final = 0x5EED
_CLIENT: Final = b"article-stream"
#: Request 18 (ApiVersions), version 0, in a frame: size, request, version, correlation id, client id (KIP-35).
_API_VERSIONS: Final = struct.pack(
    f">ihhih{len(_CLIENT)}s", 10 + len(_CLIENT), 18, 0, _CORRELATION_ID, len(_CLIENT), _CLIENT
)
#: The size of a frame and the correlation id, which begin every answer.
_HEADER_BYTES: Final = 8
_METADATA: Final = 3
_FRAME_BYTES_MAX: Final = 1 << 20
_HTTP_REQUEST: Final = b"GET / HTTP/1.0\r\n\r\n"
_TLS_ALERT: Final = b"\x15\x03"
_BANNER_BYTES_MAX: Final = 60

_IN_BROKER: Final = "in STREAM_BROKER"
_REACH: Final = f"check the host {_IN_BROKER}, and firewalls in between"


@dataclass(frozen=True, slots=True)
class TimeLimits:
    """Seconds that each part of a probe may take. A broker that starts or collects garbage may need some to answer."""

    resolve_s: float = 5.0
    connect_s: float = 4.0
    answer_s: float = 4.0
    handshake_s: float = 3.0
    http_s: float = 2.0


DEFAULT_LIMITS: Final = TimeLimits()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a server cannot be used, and what to do; ``is_permanent``: waiting cannot help."""

    summary: str
    advice: str
    is_permanent: bool = False

    def __str__(self) -> str:
        return f"{self.summary}; {self.advice}"


@dataclass(frozen=True, slots=True)
class Probe:
    """The result for one "host:port": the seconds that connecting took, and the problem, if there is one."""

    address: str
    seconds: float | None = None
    problem: Problem | None = None


def probe_brokers(addresses: Sequence[str], access: Access, limits: TimeLimits = DEFAULT_LIMITS) -> Iterator[Probe]:
    """Probe all ``addresses`` in parallel, and yield each result as soon as it is there.

    Takes about ten seconds at most. A problem with the log-in or with certificates is not found here.
    """
    return _in_parallel(
        [_Server(address, limits) for address in addresses],
        lambda server, connection: server.find_problem(connection, access),
    )


def probe_ports(addresses: Sequence[str], limits: TimeLimits = DEFAULT_LIMITS) -> list[Probe]:
    """Connect to each "host:port" in parallel, without sending anything; in the order of ``addresses``."""
    probes = {
        probe.address: probe
        for probe in _in_parallel([_Server(address, limits) for address in addresses], lambda _, __: None)
    }
    return [probes[address] for address in addresses]


def run_with_timeout(seconds: float, work: Callable[[], T]) -> T:
    """Call ``work`` in a thread. If it takes too long, the thread is abandoned; it ends with the process.

    Raises:
        TimeoutError: it takes longer than ``seconds``.
    """
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(work())
        except BaseException as error:  # noqa: BLE001 - raised again by result()
            future.set_exception(error)

    threading.Thread(target=run, name="kafka-check", daemon=True).start()
    return future.result(seconds)


def _in_parallel(servers: Sequence[_Server], find_problem: FindProblem) -> Iterator[Probe]:
    results: queue.SimpleQueue[Probe] = queue.SimpleQueue()
    distinct = {server.address: server for server in servers}.values()
    for server in distinct:
        threading.Thread(
            target=lambda server=server: results.put(_probe(server, find_problem)), name="kafka-probe", daemon=True
        ).start()
    for _ in distinct:
        yield results.get()


def _probe(server: _Server, find_problem: FindProblem) -> Probe:
    start = time.monotonic()
    try:
        with server.connect() as connection:
            seconds = time.monotonic() - start
            return Probe(server.address, seconds, find_problem(server, connection))
    except (OSError, ValueError, OverflowError) as error:
        return Probe(server.address, problem=_explain_connect_error(error, server.limits))


#: Called with a server and a new connection to it.
FindProblem = Callable[["_Server", socket.socket], Problem | None]


class _Server:
    """Connections to one "host:port", and what they show about the server there."""

    def __init__(self, address: str, limits: TimeLimits) -> None:
        host, _, port = address.rpartition(":")
        self.address = address
        self.limits = limits
        self._host, self._port = host.strip("[]"), int(port)

    def connect(self) -> socket.socket:
        """Connect. Resolving the name ends in time, although the resolver itself has no time limit."""
        limit_s = self.limits.resolve_s
        try:
            run_with_timeout(limit_s, lambda: socket.getaddrinfo(self._host, self._port, type=socket.SOCK_STREAM))
        except TimeoutError:
            raise socket.gaierror(socket.EAI_AGAIN, f"no answer from DNS within {limit_s:g} s") from None
        return socket.create_connection((self._host, self._port), timeout=self.limits.connect_s)

    def find_problem(self, connection: socket.socket, access: Access) -> Problem | None:
        """What is wrong with the server at the other end of a new ``connection``."""
        return self._ask_over_tls(connection, access) if access.tls else self._ask_in_plaintext(connection, access)

    def _ask_in_plaintext(self, connection: socket.socket, access: Access) -> Problem | None:
        answer = self._exchange(connection)
        if _is_kafka(answer):
            return _check_role(answer)
        was_refused = answer is not None and (not answer or answer.startswith(_TLS_ALERT))
        if was_refused and self._speaks_tls():
            advice = f"set STREAM_SECURITY_PROTOCOL={_sasl(access)}SSL"
            answer = self._reconnect_and_exchange(self._connect_tls)
            problem = None if _is_kafka(answer) else self._identify(self._connect_tls, answer)
            return problem or Problem("the port speaks TLS", advice, is_permanent=True)
        return self._identify(self.connect, answer) or self._explain_silence(answer)

    def _ask_over_tls(self, connection: socket.socket, access: Access) -> Problem | None:
        try:
            answer = self._exchange(self._wrap(connection))
        except ssl.SSLError as error:
            if _is_alert(error):  # it may require a client certificate; the log-in explains that
                return None
        except OSError:  # it does not answer, or closes the connection
            pass
        else:
            if _is_kafka(answer):
                return _check_role(answer)
            problem = self._identify(self._connect_tls, answer)
            # A broker that requires a client certificate closes the connection, too.
            return problem or (self._explain_silence(answer) if answer is None else None)
        answer = self._reconnect_and_exchange(self.connect)
        if _is_kafka(answer):
            advice = f"set STREAM_SECURITY_PROTOCOL={_sasl(access)}PLAINTEXT, or another port"
            return Problem("the port does not speak TLS", advice, is_permanent=True)
        return self._identify(self.connect, answer) or self._explain_silence(answer)

    def _speaks_tls(self) -> bool:
        try:
            self._connect_tls().close()
        except ssl.SSLError as error:
            return _is_alert(error)  # an alert is TLS, too
        except OSError:
            return False
        return True

    def _connect_tls(self) -> ssl.SSLSocket:
        return self._wrap(self.connect())

    def _wrap(self, connection: socket.socket) -> ssl.SSLSocket:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE  # no secret is sent: this only finds out what answers
        try:
            connection.settimeout(self.limits.handshake_s)
            return context.wrap_socket(connection, server_hostname=self._host)
        except BaseException:
            connection.close()
            raise

    def _reconnect_and_exchange(
        self, connect: Callable[[], socket.socket], request: bytes = _API_VERSIONS
    ) -> bytes | None:
        try:
            return self._exchange(connect(), request)
        except TimeoutError:
            return None
        except OSError:
            return b""

    def _exchange(self, connection: socket.socket, request: bytes = _API_VERSIONS) -> bytes | None:
        """Send ``request``; returns what comes back, b"" if the connection is closed, None if nothing comes in time."""
        received = b""
        try:
            with contextlib.closing(connection):
                connection.settimeout(self.limits.http_s if request is _HTTP_REQUEST else self.limits.answer_s)
                connection.sendall(request)
                while not _is_complete(received) and (chunk := connection.recv(65_536)):
                    received += chunk
        except TimeoutError:
            return received or None
        except OSError:  # reset, or a TLS alert
            return received
        return received

    def _identify(self, connect: Callable[[], socket.socket], answer: bytes | None = None) -> Problem | None:
        """What answers instead of Kafka; None if it is not known. ``answer``: what it has sent before, if anything."""
        answer = answer or self._reconnect_and_exchange(connect, _HTTP_REQUEST)
        if not answer or answer.startswith(_TLS_ALERT):
            return None
        if answer.startswith(b"HTTP/"):
            name = "an HTTP server answers, not Kafka"
        else:
            banner = answer[:_BANNER_BYTES_MAX].splitlines()[0].decode("utf-8", "backslashreplace")
            name = f"something other than Kafka answers ({banner!r})"
        return Problem(name, f"set the address of a Kafka broker {_IN_BROKER}", is_permanent=True)

    def _explain_silence(self, answer: bytes | None) -> Problem:
        if answer is None:
            return Problem(
                f"it accepts connections, but nothing answers within {self.limits.answer_s:g} s",
                "check that it is Kafka, and in its log that it has started and is not stuck",
            )
        return Problem(
            "it closes the connection without an answer",
            "check that this port is for Kafka clients, and look into the broker's log",
        )


def _explain_connect_error(error: Exception, limits: TimeLimits) -> Problem:
    reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()
    if isinstance(error, socket.gaierror | UnicodeError):
        return Problem(f"the host name cannot be resolved ({reason})", f"correct the host {_IN_BROKER}, or check DNS")
    if isinstance(error, ConnectionRefusedError):
        return Problem(
            "connection refused, because nothing listens on this port",
            f"start Kafka, or correct the address {_IN_BROKER}",
        )
    if isinstance(error, TimeoutError):
        return Problem(f"no answer to the connection request within {limits.connect_s:g} s", _REACH)
    return Problem(reason, _REACH)


def _is_complete(received: bytes) -> bool:
    """Whether ``received`` is a whole frame of Kafka's protocol, or certainly the beginning of something else."""
    if len(received) < _HEADER_BYTES:
        return False
    size = int.from_bytes(received[:4], "big")
    return not 0 < size <= _FRAME_BYTES_MAX or len(received) >= 4 + size


def _is_kafka(answer: bytes | None) -> TypeGuard[bytes]:
    if answer is None or len(answer) < _HEADER_BYTES:
        return False
    size, correlation_id = int.from_bytes(answer[:4], "big"), int.from_bytes(answer[4:8], "big")
    return 0 < size <= _FRAME_BYTES_MAX and correlation_id == _CORRELATION_ID


def _check_role(answer: bytes) -> Problem | None:
    """Whether the server offers what clients need: a controller (KIP-500) answers too, but has no topics."""
    # After the header: an error code, the number of requests, and for each its number and its versions.
    entries = answer[14 : 14 + (len(answer) - 14) // 6 * 6]
    requests = {request for request, _, _ in struct.iter_unpack(">hhh", entries)}
    if not requests or _METADATA in requests:
        return None
    return Problem(
        "this is the port of a Kafka controller, not of a broker", f"correct the port {_IN_BROKER}", is_permanent=True
    )


def _is_alert(error: ssl.SSLError) -> bool:
    return "ALERT" in (error.reason or "")


def _sasl(access: Access) -> str:
    return "SASL_" if access.mechanism else ""
