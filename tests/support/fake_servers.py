"""Servers for tests that speak Kafka's protocol a little, or another one, or nothing."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

Conversation = Callable[[socket.socket], None]


def answer_kafka(*requests: int) -> Conversation:
    """A server that answers ApiVersions with ``requests``."""

    def talk(connection: socket.socket) -> None:
        request = connection.recv(1024)
        body = struct.pack(">hi", 0, len(requests)) + b"".join(struct.pack(">hhh", number, 0, 9) for number in requests)
        connection.sendall(struct.pack(">i", 4 + len(body)) + request[8:12] + body)

    return talk


def answer_http(connection: socket.socket) -> None:
    """An HTTP server that waits for a line, as Python's own does."""
    received = b""
    while b"\n" not in received:
        chunk = connection.recv(1024)
        if not chunk:
            return
        received += chunk
    connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n")


def refuse_http(connection: socket.socket) -> None:
    """An HTTP server that answers anything at once, as nginx does."""
    connection.recv(1024)
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(1024):
        pass


def close_at_once(_: socket.socket) -> None:
    return


def send_banner(connection: socket.socket) -> None:
    connection.sendall(b"SSH-2.0-Example\x1b[31m\r\n")
    say_nothing(connection)


def over_tls(talk: Conversation, certificate: Path) -> Conversation:
    """The same over TLS; a client without TLS is cut off."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def talk_over_tls(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as wrapped:
            talk(wrapped)

    return talk_over_tls


@contextlib.contextmanager
def serve(talk: Conversation) -> Iterator[str]:
    """Serve every connection with ``talk``; yields "host:port"."""

    def talk_and_close(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            talk(connection)

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=talk_and_close, args=server.accept()[:1], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=accept, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
