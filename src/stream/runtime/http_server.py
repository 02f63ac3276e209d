"""The worker's web pages: one server for the life of the process.

The port is bound before anything else, so that a port that is in use is reported before the worker joins its group.
"""

from __future__ import annotations

import contextlib
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from stream import __version__
from stream.errors import SettingsError
from stream.observability.progress_watch import HealthCheck

_PAGES: Final = {
    "/healthz": "Is the worker alive? 200 while it waits for its broker, restores its indexes or makes progress; "
    "503 if a partition with a lag has stalled. JSON with the details.",
    "/readyz": "Can the worker decide? 200 once partitions are assigned and their indexes are restored; 503 before, "
    "and while it stops. JSON with the details.",
    "/metrics": "Metrics for Prometheus.",
}
_SHUTDOWN_TIMEOUT_S: Final = 1.0


class WorkerStatus(Protocol):
    """What the pages show: the wait for the broker, then the flow, then the flow while it stops."""

    def healthy(self) -> HealthCheck:
        """Whether the worker is alive."""

    def ready(self) -> HealthCheck:
        """Whether the worker can decide."""


@dataclass(frozen=True, slots=True)
class StoppingStatus:
    """A worker that stops: as healthy as it was, and not ready."""

    running: WorkerStatus

    def healthy(self) -> HealthCheck:
        """See `WorkerStatus`."""
        return self.running.healthy()

    def ready(self) -> HealthCheck:
        """See `WorkerStatus`."""
        return HealthCheck(is_good=False, details={**self.running.ready().details, "stopping": True})


@dataclass(slots=True)
class WorkerPages:
    """What the server shows. ``status`` is replaced as the worker goes from one phase to the next."""

    registry: CollectorRegistry
    status: WorkerStatus

    def application(self) -> web.Application:
        """The pages as an application of aiohttp."""
        app = web.Application()
        app.add_routes(
            [
                web.get("/", self._index),
                web.get("/healthz", self._healthz),
                web.get("/readyz", self._readyz),
                web.get("/metrics", self._metrics),
            ]
        )
        return app

    async def _index(self, _request: web.Request) -> web.Response:
        rows = "\n".join(f'<dt><a href="{path}">{path}</a></dt>\n<dd>{text}</dd>' for path, text in _PAGES.items())
        page = (
            '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>article-stream worker</title></head>\n'
            f"<body><h1>article-stream worker {__version__}</h1>\n<dl>\n{rows}\n</dl></body></html>\n"
        )
        return web.Response(text=page, content_type="text/html")

    async def _healthz(self, _request: web.Request) -> web.Response:
        return _to_response(self.status.healthy())

    async def _readyz(self, _request: web.Request) -> web.Response:
        return _to_response(self.status.ready())

    async def _metrics(self, _request: web.Request) -> web.Response:
        return web.Response(body=generate_latest(self.registry), headers={"Content-Type": CONTENT_TYPE_LATEST})


def _to_response(check: HealthCheck) -> web.Response:
    return web.json_response({"ok": check.is_good, **check.details}, status=200 if check.is_good else 503)


@contextlib.contextmanager
def bind(host: str, port: int) -> Iterator[Sequence[socket.socket]]:
    """Listen on all addresses of ``host``, and close the sockets in the end.

    Raises:
        SettingsError: The port is in use, or the host is not of this machine.
    """
    with contextlib.ExitStack() as stack:
        try:
            resolved = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
            addresses = dict.fromkeys((family, address) for family, _, _, _, address in resolved)
            sockets = [
                stack.enter_context(socket.create_server(address, family=family)) for family, address in addresses
            ]
        except OSError as error:
            reason = str(error.strerror).partition(" (")[0]
            raise SettingsError(
                f"the pages cannot be served at {host}:{port} ({reason}); set STREAM_WEB_HOST and STREAM_WEB_PORT"
            ) from None
        yield sockets


@contextlib.asynccontextmanager
async def serve(pages: WorkerPages, sockets: Sequence[socket.socket]) -> AsyncIterator[None]:
    """Serve ``pages`` on ``sockets``, which `bind` returns."""
    runner = web.AppRunner(pages.application(), access_log=None, shutdown_timeout=_SHUTDOWN_TIMEOUT_S)
    await runner.setup()
    try:
        for each in sockets:
            await web.SockSite(runner, each).start()
        yield
    finally:
        await runner.cleanup()
